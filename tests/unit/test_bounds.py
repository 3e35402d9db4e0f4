"""Changes made to be too large cost memory in proportion to their bytes, and models see a fixed amount of them."""

import tracemalloc
from collections.abc import Callable
from uuid import UUID

import pytest

from codereview.agents.agent import part_of
from codereview.domain.anchors import anchor_all
from codereview.domain.change import Change
from codereview.domain.context import estimate_tokens, plan_parts
from codereview.domain.diff import parse_diff
from codereview.domain.enclosing import with_functions
from codereview.domain.finding import Candidate, Finding, Severity
from codereview.domain.merging import merge
from codereview.domain.payload import problems
from codereview.domain.rendering import publication
from codereview.domain.result import Coverage, ReviewResult
from codereview.domain.selection import coverage, select
from codereview.use_cases.review_change import MAX_PART_TOKENS, MAX_PARTS

_MEGABYTE = 1 << 20


def peak(work: Callable[[], object]) -> int:
    """Return the bytes that work holds at most, above what was held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def header(path: str) -> bytes:
    return b"diff --git a/%b b/%b\nindex 1..2 100644\n--- a/%b\n+++ b/%b\n" % ((path.encode(),) * 4)


def change_of(diff: bytes) -> Change:
    files = parse_diff(diff)
    return select(Change(base_sha="0" * 40, head_sha="1" * 40, files=files, file_count=len(files)), attributes=None)


def claim(path: str, quote: str, line: int | None = None) -> Candidate:
    return Candidate(
        agent="correctness",
        rule="logic",
        severity=Severity.HIGH,
        path=path,
        quote=quote,
        title="It is wrong",
        body="Because of that.",
        line=line,
    )


def reviewed(diff: bytes, *claims: Candidate) -> tuple[tuple[Finding, ...], list[str], Coverage]:
    """Do all that the engine does by itself: what was found, what models are shown, and what was looked at."""
    change = change_of(diff)
    plan = plan_parts(with_functions(change, {}, lambda _: None), MAX_PART_TOKENS)
    shown = [part_of(part).text for part in plan[:MAX_PARTS]]
    findings = merge(anchor_all(claims, change, lambda _: None))
    covered = coverage(change, unshown=plan[MAX_PARTS:])
    result = ReviewResult(
        base_sha=change.base_sha, head_sha=change.head_sha, findings=findings, runs=(), coverage=covered
    )
    posted = publication(result, review_id=UUID(int=1), marker_key=b"key")
    assert problems(posted, change) == ()
    return findings, shown, covered


@pytest.mark.parametrize("letter", ["x", "é", "\u200b", "word ", "{", '"'], ids=["x", "e", "hidden", "w", "brace", "q"])
def test_b36_a_line_of_10_mb_is_shown_in_part_and_held_a_few_times(letter: str) -> None:
    line = (letter * (10_000_000 // len(letter.encode()))).encode()
    diff = header("a.js") + b"@@ -1,2 +1,3 @@\n begin()\n+" + line + b"\n end()\n"
    claims = [
        claim("a.js", (letter * 300)[:1_500], 2),
        claim("a.js", "end()", 3),
        claim("a.js", "no such thing at all"),
    ]
    kept: list[object] = []
    held = peak(lambda: kept.append(reviewed(diff, *claims)))
    findings, shown, covered = reviewed(diff, *claims)
    assert held < 8 * len(line)
    assert sum(map(estimate_tokens, shown)) < 5_000
    assert [left.path for left in covered.unreviewed] == ["a.js"]
    assert any(finding.anchor is not None and finding.anchor.line == 3 for finding in findings)


def test_b35_3000_files_are_all_shown_or_named() -> None:
    diff = b"".join(header(f"src/file{number}.py") + b"@@ -1 +1 @@\n-a = 1\n+a = 2\n" for number in range(3_000))
    findings, shown, covered = reviewed(diff, *(claim(f"src/file{number}.py", "a = 2", 1) for number in range(50)))
    assert len(shown) <= MAX_PARTS
    assert all(estimate_tokens(text) <= MAX_PART_TOKENS for text in shown)
    assert (len(covered.reviewed), covered.unreviewed) == (3_000, ())
    assert sum(text.count("=== file: ") for text in shown) == 3_000
    assert all(finding.anchor is not None for finding in findings)
    assert peak(lambda: reviewed(diff)) < 30 * len(diff)


def test_b36_hunks_without_number_are_shown_as_far_as_the_budget_goes_and_the_rest_is_named() -> None:
    def hunks(number: int) -> bytes:
        long = b" and so on" * 10
        rows = (b"@@ -%d +%d @@\n-a%d\n+b%d%b\n" % (3 * at + 1, 3 * at + 1, at, at, long) for at in range(number))
        return header("x.py") + b"".join(rows)

    few, many = hunks(8_000), hunks(32_000)
    findings, shown, covered = reviewed(many, claim("x.py", "b31999 and so on", 1), claim("x.py", "b5 and so on"))
    assert len(shown) == MAX_PARTS
    assert all(estimate_tokens(text) <= MAX_PART_TOKENS for text in shown)
    assert [(left.path, left.reason) for left in covered.unreviewed] == [("x.py", "over this review's budget")]
    assert sorted(finding.anchor.line for finding in findings if finding.anchor) == [16, 95_998]
    assert peak(lambda: parse_diff(many)) < 15 * len(many)
    assert peak(lambda: parse_diff(many)) < 5 * peak(lambda: parse_diff(few))


def test_what_is_held_is_measured() -> None:
    assert peak(lambda: bytearray(3 * _MEGABYTE)) >= 3 * _MEGABYTE
