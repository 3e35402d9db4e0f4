"""Findings about real diffs land where they were meant, and GitHub's rules refuse none of them."""

import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codereview.domain.anchors import anchor_all
from codereview.domain.change import RowKind
from codereview.domain.finding import Candidate, Finding, Placement, Side
from codereview.domain.merging import merge
from tests.unit.git_changes import PullRequest, Target, candidate, made_up, pull_request, targets

THOROUGH = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32)


def anchored(pull: PullRequest, claims: list[Candidate]) -> tuple[Finding, ...]:
    return anchor_all(claims, pull.change, pull.head_text)


@THOROUGH
@given(SEEDS, st.sampled_from(["\n", "\r\n"]))
def test_a_perfect_models_findings_are_all_inline_on_their_very_lines_and_none_is_refused(
    seed: int, ending: str
) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        pull = pull_request(Path(folder), *made_up(rng, odd=True), ending=ending)
        meant = targets(pull.change, rng, 30, longest=60)
        claims = [candidate(target.file.path, "\n".join(target.texts), target.numbers[0]) for target in meant]
        for target, finding in zip(meant, anchored(pull, claims), strict=True):
            assert target.is_met_by(finding), (target.numbers, finding)
            assert not pull.is_refused(finding)
            assert finding.text == "\n".join(target.texts)


@THOROUGH
@given(SEEDS)
def test_a_quote_of_deleted_lines_alone_lands_on_the_left(seed: int) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        pull = pull_request(Path(folder), *made_up(rng))
        for file in pull.change.files:
            kept = {row.text.strip() for hunk in file.hunks for row in hunk.rows if row.kind is not RowKind.REMOVED}
            for hunk in file.hunks:
                gone = [row for row in hunk.rows if row.kind is RowKind.REMOVED]
                unique = [row for row in gone if len(row.text.strip()) > 12 and row.text.strip() not in kept]
                for row in unique:
                    target = Target(file, Side.LEFT, (row,))
                    plain, shown = target.texts[0], f"       - {target.texts[0]}"
                    found = anchored(pull, [candidate(file.path, quote, row.old_line) for quote in (plain, shown)])
                    assert [target.is_met_by(finding) for finding in found] == [True, True]
                    assert not any(map(pull.is_refused, found))


@THOROUGH
@given(SEEDS)
def test_what_the_diff_does_not_show_is_listed_under_its_file_with_its_line(seed: int) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        pull = pull_request(Path(folder), *made_up(rng))
        for file in pull.change.files:
            lines = (pull.head_text(file.path) or b"").decode().split("\n")
            shown = {row.new_line for hunk in file.hunks for row in hunk.rows}
            in_diff = {row.text.decode().strip() for hunk in file.hunks for row in hunk.rows}
            counts = Counter(map(str.strip, lines))
            hidden = [
                number
                for number, text in enumerate(lines, 1)
                if number not in shown and len(text) > 25 and counts[text.strip()] == 1 and text.strip() not in in_diff
            ]
            for number in hidden[:5]:
                (finding,) = anchored(pull, [candidate(file.path, lines[number - 1], rng.randint(1, 200))])
                if finding.placement is Placement.INLINE:  # a line of the diff is more than .85 like it
                    continue
                assert (finding.placement, finding.candidate.line) == (Placement.FILE, number)


@THOROUGH
@given(SEEDS, st.lists(st.tuples(st.text(max_size=30), st.none() | st.integers(-5, 10_000)), max_size=10))
def test_whatever_a_model_claims_no_finding_is_lost_and_none_refused(
    seed: int, claimed: list[tuple[str, int | None]]
) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        pull = pull_request(Path(folder), *made_up(rng))
        paths = [*(file.path for file in pull.change.files), "nowhere.py", ""]
        claims = [candidate(rng.choice(paths), quote, line) for quote, line in claimed]
        found = anchored(pull, claims)
        assert len(found) == len(claims)
        assert not any(map(pull.is_refused, found))
        for finding in found:
            assert (finding.anchor is not None) == (finding.placement is Placement.INLINE)


# --- a model that copies badly


