"""The result as SARIF: valid by the standard's own schema, one category an agent, nothing secret in it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus
from codereview.domain.sarif import sarif

# The schema of OASIS comes in an npm package of the standard's editors.
SCHEMA = Path(__file__).parents[1] / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="session")
def validator() -> jsonschema.Draft4Validator:
    return jsonschema.Draft4Validator(json.loads(SCHEMA.read_text()))


def _finding(
    agent: str = "security", path: str = "shop/price.py", placement: Placement = Placement.INLINE, **values: Any
) -> Finding:
    candidate = Candidate(
        agent=agent,
        rule="injection",
        severity=Severity.HIGH,
        path=path,
        quote="query = x",
        title="SQL from a request",
        body="Anybody can end the string.",
        confidence=0.8,
    )
    return Finding(
        candidate=replace(candidate, **values),
        path=path,
        placement=placement,
        anchor=Anchor(side=Side.RIGHT, line=12, start_line=11) if placement is Placement.INLINE else None,
        text=candidate.quote,
        fingerprint="ab12",
    )


def _result(*findings: Finding, is_mock: bool = False) -> ReviewResult:
    return ReviewResult(
        base_sha="0" * 40,
        head_sha="1" * 40,
        findings=findings,
        runs=(
            AgentRun(agent="security", status=RunStatus.COMPLETE, engine="a-model", prompt_version="1"),
            AgentRun(agent="correctness", status=RunStatus.FAILED, engine="a-model", prompt_version="1", reason="cut"),
            AgentRun(agent="ruff", status=RunStatus.COMPLETE, engine="ruff 0.14.5"),
        ),
        coverage=Coverage(reviewed=("a",), unreviewed=(), file_count=1),
        is_mock=is_mock,
    )


def test_each_agent_is_a_run_with_a_category_of_its_own(validator: jsonschema.Draft4Validator) -> None:
    log = sarif(_result(_finding(), _finding(agent="ruff")))
    validator.validate(log)
    assert [run["automationDetails"]["id"] for run in log["runs"]] == [
        "codereview/security/",
        "codereview/correctness/",
        "codereview/ruff/",
    ]
    assert [len(run["results"]) for run in log["runs"]] == [1, 0, 1]


def test_a_finding_says_where_what_and_how_bad(validator: jsonschema.Draft4Validator) -> None:
    log = sarif(_result(_finding()))
    validator.validate(log)
    result = log["runs"][0]["results"][0]
    assert result["ruleId"] == "injection"
    assert result["level"] == "error"
    assert result["rank"] == 80.0
    assert result["message"]["text"] == "SQL from a request\n\nAnybody can end the string."
    assert result["partialFingerprints"] == {"codereview/v1": "ab12"}
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "shop/price.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 11, "endLine": 12, "snippet": {"text": "query = x"}},
    }


def test_an_agent_that_failed_does_not_read_as_one_that_found_nothing() -> None:
    invocation = sarif(_result())["runs"][1]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "cut"


def test_dropped_findings_are_left_out_and_unplaced_ones_point_at_their_file(
    validator: jsonschema.Draft4Validator,
) -> None:
    log = sarif(_result(_finding(placement=Placement.DROPPED), _finding(placement=Placement.FILE)))
    validator.validate(log)
    (result,) = log["runs"][0]["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]


def test_a_made_up_finding_says_so() -> None:
    log = sarif(_result(_finding(), _finding(agent="ruff"), is_mock=True))
    assert "Made by the mock model" in log["runs"][0]["results"][0]["message"]["text"]
    assert "mock model" not in log["runs"][2]["results"][0]["message"]["text"]


def test_b54_a_secret_is_masked() -> None:
    secret = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"
    finding = replace(_finding(title=secret, body=secret, rule=secret), text=secret)
    assert secret not in json.dumps(sarif(_result(finding)))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/ü.py", "a%20b/%C3%BC.py"),
        ("caf\udce9.py", "caf%E9.py"),
        ("a#b?c%d", "a%23b%3Fc%25d"),
        ("c:/x\ny", "c%3A/x%0Ay"),
        ("/tmp/x.py", "file:///tmp/x.py"),
        ("\ud800", "%EF%BF%BD"),
    ],
)
def test_b37_a_path_becomes_a_uri(path: str, uri: str, validator: jsonschema.Draft4Validator) -> None:
    log = sarif(_result(_finding(path=path)))
    validator.validate(log)
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


_TEXTS = st.text(alphabet=st.characters(), max_size=40)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        _finding,
        agent=_TEXTS,
        path=_TEXTS,
        title=_TEXTS,
        body=_TEXTS,
        rule=_TEXTS,
        placement=st.sampled_from(list(Placement)),
    )
)
def test_whatever_was_found_the_log_is_valid(finding: Finding) -> None:
    log = sarif(_result(finding))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    json.dumps(log).encode()
