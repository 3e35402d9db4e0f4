"""What an attacker had said in every part of a finding, on a terminal and in a log."""

import json
import re

import pytest

from codereview.cli.review import github_document, result_document
from codereview.cli.terminal import print_review
from codereview.domain.finding import Candidate, Finding, Placement, Severity
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus, Unreviewed
from codereview.domain.sarif import sarif
from codereview.entrypoints.json_log import JsonLog
from codereview.entrypoints.logger import function_logger
from tests.scenarios.fake_stores import Clock
from tests.scenarios.hostile.case import cases
from tests.scenarios.world import World

SAID = {name: case.text[:20_000] for name, case in cases().items() if case.answer is None}
# All that steers a terminal begins with one of these; reordering is done by the others.
_STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def _result(said: str) -> ReviewResult:
    candidate = Candidate(
        agent="security", rule=said, severity=Severity.HIGH, path=said, quote=said, title=said, body=said
    )
    finding = Finding(
        candidate=candidate, path=said, placement=Placement.BODY, anchor=None, text=said, fingerprint="ab"
    )
    run = AgentRun(agent="security", status=RunStatus.FAILED, engine=said, reason=said)
    coverage = Coverage(reviewed=(said,), unreviewed=(Unreviewed(path=said, reason=said),), file_count=2)
    return ReviewResult(base_sha="0" * 40, head_sha="1" * 40, findings=(finding,), runs=(run,), coverage=coverage)


@pytest.mark.parametrize("name", SAID)
def test_b53_no_words_steer_a_terminal(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_review(_result(SAID[name]))
    assert not _STEERS.search(capsys.readouterr().out)


@pytest.mark.parametrize("name", SAID)
def test_b53_no_words_leave_their_place_in_a_document(name: str) -> None:
    result = _result(SAID[name])
    for document in (result_document(result), sarif(result), github_document(result)):
        written = json.dumps(document, indent=2)
        assert written.isascii()
        assert not _STEERS.search(written)


@pytest.mark.parametrize("name", SAID)
def test_no_words_make_a_line_in_a_log(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    log = JsonLog(lines.append, Clock(World()), service="test", level="INFO")
    log("INFO", "looked at", words=SAID[name])
    function_logger(f"test-{name}").info("looked at", extra={"words": SAID[name]})
    for line in (*lines, capsys.readouterr().out):
        assert line.count("\n") == 1
        assert line.isascii()
        assert not _STEERS.search(line)
        assert json.loads(line)["message"] == "looked at"
