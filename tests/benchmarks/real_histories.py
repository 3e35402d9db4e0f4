"""Replays commits of real repositories: is every line of every diff where git says, and every comment where it belongs?

    python -m tests.benchmarks.real_histories [--commits N] [--seeds N] CLONE...

Each commit becomes a case with findings about some of its lines, drawn by chance but the same every time, and goes
through the whole pipeline, told by a perfect model and by careless ones. No test, since it needs clones of strangers'
repositories; what it finds becomes one. Ends with status 1 if a line is wrong, a finding lost or a comment refused.
"""

import argparse
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from codereview.bootstrap.command_line import command_line
from codereview.cli.checkout import Checkout
from codereview.cli.eval import oracle_voice
from codereview.domain.change import Change, RowKind
from codereview.domain.diff_sides import line_of, side_rows
from codereview.domain.finding import Side
from codereview.domain.selection import select
from codereview.evaluation.case import Case
from codereview.evaluation.golden import Golden
from codereview.evaluation.measuring import Measurement
from codereview.evaluation.score import Prices, Score, table, total

_FINDINGS = 8  # a commit
_LONGEST = 6  # lines of a finding
_MOST_FILES = 300
_PRICES = Prices(read=3, cached=0.3, written=15)
_WORDS = (
    "buffer", "cursor", "deadline", "encoding", "fallback", "gateway", "header", "iterator", "journal", "kernel",
    "listener", "mutex", "nonce", "offset", "packet", "quota", "replica", "semaphore", "tenant", "upstream",
)  # fmt: skip


def main() -> None:
    """Replay, print, and tell by the exit status whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clones", nargs="*", type=Path)
    parser.add_argument("--commits", type=int, default=300, help="of each clone, the newest first")
    parser.add_argument("--seeds", type=int, default=1, help="careless models")
    parser.add_argument("--show", action="store_true", help="print the cases that are not perfect")
    arguments = parser.parse_args()
    if not arguments.clones:
        sys.stdout.write("No clone given: nothing to replay.\n")
        return
    is_well = [
        _replay(clone, commits=arguments.commits, seeds=arguments.seeds, is_showing=arguments.show)
        for clone in arguments.clones
    ]
    sys.exit(0 if all(is_well) else 1)


def _replay(clone: Path, *, commits: int, seeds: int, is_showing: bool) -> bool:
    """Replay one clone's commits."""
    scores: dict[int | None, list[Score]] = {noise: [] for noise in (None, *range(1, seeds + 1))}
    lines = wrong_lines = 0
    for case, contents in _cases(clone, commits):
        counted, wrong = _wrong_lines(case.change, contents)
        lines, wrong_lines = lines + counted, wrong_lines + wrong
        for noise, list_ in scores.items():
            list_.append(_measurement(noise)(case))
    _print(f"{clone}: {len(scores[None])} commits, {lines:,} lines in hunks, {wrong_lines} wrong")
    names = {None: "perfect model"} | {noise: f"careless model {noise}" for noise in scores if noise is not None}
    sums = [_named(total(list_), names[noise]) for noise, list_ in scores.items()]
    _print(table(sums, _PRICES).rpartition("\n")[0])
    if is_showing:
        bad = [score for list_ in scores.values() for score in list_ if score.inline_exact != score.in_diff]
        _print(table(bad, _PRICES))
    perfect, careless = sums[0], total(sums[1:])
    return not (
        wrong_lines
        or perfect.lost
        or perfect.inline_exact != perfect.in_diff
        or any(each.refused or each.duplicates for each in sums)
        or perfect.visible_lines < 0.99 * perfect.commented_lines
        or perfect.shown_tokens > 1.3 * perfect.raw_tokens
        or careless.inline_exact < 0.96 * careless.in_diff
        or careless.wrong > 0.02 * careless.in_diff
    )


def _named(score: Score, name: str) -> Score:
    return Score(**{field: getattr(score, field) for field in Score.__slots__ if field != "case"}, case=name)


