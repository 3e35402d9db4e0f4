"""GitHub refuses a whole review for one bad comment; so none is sent, and nothing is lost for it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codereview.domain.change import Change, FileChange, FileStatus, Hunk, Row, RowKind
from codereview.domain.finding import Side
from codereview.domain.payload import (
    Problem,
    move_to_body,
    problems,
    tries,
    unplaceable,
)
from codereview.domain.publication import CheckOutput, Conclusion, Publication, ReviewComment


def _hunk(old: int, new: int) -> Hunk:
    """Make a hunk of one context line, one removed, two added, one context."""
    rows = (
        Row(RowKind.CONTEXT, old, new, b"a"),
        Row(RowKind.REMOVED, old + 1, None, b"b"),
        Row(RowKind.ADDED, None, new + 1, b"c"),
        Row(RowKind.ADDED, None, new + 2, b"d"),
        Row(RowKind.CONTEXT, old + 2, new + 3, b"e"),
    )
    return Hunk(old, 3, new, 4, b"", rows)


_CHANGE = Change(
    base_sha="0" * 40,
    head_sha="1" * 40,
    files=(
        FileChange(path="a.py", status=FileStatus.MODIFIED, hunks=(_hunk(10, 10), _hunk(50, 51))),
        FileChange(
            path="new.py",
            status=FileStatus.ADDED,
            hunks=(Hunk(0, 0, 1, 1, b"", (Row(RowKind.ADDED, None, 1, b"x"),)),),
        ),
    ),
    file_count=2,
)
_GOOD = ReviewComment(path="a.py", body="text\n\n<!-- codereview:finding id=x -->", line=11, side=Side.RIGHT)
_MARKER = "<!-- codereview:review id=x -->"


def _publication(*comments: ReviewComment) -> Publication:
    check = CheckOutput(conclusion=Conclusion.NEUTRAL, title="t", summary="s")
    return Publication(commit_id="1" * 40, body=f"### Verdict\n\n{_MARKER}", comments=comments, check=check)


@pytest.mark.parametrize(
    ("side", "line", "start_line"),
    [
        (Side.RIGHT, 10, None),
        (Side.RIGHT, 13, 10),
        (Side.LEFT, 11, 10),
        (Side.LEFT, 12, None),
        (Side.RIGHT, 54, 51),
    ],
)
def test_a_comment_on_lines_of_the_diff_is_no_problem(side: Side, line: int, start_line: int | None) -> None:
    publication = _publication(replace(_GOOD, side=side, line=line, start_line=start_line))
    assert problems(publication, _CHANGE) == ()
    assert unplaceable(publication, _CHANGE) == frozenset()
    assert move_to_body(publication, ()) is publication


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        pytest.param(replace(_GOOD, line=0), "line not in the diff on the RIGHT side", id="b56-zero"),
        pytest.param(replace(_GOOD, line=-1), "line not in the diff on the RIGHT side", id="b56-negative"),
        pytest.param(replace(_GOOD, line=9_999), "line not in the diff on the RIGHT side", id="b56-past the end"),
        pytest.param(replace(_GOOD, line=13, start_line=13), "start_line not before line", id="b56-start at the end"),
        pytest.param(
            replace(_GOOD, line=11, start_line=13), "start_line not before line", id="b56-start after the end"
        ),
        pytest.param(replace(_GOOD, line=52, start_line=11), "start_line not in the hunk of line", id="b56-other hunk"),
        pytest.param(
            replace(_GOOD, line=11, start_line=9), "start_line not in the hunk of line", id="b56-start outside"
        ),
        pytest.param(
            replace(_GOOD, path="new.py", line=1, side=Side.LEFT),
            "line not in the diff on the LEFT side",
            id="b56-left of an added file",
        ),
        pytest.param(replace(_GOOD, path="other.py"), "path not in the diff", id="b56-unknown path"),
        pytest.param(replace(_GOOD, body="x" * 65_537), "comment too long", id="b55-long comment"),
        pytest.param(replace(_GOOD, body=" \n"), "comment without a text", id="empty comment"),
    ],
)
def test_a_comment_that_github_would_refuse_moves_to_the_body(comment: ReviewComment, reason: str) -> None:
    publication = _publication(_GOOD, comment)
    assert problems(publication, _CHANGE) == (Problem(1, reason),)
    moved = move_to_body(publication, unplaceable(publication, _CHANGE))
    assert moved.comments == (_GOOD,)
    assert problems(moved, _CHANGE) == ()
    assert f"`{comment.path}:" in moved.body
    assert moved.body.endswith(_MARKER)


def test_b57_comments_beyond_the_25th_move_to_the_body() -> None:
    publication = _publication(*[_GOOD] * 30)
    assert [found.index for found in problems(publication, _CHANGE)] == [25, 26, 27, 28, 29]
    assert unplaceable(publication, _CHANGE) == {25, 26, 27, 28, 29}


def test_a_body_beyond_the_limit_is_a_problem_of_the_review_itself() -> None:
    publication = replace(_publication(), body="\U0001f600" * 40_000)
    assert problems(publication, _CHANGE) == (Problem(None, "body too long"),)
    assert problems(replace(publication, body=""), _CHANGE) == (Problem(None, "no body"),)


def test_a_review_without_comments_says_it_all_in_its_body() -> None:
    comment = replace(_GOOD, body="**high** · Text\n\n```suggestion\nx\n```\n\n<!-- codereview:finding id=x -->")
    moved = move_to_body(_publication(comment, replace(_GOOD, line=13, start_line=11)), {0, 1})
    assert moved.comments == ()
    assert moved.body == snapshot("""\
### Verdict

#### Findings that GitHub would not take as comments on a line

`a.py:11`

**high** · Text

```
x
```

`a.py:11-13`

text

<!-- codereview:review id=x -->\
""")


def test_b55_what_does_not_fit_into_the_body_any_more_is_counted() -> None:
    moved = move_to_body(_publication(*[replace(_GOOD, body="x" * 9_000)] * 25), range(25))
    assert len(moved.body) <= 65_536
    assert "more findings not shown" in moved.body
    assert moved.body.endswith(_MARKER)


@given(st.sets(st.integers(min_value=0, max_value=9)))
def test_moving_keeps_the_other_comments_in_order(indexes: set[int]) -> None:
    comments = [replace(_GOOD, body=f"number {index}") for index in range(10)]
    moved = move_to_body(_publication(*comments), indexes)
    assert moved.comments == tuple(comment for index, comment in enumerate(comments) if index not in indexes)
    assert all((f"number {index}" in moved.body) == (index in indexes) for index in range(10))


@given(st.integers(0, 30), st.sets(st.integers(0, 29)))
def test_the_tries_begin_with_as_much_as_may_stand_and_end_with_nothing_left_to_refuse(
    number: int, known: set[int]
) -> None:
    publication = _publication(*[_GOOD] * number)
    known = {index for index in known if index < number}
    moved = list(tries(publication, known))
    assert moved[0] == known
    assert moved[-1] == set(range(number))
    assert all(each >= known for each in moved)
    assert len(moved) == len(set(moved)) <= number.bit_length() + 4
