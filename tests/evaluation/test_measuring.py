"""The measure itself: it sees what is lost, misplaced, refused or said twice."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from codereview.bootstrap.command_line import command_line
from codereview.domain.context import render_change
from codereview.domain.diff_sides import line_of, side_rows
from codereview.domain.finding import Side
from codereview.domain.publication import ReviewComment
from codereview.evaluation.case import Case, case_of_diff
from codereview.evaluation.github_rules import hunks_of, refusals
from codereview.evaluation.golden import Golden, Target, target_of
from codereview.evaluation.measuring import Measurement
from codereview.evaluation.noise import Noise
from codereview.evaluation.oracle import Copy, OracleModel, perfect_copy
from codereview.evaluation.score import Score
from codereview.evaluation.shown import read_shown
from codereview.model_ports import LanguageModel

CASES = sorted((Path(__file__).parent / "cases").glob("*/pr.diff"))
DIFF = b"""diff --git a/x.py b/x.py
index 1111111..2222222 100644
--- a/x.py
+++ b/x.py
@@ -1,4 +1,5 @@ import os
 import os
-value = compute()
+value = compute(os.environ)
+removed = os.remove(value)
 print(value)
 print("the end of it")
@@ -20,2 +21,3 @@
 def last():
+    pass
     return None
"""
GOLDEN = Golden(path="x.py", side=Side.RIGHT, from_line=2, to_line=3, text="Files are no numbers.")


def measured(copy: Copy | None, golden: Golden = GOLDEN, *, again: Copy | None = None) -> Score:
    """Measure a model that copies so, and the second time perhaps otherwise."""

    def voice(_case: Case, targets: Sequence[Target], is_again: bool) -> LanguageModel:
        said = (again or copy) if is_again else copy
        return OracleModel(targets, disturb=lambda _number, _target, perfect: said or perfect)

    engine = command_line("mock")
    deadline = engine.clock.now() + timedelta(hours=1)
    measure = Measurement(engine=engine.review_change, voice=voice, knows_findings=True, deadline=deadline)
    return measure(case_of_diff("case", DIFF, (golden,)))


@pytest.mark.parametrize(
    ("copy", "counts"),
    [
        pytest.param(None, (1, 1, 0, 0, 0), id="exact"),
        pytest.param(Copy(quote="removed = os.remove(value)", line=3), (1, 0, 1, 0, 0), id="near"),
        pytest.param(Copy(quote='print("the end of it")', line=2), (1, 0, 0, 1, 0), id="wrong"),
        pytest.param(Copy(quote="    raise Invented('by the model')", line=2), (0, 0, 0, 0, 1), id="lost"),
        pytest.param(Copy(quote="", line=None), (1, 0, 0, 0, 0), id="in the body"),
    ],
)
def test_what_becomes_of_a_finding_is_counted_once(copy: Copy | None, counts: tuple[int, ...]) -> None:
    score = measured(copy)
    assert (score.delivered, score.inline_exact, score.inline_near, score.wrong, score.lost) == counts
    assert score.not_inline == (counts == (1, 0, 0, 0, 0))


def test_an_unchanged_line_is_the_same_from_either_side() -> None:
    left = Golden(path="x.py", side=Side.LEFT, from_line=4, to_line=4, text="It does not end.")
    assert measured(None, left).inline_exact == 1


def test_a_second_review_that_says_it_elsewhere_says_it_twice() -> None:
    assert measured(None).duplicates == 0
    assert measured(None, again=Copy(quote="print(value)", line=4)).duplicates == 1


def comment(line: int, *, start: int | None = None, path: str = "x.py", body: str = "b") -> ReviewComment:
    return ReviewComment(path=path, body=body, line=line, side=Side.RIGHT, start_line=start)


@pytest.mark.parametrize(
    ("posted", "reason"),
    [
        (comment(3), None),
        (comment(3, start=2), None),
        (comment(9), "the line is not in the diff"),
        (comment(3, path="y.py"), "the path is not in the diff"),
        (comment(22, start=3), "the start is in another hunk"),
        (comment(3, start=3), "the start is not before the line"),
        (comment(3, start=4), "the start is not before the line"),
        (comment(3, body=" "), "the text is empty or too long"),
        (comment(3, body="x" * 65_537), "the text is empty or too long"),
    ],
)
def test_the_judge_refuses_what_github_refuses(posted: ReviewComment, reason: str | None) -> None:
    expected = [] if reason is None else [f"{posted.path}:{posted.line}: {reason}"]
    assert refusals([posted], hunks_of(DIFF)) == expected


@pytest.mark.parametrize("file", CASES, ids=[file.parent.name for file in CASES])
def test_the_judge_and_our_parser_agree_on_every_line(file: Path) -> None:
    case = case_of_diff("case", file.read_bytes(), ())
    ours = {
        (changed.path, side, line_of(row, side))
        for changed in case.change.files
        for hunk in changed.hunks
        for side in Side
        for row in side_rows(hunk, side)
    }
    assert {(path, *place) for path, places in hunks_of(case.diff).items() for place in places} == ours


@pytest.mark.parametrize("file", CASES, ids=[file.parent.name for file in CASES])
def test_what_was_shown_is_read_back_line_by_line(file: Path) -> None:
    case = case_of_diff("case", file.read_bytes(), ())
    shown = read_shown([render_change(case.change)])
    for changed in case.change.files:
        numbers = {row.new_line for hunk in changed.hunks for row in hunk.rows if row.new_line is not None}
        seen = {number for number in numbers if shown.line(changed.path, number) is not None}
        assert seen == (numbers if changed.is_reviewable else set())


def test_noise_disturbs_about_half_of_the_quotes_and_of_the_numbers() -> None:
    case = case_of_diff("case", DIFF, (GOLDEN,))
    target = target_of(GOLDEN, case.change)
    perfect = perfect_copy(target, read_shown([render_change(case.change)]))
    assert perfect == Copy(quote="value = compute(os.environ)\nremoved = os.remove(value)", line=2)
    copies = [Noise(seed, "case")(0, target, perfect) for seed in range(200)]
    assert copies == [Noise(seed, "case")(0, target, perfect) for seed in range(200)]
    assert 0.3 < sum(copy.quote == perfect.quote for copy in copies) / 200 < 0.7
    assert 0.4 < sum(copy.line == perfect.line for copy in copies) / 200 < 0.7
    assert any(copy.line is None for copy in copies)
    assert 10 < max(abs(copy.line - 2) for copy in copies if copy.line is not None) <= 20
