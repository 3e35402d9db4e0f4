"""The findings that a case expects, as `golden.json` lists them, and which rows of the change they are about."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codereview.domain.change import Change, FileChange, Row
from codereview.domain.diff_sides import line_of, side_rows
from codereview.domain.finding import Side
from codereview.errors import UserError

_LISTS = ("findings", "comments", "golden")
_PATH, _FROM, _TO, _TEXT = (
    ("path", "file"),
    ("from_line", "start_line", "from"),
    ("to_line", "line", "end_line", "to"),
    ("text", "body", "comment"),
)


class MalformedCaseError(UserError):
    """A case cannot be read; the message names the file and the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One finding that a perfect model would report: lines `from_line` to `to_line` of one side, 1-based, inclusive."""

    path: str
    side: Side
    from_line: int
    to_line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A golden finding in its change. `rows` are those of its lines that the change shows, all in one hunk."""

    golden: Golden
    file: FileChange | None
    rows: tuple[Row, ...]

    @property
    def is_in_diff(self) -> bool:
        """Whether GitHub would take a comment on all of its lines."""
        return len(self.rows) == self.golden.to_line - self.golden.from_line + 1

    @property
    def path(self) -> str:
        """The path by which the change names the file."""
        return self.golden.path if self.file is None else self.file.path


def read_golden(text: str) -> tuple[Golden, ...]:
    """Read a list of findings, or an object that holds one; raises MalformedCaseError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedCaseError("golden.json: not JSON") from error
    if isinstance(document, dict):
        document = next((document[name] for name in _LISTS if name in document), None)
    if not isinstance(document, list):
        raise MalformedCaseError("golden.json: neither a list nor an object with `findings`")
    return tuple(_golden(entry, f"golden.json: finding {number}") for number, entry in enumerate(document, start=1))


def target_of(golden: Golden, change: Change) -> Target:
    """Find the file and the rows that a golden finding is about."""
    file = _file(golden, change.files)
    rows: tuple[Row, ...] = ()
    for candidate in _hunks(golden, file):
        if len(candidate) > len(rows):
            rows = candidate
    return Target(golden=golden, file=file, rows=rows)


def rows_between(file: FileChange, side: Side, first: int, last: int) -> tuple[Row, ...]:
    """Return the rows of a side of the file with these numbers."""
    return tuple(row for hunk in file.hunks for row in side_rows(hunk, side) if first <= line_of(row, side) <= last)


def _hunks(golden: Golden, file: FileChange | None) -> Iterator[tuple[Row, ...]]:
    """Yield the golden lines that each hunk shows."""
    for hunk in () if file is None else file.hunks:
        rows = side_rows(hunk, golden.side)
        yield tuple(row for row in rows if golden.from_line <= line_of(row, golden.side) <= golden.to_line)


def _file(golden: Golden, files: Sequence[FileChange]) -> FileChange | None:
    """Find the file by its new name or, for what was there before, by its old one; of two entries the one with rows."""
    named = [file for file in files if file.path == golden.path]
    named = named or [file for file in files if file.old_path == golden.path]
    return max(named, key=lambda file: len(list(filter(None, _hunks(golden, file)))), default=None)


def _golden(entry: Any, place: str) -> Golden:
    if not isinstance(entry, dict):
        raise MalformedCaseError(f"{place}: not an object")
    path, text = _first(entry, _PATH), _first(entry, _TEXT)
    if not isinstance(path, str) or not path:
        raise MalformedCaseError(f"{place}: `path` is missing or no text")
    if not isinstance(text, str | None):
        raise MalformedCaseError(f"{place}: `text` is no text")
    side = _first(entry, ("side",)) or "RIGHT"
    if not isinstance(side, str) or side.upper() not in list(Side):
        raise MalformedCaseError(f"{place}: `side` is neither RIGHT nor LEFT")
    last = _line(_first(entry, _TO), "to_line", place)
    first = _line(_first(entry, _FROM), "from_line", place)
    if first is None and last is None:
        raise MalformedCaseError(f"{place}: `to_line` is missing")
    ends = [line for line in (first, last) if line is not None]
    return Golden(path=path, side=Side(side.upper()), from_line=min(ends), to_line=max(ends), text=text or "")


def _first(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _line(value: Any, field: str, place: str) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise MalformedCaseError(f"{place}: `{field}` is no line number")
