"""What the engine itself takes, without models and analyzers, of a change of 200 files and 20,000 lines.

Also counts of malformed answers that are recovered, and with clones given, what real_histories.py prints. No test of
time: CPU seconds depend on the machine. Each run is a process of its own, so that its peak of memory is its own.
"""

import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from codereview.agents.agent import part_of
from codereview.domain.anchors import anchor_all
from codereview.domain.answers import UnusableAnswerError, parse_answer
from codereview.domain.change import Change, RowKind
from codereview.domain.context import plan_parts
from codereview.domain.diff import parse_diff
from codereview.domain.enclosing import with_functions
from codereview.domain.finding import Candidate, Severity
from codereview.domain.merging import merge
from codereview.domain.outline import Span
from codereview.domain.payload import problems
from codereview.domain.rendering import publication
from codereview.domain.result import Coverage, ReviewResult
from codereview.domain.selection import select
from codereview.use_cases.review_change import MAX_PART_TOKENS
from tests.unit.git_changes import code

_FILES, _HUNKS, _ROWS = 200, 4, 25  # rows of a hunk: 20,000 in all
_FINDINGS = 300  # six agents with fifty each
_RUNS = 5
_MOST_SECONDS, _MOST_MEGABYTES = 1.0, 200
_ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure in processes of their own, print, and end with status 1 where a bar is missed."""
    if sys.argv[1:] == ["--once"]:
        sys.stdout.write(json.dumps(_once()))
        return
    runs = [_in_a_process() for _ in range(_RUNS)]
    stages = [name for name in runs[0] if name not in ("megabytes", "before")]
    _print(f"A change of {_FILES} files and {_FILES * _HUNKS * _ROWS:,} lines, {_FINDINGS} findings; best of {_RUNS}")
    for name in stages:
        _print(f"{name:<12}{min(run[name] for run in runs):8.3f} s CPU")
    seconds = min(sum(run[name] for name in stages) for run in runs)
    megabytes = max(run["megabytes"] for run in runs)
    before = statistics.median(run["before"] for run in runs)
    _print(f"{'in all':<12}{seconds:8.3f} s CPU (at most {_MOST_SECONDS:g})")
    _print(f"{'peak':<12}{megabytes:8.1f} MB (at most {_MOST_MEGABYTES}; {before:.1f} before the change was read)")
    recovered, number = _recovered()
    _print(f"{'answers':<12}{recovered:>4} of {number} malformed ones recovered")
    is_well = seconds <= _MOST_SECONDS and megabytes <= _MOST_MEGABYTES and recovered == number
    sys.exit(0 if is_well else 1)


def _in_a_process() -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.engine", "--once"]
    answer = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True).stdout
    run: dict[str, float] = json.loads(answer)
    return run


def _once() -> dict[str, float]:
    """Take one change through the engine; CPU seconds by stage, megabytes at the peak."""
    chance = random.Random(1)
    diff, heads, outlines = _change(chance)
    seconds: dict[str, float] = {"before": _megabytes()}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begin = time.process_time()
        result = work()
        seconds[name] = time.process_time() - begin
        return result

    files = timed("parse", lambda: parse_diff(diff))
    whole = Change(base_sha="0" * 40, head_sha="1" * 40, files=files, file_count=len(files))
    change = timed("select", lambda: select(whole, attributes=b"*.lock linguist-generated\n"))
    plan = timed("plan", lambda: plan_parts(with_functions(change, outlines, heads.get), MAX_PART_TOKENS))
    timed("show", lambda: [part_of(part) for part in plan])
    candidates = list(_candidates(change, chance))
    found = timed("anchor", lambda: anchor_all(candidates, change, heads.get))
    findings = timed("merge", lambda: merge(found))
    result = ReviewResult(
        base_sha=change.base_sha,
        head_sha=change.head_sha,
        findings=findings,
        runs=(),
        coverage=Coverage(reviewed=tuple(file.path for file in files), unreviewed=(), file_count=len(files)),
    )
    wanted = timed("render", lambda: publication(result, review_id=UUID(int=1), marker_key=b"key", max_comments=25))
    timed("payload", lambda: problems(wanted, change))
    return seconds | {"megabytes": _megabytes()}


def _change(chance: random.Random) -> tuple[bytes, dict[str, bytes], dict[str, tuple[Span, ...]]]:
    """Make up a diff, the files at its head, and where their functions are: each hunk is within one."""
    diff: list[str] = []
    heads: dict[str, bytes] = {}
    outlines: dict[str, tuple[Span, ...]] = {}
    for number in range(_FILES):
        path = f"src/package{number % 20}/module{number}.py"
        head: list[str] = []
        diff.append(f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n")
        offset = 0  # of old line numbers to new ones
        for _ in range(_HUNKS):
            head += [code(chance) for _ in range(20)]
            start = len(head) + 1
            kinds = [chance.choices(list(RowKind), weights=(6, 12, 7))[0] for _ in range(_ROWS)]
            rows = [(kind, code(chance)) for kind in kinds]
            added, removed = kinds.count(RowKind.ADDED), kinds.count(RowKind.REMOVED)
            counts = f"-{start - offset},{_ROWS - added} +{start},{_ROWS - removed}"
            diff.append(f"@@ {counts} @@ def work():\n" + "".join(f"{kind.value}{text}\n" for kind, text in rows))
            head += [text for kind, text in rows if kind is not RowKind.REMOVED]
            offset += added - removed
        heads[path] = "\n".join([*head, ""]).encode()
        outlines[path] = tuple(Span(first, min(first + 39, len(head))) for first in range(1, len(head), 40))
    return "".join(diff).encode(), heads, outlines


def _candidates(change: Change, chance: random.Random) -> Iterator[Candidate]:
    """Claim something of lines by chance, a third of it with a bad copy, a tenth with code that stands nowhere."""
    for number in range(_FINDINGS):
        file = chance.choice(change.files)
        rows = [row for row in chance.choice(file.hunks).rows if row.kind is not RowKind.REMOVED]
        first = chance.randrange(len(rows))
        quote = "\n".join(row.text.decode() for row in rows[first : first + chance.randint(1, 3)])
        kind = chance.random()
        if kind < 0.1:
            quote = f"raise NotImplementedError('number {number} that nobody wrote')"
        elif kind < 0.4:
            quote = quote.replace("e", "a", 1) + chance.choice(["", "...", " # x"])
        yield Candidate(
            agent=("correctness", "security", "performance", "concurrency", "tests", "maintainability")[number % 6],
            rule="logic",
            severity=Severity.MEDIUM,
            path=file.path,
            quote=quote,
            line=(rows[first].new_line or 1) + chance.choice([0, 0, 0, -2, 5, 30]),
            title=f"{code(chance).strip()} is not what it seems",
            body=" ".join(code(chance).strip() for _ in range(4)),
        )


def _recovered() -> tuple[int, int]:
    """Count the malformed answers of the tests whose finding arrives."""
    from tests.unit.test_answers import RECOVERABLE

    recovered = 0
    for text in RECOVERABLE.values():
        try:
            recovered += len(parse_answer(text, "correctness").candidates) == 1
        except UnusableAnswerError:
            continue
    return recovered, len(RECOVERABLE)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
