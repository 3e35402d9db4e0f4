"""What the secrets agent found is named and never shown, whoever else speaks of it."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.masking import mask_secrets
from codereview.domain.rendering import publication
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus
from codereview.domain.sarif import sarif
from codereview.domain.secret_detection import find_secrets
from codereview.domain.secret_findings import at_rest, without_secrets
from codereview.domain.stored import encode_result

# A value that only its name gives away, which masking by pattern does not go by.
_VALUE = "Xk9vQm2LpR7t"
_CODE = f"DB_PASS = '{_VALUE}'"


def _finding(agent: str, *, placement: Placement = Placement.INLINE, code: str = _CODE, words: str = "") -> Finding:
    candidate = Candidate(
        agent=agent,
        rule="password",
        severity=Severity.HIGH,
        path="a.py",
        quote=code,
        title=f"Title {words}",
        body=f"Body {words}",
        suggestion=f"DB_PASS = os.environ['X']  # {words}",
    )
    is_inline = placement is Placement.INLINE
    return Finding(
        candidate=candidate,
        path="a.py",
        placement=placement,
        anchor=Anchor(side=Side.RIGHT, line=1) if is_inline else None,
        text=code if is_inline else "",
        fingerprint="ab",
        is_suggestion_applicable=is_inline,
    )


def _result(*findings: Finding) -> ReviewResult:
    runs = tuple(AgentRun(agent=name, status=RunStatus.COMPLETE, engine=name) for name in ("security", "secrets"))
    coverage = Coverage(reviewed=("a.py",), unreviewed=(), file_count=1)
    return ReviewResult(base_sha="0" * 40, head_sha="1" * 40, findings=findings, runs=runs, coverage=coverage)


def _everything_shown(result: ReviewResult) -> str:
    posted = publication(result, review_id=UUID(int=1), marker_key=b"key")
    bodies = [comment.body for comment in posted.comments]
    return "\n".join([posted.body, *bodies, posted.check.summary, posted.check.title, json.dumps(sarif(result))])


def test_the_value_of_these_tests_is_one_that_masking_alone_would_let_through() -> None:
    assert _VALUE in mask_secrets(_CODE)
    assert _VALUE in _everything_shown(_result(_finding("security", placement=Placement.FILE)))


@pytest.mark.parametrize("placement", [Placement.INLINE, Placement.FILE, Placement.BODY])
def test_b54_code_that_the_secrets_agent_found_is_never_quoted(placement: Placement) -> None:
    shown = _everything_shown(_result(_finding("secrets", placement=placement)))
    assert _VALUE not in shown
    assert "DB_PASS" not in shown
    assert "Title" in shown


def test_b54_nor_is_it_where_another_agents_finding_took_the_secrets_agents_in() -> None:
    merged = replace(_finding("security", placement=Placement.FILE), also_found_by=("secrets",))
    assert "DB_PASS" not in _everything_shown(_result(merged))


@pytest.mark.parametrize("placement", list(Placement))
def test_b54_nor_does_another_agent_show_the_line_or_the_value(placement: Placement) -> None:
    others = [
        _finding("security", placement=Placement.FILE, code=f"x = 1\n    {_CODE}\n"),
        _finding("security", placement=Placement.FILE, code=f"connect('{_VALUE}')", words=f"uses {_VALUE}."),
        _finding("security", code="connect(DB_PASS)", words=f"as in `{_CODE}`"),
    ]
    shown = _everything_shown(_result(*others, _finding("secrets", placement=placement)))
    assert _VALUE not in shown
    assert "[masked password]" in shown


def test_a_suggestion_that_would_not_be_posted_as_it_was_checked_is_not_offered() -> None:
    harmless = _finding("security", code="connect(DB_PASS)")
    telling = _finding("security", code="connect(DB_PASS)", words=_VALUE)
    shown = without_secrets(_result(harmless, telling, _finding("secrets"))).findings
    assert [finding.is_suggestion_applicable for finding in shown] == [True, False, False]


def test_without_a_secret_found_nothing_is_changed() -> None:
    result = _result(_finding("security", words=_VALUE))
    assert without_secrets(result) is result


@given(
    st.from_regex(r"[A-Z][a-z]{3}[0-9][A-Za-z]{4}[0-9][A-Z]{2}", fullmatch=True),
    st.sampled_from(["title", "body", "quote"]),
    st.text(max_size=20),
)
def test_b54_whatever_the_value_it_is_masked_in_all_words(value: str, where: str, around: str) -> None:
    secret = _finding("secrets", code=f"password = '{value}'")
    assume(any(find_secrets(secret.text, "a.py")))  # `Aaaa0AAAA0AA` is no secret to anybody
    other = _finding("security", placement=Placement.BODY, code="other()")
    other = replace(other, candidate=replace(other.candidate, **{where: f"{around}{value} {around}"}))  # type: ignore[arg-type]
    found = any(value in text for text in _words(without_secrets(_result(secret, other))))
    assert not found


def _words(result: ReviewResult) -> list[str]:
    return [
        text
        for finding in result.findings
        for text in (finding.text, finding.candidate.quote, finding.candidate.title, finding.candidate.body)
    ]


def test_b54_no_secret_is_kept_with_a_result() -> None:
    token = "ghp_" + "wX9kQ2mT7vB4nR8sL1cY6dF3hJ5gZ0pAuE4t"
    by_pattern = _finding("security", code=f"x = '{token}'", words=token)
    by_pattern = replace(by_pattern, verdict_reason=f"It is {token}.")
    kept = encode_result(_result(by_pattern, _finding("secrets"), _finding("security", words=_VALUE))).decode()
    assert token not in kept
    assert _VALUE not in kept
    assert "[masked github-token]" in kept


def test_a_suggestion_that_had_to_be_masked_is_never_offered() -> None:
    token = "ghp_" + "wX9kQ2mT7vB4nR8sL1cY6dF3hJ5gZ0pAuE4t"
    (finding,) = at_rest(_result(_finding("security", code="x = 1", words=token))).findings
    assert finding.candidate.suggestion is not None
    assert not finding.is_suggestion_applicable
