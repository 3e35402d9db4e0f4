"""Shares the room of a review between what analyzers found and what models claim.

A model that was talked into it claims fifty critical things. Ranked among them, what an analyzer proved would lose its
comment, and in a long list its line: an attacker would choose what is not seen.
"""

from collections.abc import Callable, Sequence

from codereview.domain.finding import Finding

IsProven = Callable[[Finding], bool]


def share_comments(
    findings: Sequence[Finding], is_proven: IsProven, *, most: int
) -> tuple[list[Finding], list[Finding]]:
    """Choose the findings that get a comment, and return the others too, those of analyzers first.

    By rank, but up to half of the comments are kept for analyzers.
    """
    kept = [index for index, finding in enumerate(findings) if is_proven(finding)][: most // 2]
    others = [index for index in range(len(findings)) if index not in set(kept)]
    chosen = {*kept, *others[: max(0, most - len(kept))]}
    listed = [finding for index, finding in enumerate(findings) if index not in chosen]
    commented = [finding for index, finding in enumerate(findings) if index in chosen]
    return commented, sorted(listed, key=lambda finding: not is_proven(finding))
