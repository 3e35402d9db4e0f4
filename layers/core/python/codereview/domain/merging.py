"""Makes one finding of several that mean the same, and puts the most important first."""

import re
from collections.abc import Iterable
from dataclasses import replace

from codereview.domain.finding import Finding, Placement
from codereview.domain.fingerprints import fingerprint

_WORD = re.compile(r"[a-z][a-z0-9_]{2,}")
# How much of their words two claims about the same lines must share to be one. Different agents word alike what they
# both saw; the same agent twice on a line means two things more often.
_LEAST_SHARED = 0.2
_LEAST_SHARED_SAME_AGENT = 0.6
_PLACEMENT_ORDER = list(Placement)


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Merge, rank, and tell equal code in one file apart; dropped findings come last."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=_rank):
        twin = next((index for index, other in enumerate(kept) if _is_same(other, finding)), None)
        if twin is None:
            kept.append(finding)
        else:
            kept[twin] = _absorbed(kept[twin], finding)
    return tuple(_told_apart(kept))


def _rank(finding: Finding) -> tuple[bool, int, float, int, str, int]:
    """Order by what is shown, severity, confidence, then place, so that the order never depends on who came first."""
    candidate = finding.candidate
    return (
        finding.placement is Placement.DROPPED,
        candidate.severity.rank,
        -(candidate.confidence if candidate.confidence is not None else 0.5),
        _PLACEMENT_ORDER.index(finding.placement),
        finding.path,
        finding.anchor.line if finding.anchor else 0,
    )


def _is_same(first: Finding, second: Finding) -> bool:
    if first.path != second.path or first.placement is not second.placement or not _overlap(first, second):
        return False
    shared = _shared_words(first, second)
    if first.candidate.agent == second.candidate.agent:
        is_same_rule = first.candidate.rule == second.candidate.rule and first.anchor == second.anchor
        return is_same_rule and shared >= _LEAST_SHARED_SAME_AGENT
    return shared >= _LEAST_SHARED


def _overlap(first: Finding, second: Finding) -> bool:
    if first.anchor is None or second.anchor is None:
        return first.anchor is second.anchor and first.candidate.quote == second.candidate.quote
    return (
        first.anchor.side is second.anchor.side
        and (first.anchor.start_line or first.anchor.line) <= second.anchor.line
        and (second.anchor.start_line or second.anchor.line) <= first.anchor.line
    )


def _shared_words(first: Finding, second: Finding) -> float:
    """The part of the shorter claim's words that the other has too, 0 to 1."""
    one, other = _words(first), _words(second)
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


def _words(finding: Finding) -> set[str]:
    candidate = finding.candidate
    return set(_WORD.findall(f"{candidate.title} {candidate.body}".lower()))


def _absorbed(kept: Finding, twin: Finding) -> Finding:
    agents = {*kept.also_found_by, *twin.also_found_by, twin.candidate.agent} - {kept.candidate.agent}
    return replace(kept, also_found_by=tuple(sorted(agents)))


def _told_apart(findings: list[Finding]) -> list[Finding]:
    """Number findings with one fingerprint, in the order of their lines: equal code twice in a file is two findings."""
    groups: dict[str, list[int]] = {}
    for index, finding in enumerate(findings):
        groups.setdefault(finding.fingerprint, []).append(index)
    for indexes in groups.values():
        by_line = sorted(indexes, key=lambda index: _line_of(findings[index]))
        for occurrence, index in enumerate(by_line[1:], start=1):
            found = findings[index]
            renamed = fingerprint(path=found.fingerprint, text="", rule="", occurrence=occurrence)
            findings[index] = replace(found, fingerprint=renamed)
    return findings


def _line_of(finding: Finding) -> int:
    return finding.anchor.line if finding.anchor else 0
