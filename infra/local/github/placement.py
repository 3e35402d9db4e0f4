"""Where a review comment may stand: GitHub's rules, in GitHub's words.

A line can carry a comment only where it is part of a hunk of the pull request's diff: RIGHT names lines of the new
file, LEFT lines of the old one. The wording is what GitHub answered in public reports, for example
https://github.com/parkerbxyz/suggest-changes/issues/28 and https://github.com/ubuntu/WSL/pull/244.
"""

from dataclasses import dataclass
from typing import Any

from local.github.git import ChangedFile, Row, commentable, shown
from local.github.routing import Refusal, unprocessable
from local.github.state import Json

BODY_CHARACTERS = 65_536
_SIDES = ("LEFT", "RIGHT")
_NO_HUNK = "Pull request review thread diff hunk can't be blank"
_NOT_IN_DIFF = "Pull request review thread line must be part of the diff"
_OTHER_HUNK = "Pull request review thread start line must be part of the same hunk as the line."
_WRONG_ORDER = "Pull request review thread start line must precede the end line."


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a comment stands. All but `path` is None or empty for a comment on the whole file."""

    path: str
    position: int | None = None
    line: int | None = None
    side: str = "RIGHT"
    start_line: int | None = None
    start_side: str | None = None
    diff_hunk: str = ""


def check_body(body: Any, *, what: str = "Body") -> str:
    """Return a text that GitHub would store."""
    if not isinstance(body, str):
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/body', {body!r} is not a string.")
    if len(body) > BODY_CHARACTERS:
        raise unprocessable(f"{what} is too long (maximum is {BODY_CHARACTERS} characters)")
    return body


def place(file: ChangedFile | None, comment: Json) -> Placement:
    """Return where a comment stands in its file's diff; refuses what lies outside."""
    _check_types(comment)
    if file is None:
        raise unprocessable("Path could not be resolved")
    if file.patch is None:
        raise unprocessable(_NO_HUNK)
    rows = commentable(file.patch)
    if comment.get("line") is None:
        return _at_position(file, rows, comment.get("position"))
    line, side = comment["line"], comment.get("side") or "RIGHT"
    row = rows.get((side, line))
    start_line, start_side = comment.get("start_line"), comment.get("start_side") or side
    _check_range(row, rows, (start_side, start_line))
    assert row is not None  # noqa: S101 - the range check refuses it
    return Placement(
        path=file.path,
        position=row.index,
        line=line,
        side=side,
        start_line=start_line,
        start_side=start_side if start_line is not None else None,
        diff_hunk=_hunk(file, row),
    )


def _check_types(comment: Json) -> None:
    if not isinstance(comment.get("path"), str) or not comment["path"]:
        raise Refusal(422, 'Invalid request.\n\n"path" wasn\'t supplied.')
    for name in ("line", "start_line", "position"):
        value = comment.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not an integer.")
    for name in ("side", "start_side"):
        if comment.get(name) is not None and comment[name] not in _SIDES:
            raise Refusal(
                422, f"Invalid request.\n\nFor 'properties/{name}', {comment[name]!r} is not a member of LEFT, RIGHT."
            )


def _check_range(row: Row | None, rows: dict[tuple[str, int], Row], start: tuple[str, int | None]) -> None:
    side, line = start
    if line is None:
        if row is None:
            raise unprocessable(f"{_NOT_IN_DIFF} and {_NO_HUNK}")
        return
    first = rows.get((side, line))
    if row is None:
        raise unprocessable(f"{_NOT_IN_DIFF}, {_OTHER_HUNK}, and {_NO_HUNK}")
    if first is None or first.hunk != row.hunk:
        raise unprocessable(_OTHER_HUNK)
    if first.index >= row.index:
        raise unprocessable(_WRONG_ORDER)


def _at_position(file: ChangedFile, rows: dict[tuple[str, int], Row], position: int | None) -> Placement:
    """Place by the older way: rows down from the file's first hunk header."""
    if position is None:
        raise Refusal(422, 'Invalid request.\n\n"line" wasn\'t supplied.')
    # A row of context has a line on both sides; GitHub names the new one.
    for (side, line), row in sorted(rows.items(), key=lambda item: item[0][0] == "LEFT"):
        if row.index == position:
            return Placement(path=file.path, position=position, line=line, side=side, diff_hunk=_hunk(file, row))
    raise unprocessable(f"Pull request review thread position is invalid and {_NO_HUNK}")


def _hunk(file: ChangedFile, row: Row) -> str:
    return shown(b"\n".join((file.patch or b"").split(b"\n")[row.hunk : row.index + 1]))
