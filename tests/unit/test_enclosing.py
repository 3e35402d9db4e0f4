"""What models are shown around a change is true, in order, and within its budget."""

import difflib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.change import Change, FileChange, FileStatus, Hunk, Row, RowKind
from codereview.domain.context import estimate_tokens, plan_parts, render_change
from codereview.domain.diff import parse_patch
from codereview.domain.enclosing import LONGEST_FUNCTION, raw_tokens, with_functions
from codereview.domain.outline import Span

PATH = "app.py"


def change_of(old: list[str], new: list[str], *, context: int = 3) -> Change:
    patch = "\n".join(list(difflib.unified_diff(old, new, n=context, lineterm=""))[2:])
    hunks = parse_patch(patch.encode()) if patch else ()
    file = FileChange(path=PATH, status=FileStatus.MODIFIED, hunks=hunks)
    return Change(base_sha="a", head_sha="b", files=(file,), file_count=1)


def shown(change: Change) -> list[int]:
    return [row.new_line for hunk in change.files[0].hunks for row in hunk.rows if row.new_line is not None]


def expand(old: list[str], new: list[str], *spans: Span, context: int = 3) -> Change:
    content = "".join(f"{line}\n" for line in new).encode()
    return with_functions(change_of(old, new, context=context), {PATH: spans}, lambda _: content)


def code(count: int) -> list[str]:
    return [f"line {number}" for number in range(1, count + 1)]


def edited(lines: list[str], *numbers: int) -> list[str]:
    return [f"{line} edited" if number in numbers else line for number, line in enumerate(lines, start=1)]


def test_the_function_around_a_change_is_shown_whole() -> None:
    made = expand(code(60), edited(code(60), 30), Span(20, 40))
    assert shown(made) == list(range(20, 41))
    assert len(made.files[0].hunks) == 1


def test_the_smallest_function_that_the_diff_does_not_show_already_is_taken() -> None:
    made = expand(code(60), edited(code(60), 30), Span(29, 31), Span(22, 36), Span(10, 50))
    assert shown(made) == list(range(22, 37))


def test_of_a_function_that_is_too_long_only_its_first_line_is_shown() -> None:
    lines = code(LONGEST_FUNCTION * 2)
    made = expand(lines, edited(lines, 100), Span(10, 10 + LONGEST_FUNCTION))
    assert shown(made) == [10, *range(97, 104)]


def test_two_changes_in_one_function_become_one_hunk() -> None:
    made = expand(code(60), edited(code(60), 22, 38), Span(20, 40))
    assert [hunk.new_start for hunk in made.files[0].hunks] == [19]
    assert shown(made) == list(range(19, 42))


def test_a_function_out_of_which_lines_were_only_removed_is_shown() -> None:
    made = expand(code(60), [line for line in code(60) if line != "line 30"], Span(20, 39), context=0)
    assert shown(made) == list(range(20, 40))


def test_what_does_not_fit_the_budget_is_left_out_and_cheap_functions_go_first() -> None:
    lines = [f"{line} {'x' * 200}" for line in code(300)]
    old, new = lines, edited(lines, 50, 200)
    made = expand(old, new, Span(10, 100), Span(198, 205))
    assert set(range(198, 206)) <= set(shown(made))
    assert not set(range(20, 40)) & set(shown(made))


@pytest.mark.parametrize("content", [None, b"something else\n", b""])
def test_a_file_whose_text_is_another_than_the_diffs_is_shown_as_the_diff_has_it(content: bytes | None) -> None:
    change = change_of(code(60), edited(code(60), 30))
    assert with_functions(change, {PATH: (Span(20, 40),)}, lambda _: content) == change


def test_the_section_is_dropped_where_its_line_is_shown() -> None:
    rows = (Row(RowKind.CONTEXT, 3, 3, b"x"), Row(RowKind.ADDED, None, 4, b"y"))
    hunk = Hunk(3, 1, 3, 2, b"def f(a)", rows)
    file = FileChange(path=PATH, status=FileStatus.MODIFIED, hunks=(hunk,))
    change = Change(base_sha="a", head_sha="b", files=(file,), file_count=1)
    made = with_functions(change, {PATH: (Span(1, 5),)}, lambda _: b"def f(a):\nw\nx\ny\nz\n")
    assert "@@\n     1   def f(a):" in render_change(made)


lines = st.lists(st.sampled_from(["a", "b", "  c", "", "def f():", "x" * 90]), max_size=60)
spans = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 200)).map(lambda at: Span(at[0], at[0] + at[1])), max_size=8
)


@given(lines, lines, spans, st.integers(0, 3))
def test_any_expanded_change_is_a_diff_of_the_same_files_in_budget(
    old: list[str], new: list[str], functions: list[Span], context: int
) -> None:
    before = change_of(old, new, context=context)
    after = expand(old, new, *functions, context=context)
    rows = [row for hunk in after.files[0].hunks for row in hunk.rows]
    for row in rows:
        assert row.new_line is None or new[row.new_line - 1].encode() == row.text
        assert row.old_line is None or old[row.old_line - 1].encode() == row.text
    for side in ("new_line", "old_line"):
        numbers = [getattr(row, side) for row in rows if getattr(row, side) is not None]
        assert numbers == sorted(set(numbers))
    kept = [row for hunk in before.files[0].hunks for row in hunk.rows if row.kind is not RowKind.CONTEXT]
    assert [row for row in rows if row.kind is not RowKind.CONTEXT] == kept
    assert set(shown(before)) <= set(shown(after))
    for hunk in after.files[0].hunks:
        assert hunk.new_count == sum(row.new_line is not None for row in hunk.rows)
        assert hunk.old_count == sum(row.old_line is not None for row in hunk.rows)
    budget = max(raw_tokens(before) * 1.3 + 300, estimate_tokens(render_change(before)))
    assert estimate_tokens(render_change(after)) <= budget
    assert sum(len(part.files) > 0 for part in plan_parts(replace(after), 10_000)) == bool(kept)
