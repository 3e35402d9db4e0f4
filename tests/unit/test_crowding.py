"""Analyzers keep their room in a review, however much models claim."""

from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.crowding import share_comments
from codereview.domain.finding import Candidate, Finding, Placement, Severity


def _finding(agent: str, number: int) -> Finding:
    candidate = Candidate(agent=agent, rule="r", severity=Severity.HIGH, path="a.py", quote="q", title="t", body="b")
    return Finding(
        candidate=candidate, path="a.py", placement=Placement.INLINE, anchor=None, text="q", fingerprint=f"{number:x}"
    )


def _is_proven(finding: Finding) -> bool:
    return finding.candidate.agent == "ruff"


_FINDINGS = st.lists(st.sampled_from(["ruff", "correctness"]), max_size=60).map(
    lambda agents: [_finding(agent, number) for number, agent in enumerate(agents)]
)


def test_fifty_claims_leave_an_analyzer_its_comment() -> None:
    findings = [*(_finding("correctness", number) for number in range(50)), _finding("ruff", 50)]
    commented, listed = share_comments(findings, _is_proven, most=10)
    assert [finding.candidate.agent for finding in commented] == ["correctness"] * 9 + ["ruff"]
    assert len(listed) == 41


def test_where_there_is_room_for_all_rank_decides() -> None:
    findings = [_finding("correctness", 0), _finding("ruff", 1), _finding("correctness", 2)]
    assert share_comments(findings, _is_proven, most=10) == (findings, [])


def test_of_what_has_no_comment_an_analyzers_is_listed_first() -> None:
    findings = [_finding("correctness", 0), _finding("correctness", 1), _finding("ruff", 2)]
    _, listed = share_comments(findings, _is_proven, most=1)
    assert [finding.candidate.agent for finding in listed] == ["ruff", "correctness"]


@given(_FINDINGS, st.integers(0, 25))
def test_each_finding_is_in_one_place_and_no_comment_is_left_unused(findings: list[Finding], most: int) -> None:
    commented, listed = share_comments(findings, _is_proven, most=most)
    assert len(commented) == min(most, len(findings))
    assert sorted(int(finding.fingerprint, 16) for finding in (*commented, *listed)) == list(range(len(findings)))
    assert [finding for finding in findings if finding in commented] == commented  # by rank
    proven = sum(map(_is_proven, findings))
    assert sum(map(_is_proven, commented)) >= min(proven, most // 2)
