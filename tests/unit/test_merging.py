"""Several agents' findings become one list: each thing once, the worst first, nothing lost on the way."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.fingerprints import fingerprint
from codereview.domain.merging import FindingPolicy, merge

_LOOP = "The loop reads one item past the end"
_LOOP_AGAIN = "Off by one: the last item that the loop reads lies past the end of the list"
_QUERY = "SQL is put together from a request's text"


def _finding(
    agent: str = "correctness",
    title: str = _LOOP,
    *,
    line: int = 12,
    rule: str = "bug",
    severity: Severity = Severity.HIGH,
    confidence: float | None = None,
    placement: Placement = Placement.INLINE,
    path: str = "a.py",
) -> Finding:
    quote = f"value_{line} = compute(line={line})"
    candidate = Candidate(
        agent=agent,
        rule=rule,
        severity=severity,
        path=path,
        quote=quote,
        title=title,
        body="",
        line=line,
        confidence=confidence,
    )
    return Finding(
        candidate=candidate,
        path=path,
        placement=placement,
        anchor=Anchor(side=Side.RIGHT, line=line) if placement is Placement.INLINE else None,
        text=quote if placement is Placement.INLINE else "",
        fingerprint=fingerprint(path=path, text=quote, rule=rule),
    )


def test_two_agents_that_say_the_same_of_a_line_are_one_finding_the_more_severe() -> None:
    (finding,) = merge([_finding(severity=Severity.LOW), _finding("security", _LOOP_AGAIN, severity=Severity.CRITICAL)])
    assert (finding.candidate.agent, finding.also_found_by) == ("security", ("correctness",))
    assert finding.candidate.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(_finding("security", _QUERY), id="another thing of the same line"),
        pytest.param(_finding("security", line=90), id="the same words far away"),
        pytest.param(_finding("security", path="b.py"), id="another file"),
        pytest.param(_finding("correctness", "The default is shared by all calls"), id="the same agent twice"),
        pytest.param(_finding("security", placement=Placement.FILE), id="outside of the diff"),
    ],
)
def test_two_things_stay_two(other: Finding) -> None:
    assert len(merge([_finding(), other])) == 2


def test_the_worst_come_first_then_the_surest_and_the_dropped_last() -> None:
    found = [
        _finding(line=1, severity=Severity.LOW),
        _finding(line=100, severity=Severity.CRITICAL, placement=Placement.DROPPED),
        _finding(line=200, confidence=0.6),
        _finding(line=300, confidence=0.9),
        _finding(line=400, severity=Severity.CRITICAL),
    ]
    assert [finding.candidate.line for finding in merge(found)] == [400, 300, 200, 1, 100]


def test_what_is_below_a_floor_is_kept_but_not_shown() -> None:
    policy = FindingPolicy(least_severity=Severity.MEDIUM, least_confidence=0.5)
    found = [
        _finding(line=1, severity=Severity.LOW),
        _finding(line=100, confidence=0.4),
        _finding(line=200, confidence=0.5, severity=Severity.MEDIUM),
        _finding(line=300),
    ]
    merged = merge(found, policy)
    assert len(merged) == 4
    assert [finding.candidate.line for finding in merged if finding.placement is not Placement.DROPPED] == [300, 200]
    assert all(finding.anchor is None for finding in merged if finding.placement is Placement.DROPPED)


def test_by_default_only_an_agents_own_doubt_hides_a_finding() -> None:
    found = [_finding(line=100 * n, severity=severity) for n, severity in enumerate(Severity, 1)]
    doubtful = _finding(line=900, severity=Severity.CRITICAL, confidence=0.1)
    merged = merge([*found, doubtful])
    assert [finding for finding in merged if finding.placement is Placement.DROPPED] == [
        replace(doubtful, placement=Placement.DROPPED, anchor=None, text="")
    ]


_FINDINGS = st.lists(
    st.builds(
        _finding,
        agent=st.sampled_from(["correctness", "security", "ruff"]),
        title=st.sampled_from([_LOOP, _LOOP_AGAIN, _QUERY]),
        line=st.integers(1, 12),
        rule=st.sampled_from(["bug", "injection"]),
        severity=st.sampled_from(list(Severity)),
        confidence=st.none() | st.sampled_from([0.1, 0.5, 0.9]),
        placement=st.sampled_from(list(Placement)),
        path=st.sampled_from(["a.py", "b.py"]),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(_FINDINGS, st.randoms(use_true_random=False))
def test_the_order_in_which_agents_answer_changes_nothing(found: list[Finding], rng: random.Random) -> None:
    merged = merge(found)
    shuffled = list(found)
    rng.shuffle(shuffled)
    assert merge(shuffled) == merged
    assert len({finding.fingerprint for finding in merged}) == len(merged)


@settings(max_examples=200, deadline=None)
@given(_FINDINGS)
def test_no_agent_s_finding_is_lost_in_merging(found: list[Finding]) -> None:
    merged = merge(found)
    for finding in found:
        homes = [each for each in merged if each.path == finding.path]
        assert any(finding.candidate.agent in (each.candidate.agent, *each.also_found_by) for each in homes)
    worst = min((finding.candidate.severity.rank for finding in found), default=None)
    assert worst == min((finding.candidate.severity.rank for finding in merged), default=None)


@settings(max_examples=200, deadline=None)
@given(_FINDINGS)
def test_merging_what_is_merged_changes_no_finding_s_place(found: list[Finding]) -> None:
    merged = merge(found)
    again = merge(merged)
    assert {finding.anchor for finding in again} == {finding.anchor for finding in merged}


def test_an_analyzers_finding_is_never_merged_into_a_models_graver_claim() -> None:
    claimed = _finding("correctness", _QUERY, severity=Severity.CRITICAL, confidence=1)
    proven = _finding("ruff", _QUERY, severity=Severity.MEDIUM)
    assert set(merge([claimed, proven], proven_by={"ruff"})) >= {proven}
    (both,) = merge([replace(claimed, candidate=replace(claimed.candidate, severity=Severity.LOW)), proven])
    assert (both.candidate, both.also_found_by) == (proven.candidate, ("correctness",))


def test_a_claim_that_looks_like_an_analyzers_finding_does_not_get_its_fingerprint() -> None:
    claimed = _finding("correctness", _LOOP, severity=Severity.CRITICAL)
    proven = _finding("ruff", _QUERY, severity=Severity.LOW)
    assert claimed.fingerprint == proven.fingerprint
    first, second = merge([claimed, proven], proven_by={"ruff"})
    assert (first.candidate.agent, second.candidate.agent) == ("correctness", "ruff")
    assert second.fingerprint == proven.fingerprint != first.fingerprint