def _typo(text: str, rng: random.Random) -> str:
    letters = list(text)
    for _ in range(max(1, len(letters) // 25)):
        at = rng.randrange(len(letters) + 1)
        letters[at : at + rng.randint(0, 1)] = rng.choice(["", "x", "_", " "])
    return "".join(letters)


def disturbed_quote(target: Target, rng: random.Random) -> str:
    """Copy the lines as careless models do."""
    lines = target.texts
    marks = [row.kind.value for row in target.rows]
    first, kind = target.numbers[0], rng.random()
    if kind < 0.12:
        lines = [" ".join(line.split()) for line in lines]
    elif kind < 0.19:
        lines = ["  " + line for line in lines]
    elif kind < 0.26:
        lines = [f"{mark}{line}" for mark, line in zip(marks, lines, strict=True)]
    elif kind < 0.33 and len(lines[-1].strip()) > 10:
        lines = [*lines[:-1], lines[-1][: max(9, int(len(lines[-1]) * rng.uniform(0.5, 0.9)))] + "..."]
    elif kind < 0.40 and len(lines) == 1 and len(lines[0].strip()) > 14:
        text = lines[0].strip()
        start = rng.randrange(len(text) // 3)
        lines = [text[start : start + max(10, int(len(text) * 0.6))]]
    elif kind < 0.48:
        lines = [_typo(line, rng) if line.strip() else line for line in lines]
    elif kind < 0.54:
        lines = [f"{first + at:>6} {mark} {line}" for at, (mark, line) in enumerate(zip(marks, lines, strict=True))]
    elif kind < 0.58 and len(lines) == 3:
        lines = [lines[0], lines[2]]
    elif kind < 0.62:
        lines = ["```python", *lines, "```"]
    return "\n".join(lines)


def disturbed_line(target: Target, rng: random.Random) -> int | None:
    """Count as badly as models do: nearly, far off, in the old file, or not at all."""
    line, kind = target.numbers[0], rng.random()
    if kind < 0.55:
        return line
    if kind < 0.78:
        return max(1, line + rng.choice([-3, -2, -1, 1, 2, 3]))
    if kind < 0.87:
        return max(1, line + rng.randint(-30, 30))
    return target.rows[0].old_line if kind < 0.94 else None


def noisy(seed: int, *, added_only: bool) -> tuple[Counter[str], list[tuple[object, ...]]]:
    """Return how many findings of a noisy model landed where, over some pull requests, and those that did not."""
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    misses: list[tuple[object, ...]] = []
    for _ in range(8):
        with TemporaryDirectory() as folder:
            pull = pull_request(Path(folder), *made_up(rng))
            meant = [target for target in targets(pull.change, rng, 80) if target.texts[-1].strip()]
            if added_only:
                meant = [target for target in meant if target.rows[0].kind is RowKind.ADDED and target.texts[0].strip()]
            claims = [
                candidate(
                    rng.choice(["", "a/", "b/", "./"]) + target.file.path,
                    disturbed_quote(target, rng),
                    disturbed_line(target, rng),
                )
                for target in meant
            ]
            for target, claim, finding in zip(meant, claims, anchored(pull, claims), strict=True):
                assert not pull.is_refused(finding)
                outcome = _outcome(target, finding)
                outcomes[outcome] += 1
                if outcome != "exact":
                    misses.append((outcome, target.numbers, claim.line, claim.quote, finding.anchor))
    return outcomes, misses


def _outcome(target: Target, finding: Finding) -> str:
    if target.is_met_by(finding):
        return "exact"
    if finding.anchor is None:
        return finding.placement.value
    first, last = target.numbers
    return "inside" if finding.path == target.file.path and first <= finding.anchor.line <= last else "wrong"


@pytest.mark.parametrize("added_only", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_noisy_models_findings_land_exactly_in_96_of_100_cases_and_wrongly_in_at_most_2(
    seed: int, *, added_only: bool
) -> None:
    outcomes, misses = noisy(seed, added_only=added_only)
    total = sum(outcomes.values())
    rates = {name: f"{100 * number / total:.1f} %" for name, number in outcomes.most_common()}
    assert total > 150
    assert outcomes["exact"] / total >= 0.96, (rates, misses[:20])
    assert outcomes["wrong"] / total <= 0.02, (rates, misses[:20])


# --- the same again


@THOROUGH
@given(SEEDS)
def test_a_second_run_finds_the_same_fingerprints_whatever_the_noise_of_an_exact_anchor(seed: int) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        pull = pull_request(Path(folder), *made_up(rng))
        meant = targets(pull.change, rng, 20)
        first = anchored(pull, [candidate(t.file.path, "\n".join(t.texts), t.numbers[0]) for t in meant])
        again = anchored(pull, [candidate(t.file.path, disturbed_quote(t, rng), t.numbers[0]) for t in meant])
        for target, one, other in zip(meant, first, again, strict=True):
            if target.is_met_by(other):
                assert one.fingerprint == other.fingerprint


@THOROUGH
@given(SEEDS)
def test_merged_twice_and_in_any_order_the_findings_are_the_same(seed: int) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        pull = pull_request(Path(folder), *made_up(rng))
        claims = [
            candidate(t.file.path, "\n".join(t.texts), t.numbers[0], rule=rng.choice(["bug", "leak"]))
            for t in targets(pull.change, rng, 20)
        ]
        found = list(anchored(pull, claims))
        once = merge(found)
        rng.shuffle(found)
        assert merge(found) == once
        assert len({finding.fingerprint for finding in once}) == len(once)
