"""Makes one finding of several that mean the same, and puts the most important first."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from codereview.domain.finding import Finding, Placement, Severity
from codereview.domain.fingerprints import fingerprint

_WORD = re.compile(r"[a-z][a-z0-9]{2,}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENDING = re.compile(r"(?:ations?|ions?|ings?|ically|ed|es|s|able|e|ly)$")
_LEAST_STEM = 4
# Words that a claim about anything has.
_EMPTY = frozenset(
    _WORD.findall(
        "about after again all also and any are because been before being both but can cannot case change code could "
        "does either every first for from get good has have here how however instead into issue its just line lines "
        "make may might more most must need needs new not now only other possible potential problem really same should "
        "since some such than that the their them then there these they this those through use used uses using was way "
        "were what when where whether which while will with without would you your consider"
    )
)
# Words of the code itself count half: any claim about the code has them.
_CODE_WEIGHT = 0.5
# How much of their words two claims must share to be one, by how far apart their lines are. Different agents word
# alike what both saw; the same agent twice on a line means two things more often.
_SAME_AGENT = 0.6
_OVERLAPPING, _NEAR, _FAR = 0.17, 0.4, 0.75
_NEAR_LINES, _FAR_LINES = 3, 15
_PLACEMENT_ORDER = list(Placement)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A finding and its words, taken apart once."""

    finding: Finding
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPolicy:
    """How much of what was found people get to see.

    What is beyond `max_comments` is listed in the review's body; what is below a floor is recorded and not shown. A
    finding without a confidence passes: its agent does not say.
    """

    max_comments: int = 10
    least_severity: Severity = Severity.INFO
    least_confidence: float = 0.3

    def admits(self, finding: Finding) -> bool:
        """Tell whether a finding reaches the floors."""
        candidate = finding.candidate
        is_sure = candidate.confidence is None or candidate.confidence >= self.least_confidence
        return is_sure and candidate.severity.rank <= self.least_severity.rank


DEFAULT_POLICY = FindingPolicy()


def merge(
    findings: Iterable[Finding], policy: FindingPolicy = DEFAULT_POLICY, *, proven_by: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Merge, rank, and tell apart what has one fingerprint; dropped findings come last.

    Of findings that mean the same the most severe stays; what is below the policy's floors is dropped before, so that
    nothing is merged into it. The order depends on the findings alone, not on theirs. A finding of an agent in
    `proven_by` is never merged into another's: a model that was talked into a graver claim about the same line would
    take its words out of the review.
    """
    findings = [
        finding if policy.admits(finding) else replace(finding, placement=Placement.DROPPED, anchor=None, text="")
        for finding in findings
    ]
    kept: list[_Claim] = []
    by_path: defaultdict[str, list[int]] = defaultdict(list)
    for finding in sorted(findings, key=_rank):
        claim = _claim(finding)
        twin = next(
            (
                index
                for index in by_path[finding.path]
                if _may_absorb(kept[index].finding, finding, proven_by) and _is_same(kept[index], claim)
            ),
            None,
        )
        if twin is None:
            by_path[finding.path].append(len(kept))
            kept.append(claim)
        else:
            kept[twin] = replace(kept[twin], finding=_absorbed(kept[twin].finding, finding))
    return tuple(_told_apart([claim.finding for claim in kept], proven_by))


def _may_absorb(kept: Finding, other: Finding, proven_by: Collection[str]) -> bool:
    return kept.candidate.agent in proven_by or other.candidate.agent not in proven_by


def _rank(finding: Finding) -> tuple[object, ...]:
    """Order by what is shown, severity, confidence, then place; the rest only makes the order complete."""
    candidate, anchor = finding.candidate, finding.anchor
    return (
        finding.placement is Placement.DROPPED,
        candidate.severity.rank,
        -(candidate.confidence if candidate.confidence is not None else 0.5),
        _PLACEMENT_ORDER.index(finding.placement),
        finding.path,
        (anchor.line, anchor.start_line or anchor.line, anchor.side.value) if anchor else (0, 0, ""),
        candidate.agent,
        candidate.rule,
        candidate.title,
        candidate.body,
        candidate.quote,
        candidate.confidence is None,
    )


def _is_same(first: _Claim, second: _Claim) -> bool:
    if (first.finding.placement is Placement.INLINE) != (second.finding.placement is Placement.INLINE):
        return False
    needed = _needed(first.finding, second.finding)
    return needed is not None and _shared(first, second) >= needed


def _needed(first: Finding, second: Finding) -> float | None:
    """Tell how much two claims must have in common; None for those that are about different things anyway."""
    distance = _distance(first, second)
    if distance is None:
        return None
    if first.candidate.agent == second.candidate.agent:
        is_same_thing = first.candidate.rule == second.candidate.rule and distance == 0
        return _SAME_AGENT if is_same_thing else None
    if distance == 0:
        return _OVERLAPPING
    return _NEAR if distance <= _NEAR_LINES else _FAR if distance <= _FAR_LINES else None


def _distance(first: Finding, second: Finding) -> int | None:
    """Count the lines between two places, 0 if they overlap; without a place, the same quote is the same place."""
    one, other = first.anchor, second.anchor
    if one is None or other is None:
        is_same = first.placement is second.placement and first.candidate.quote == second.candidate.quote
        return 0 if is_same else None
    if one.side is not other.side:
        return None
    return max((one.start_line or one.line) - other.line, (other.start_line or other.line) - one.line, 0)


def _shared(one: _Claim, other: _Claim) -> float:
    """Return the part of the shorter claim's words that the other has too, by weight, 0 to 1."""
    shorter = min(sum(one.weights.values()), sum(other.weights.values()))
    shared = sum(min(weight, other.weights.get(word, 0.0)) for word, weight in one.weights.items())
    return shared / shorter if shorter else 0.0


def _claim(finding: Finding) -> _Claim:
    candidate = finding.candidate
    said = _stems(f"{candidate.rule} {candidate.title} {candidate.body}")
    code = _stems(finding.text or candidate.quote)
    return _Claim(finding=finding, weights={word: _CODE_WEIGHT if word in code else 1.0 for word in said})


def _stems(text: str) -> frozenset[str]:
    words = _WORD.findall(_CAMEL.sub(" ", text).lower().replace("_", " "))
    return frozenset(_stem(word) for word in words if word not in _EMPTY)


def _stem(word: str) -> str:
    stem = _ENDING.sub("", word)
    return stem if len(stem) >= _LEAST_STEM else word


def _absorbed(kept: Finding, twin: Finding) -> Finding:
    agents = {*kept.also_found_by, *twin.also_found_by, twin.candidate.agent} - {kept.candidate.agent}
    return replace(kept, also_found_by=tuple(sorted(agents)))


def _told_apart(findings: list[Finding], proven_by: Collection[str]) -> list[Finding]:
    """Count on where two findings have one fingerprint: two claims of one kind about the same code.

    Whose word is proven keeps its own, so that no model's claim can pass for it in a later review.
    """
    seen: defaultdict[str, int] = defaultdict(int)
    told = list(findings)
    for index, finding in sorted(enumerate(findings), key=lambda entry: entry[1].candidate.agent not in proven_by):
        occurrence = seen[finding.fingerprint]
        seen[finding.fingerprint] += 1
        if occurrence:
            mark = fingerprint(path=finding.fingerprint, text="", rule="", occurrence=occurrence)
            told[index] = replace(finding, fingerprint=mark)
    return told