def _measurement(noise: int | None) -> Measurement:
    engine = command_line("mock")
    return Measurement(
        engine=engine.review_change,
        voice=oracle_voice(noise),
        knows_findings=True,
        deadline=engine.clock.now() + timedelta(hours=1),
    )


Contents = Mapping[tuple[Side, str], bytes | None]


def _cases(clone: Path, commits: int) -> Iterator[tuple[Case, Contents]]:
    """Make cases of the newest commits that have one parent and change lines of text."""
    checkout = Checkout(folder=clone)
    listed = _git(clone, "rev-list", "--no-merges", "--min-parents=1", f"--max-count={4 * commits}", "HEAD").split()
    made = 0
    for sha in (line.decode() for line in listed):
        change = checkout.change(f"{sha}~1", sha)
        attributes = checkout.content(".gitattributes", change.base_sha)
        golden = tuple(_golden(select(change, attributes=attributes), random.Random(sha)))
        if made == commits or len(change.files) > _MOST_FILES:
            continue
        if not golden:
            continue
        made += 1
        contents = {
            (side, name): checkout.content(name, commit)
            for file in change.files
            for side, name, commit in (
                (Side.RIGHT, file.path, change.head_sha),
                (Side.LEFT, file.old_path or file.path, change.base_sha),
            )
        }
        yield _case(checkout, change, golden, contents), contents


def _case(checkout: Checkout, change: Change, golden: tuple[Golden, ...], contents: Contents) -> Case:
    def head_files(paths: Sequence[str]) -> Mapping[str, bytes | None]:
        return {path: contents.get((Side.RIGHT, path)) for path in paths}

    return Case(
        name=change.head_sha[:12],
        diff=checkout.diff(change.base_sha, change.head_sha),
        change=change,
        golden=golden,
        head_files=head_files,
        attributes=checkout.content(".gitattributes", change.base_sha),
    )


def _golden(change: Change, chance: random.Random) -> Iterator[Golden]:
    """Draw findings: most on lines that the change made, some on removed ones, no two on one line."""
    runs = [
        (file, side, rows)
        for file in change.files
        if file.is_reviewable
        for hunk in file.hunks
        for side in Side
        if (rows := side_rows(hunk, side)) and any(row.kind is not RowKind.CONTEXT for row in rows)
    ]
    taken: set[tuple[str, Side, int]] = set()
    for _ in range(_FINDINGS if runs else 0):
        file, side, rows = chance.choices(runs, weights=[4 if side is Side.RIGHT else 1 for _, side, _ in runs])[0]
        touched = [index for index, row in enumerate(rows) if row.kind is not RowKind.CONTEXT]
        last = chance.choice(touched)
        first = max(0, last - chance.choice([0, 0, 0, 0, 1, 1, 2, 3, _LONGEST - 1]))
        numbers = [line_of(row, side) for row in rows[first : last + 1]]
        places = {(file.path, side, number) for number in numbers}
        if not rows[last].text.strip() or taken & places:
            continue
        taken |= places
        words = chance.sample(_WORDS, 4)
        yield Golden(
            path=file.path,
            side=side,
            from_line=numbers[0],
            to_line=numbers[-1],
            text=f"The {words[0]} misses its {words[1]}.\nThen {words[2]} and {words[3]} disagree.",
        )


def _wrong_lines(change: Change, contents: Contents) -> tuple[int, int]:
    """Hold each row against the blobs: how many there are, and how many are not the line that they claim to be."""
    counted = wrong = 0
    for file in change.files:
        for side, name in ((Side.RIGHT, file.path), (Side.LEFT, file.old_path or file.path)):
            lines = (contents[side, name] or b"").split(b"\n")
            for hunk in file.hunks:
                for row in side_rows(hunk, side):
                    counted += 1
                    number = line_of(row, side)
                    wrong += number > len(lines) or lines[number - 1] != row.text
    return counted, wrong


def _git(clone: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(clone), *arguments], check=True, capture_output=True).stdout


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
