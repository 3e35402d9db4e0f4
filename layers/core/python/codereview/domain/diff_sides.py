"""One column of a file's diff as lines to search: what stands there, in which hunk, and under which number."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from codereview.domain.change import FileChange, Hunk, Row, RowKind
from codereview.domain.finding import Anchor, Side
from codereview.domain.masking import mask_secrets
from codereview.domain.quote_readings import bare_lines
from codereview.domain.quotes import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Rows of one side of one hunk, next to each other: GitHub accepts a comment on them."""

    side: Side
    rows: tuple[Row, ...]
    index: int  # of the first row among the side's rows

    @property
    def first(self) -> int:
        """The first line's number on the place's side, 1-based."""
        return line_of(self.rows[0], self.side)

    @property
    def last(self) -> int:
        """The last line's number."""
        return line_of(self.rows[-1], self.side)

    @property
    def anchor(self) -> Anchor:
        """The place in GitHub's terms."""
        return Anchor(side=self.side, line=self.last, start_line=self.first if self.first < self.last else None)

    @property
    def text(self) -> str:
        """The code as it stands in the file."""
        return "\n".join(row_text(row) for row in self.rows)

    @property
    def is_touched(self) -> bool:
        """Whether the change itself made one of the rows."""
        return any(row.kind is not RowKind.CONTEXT for row in self.rows)


class DiffSide:
    """One side of one file's diff."""

    def __init__(self, file: FileChange, side: Side) -> None:
        """Take the rows that the side has."""
        self.side = side
        self._hunk_of: list[int] = []
        self.rows: list[Row] = []
        for index, hunk in enumerate(file.hunks):
            rows = side_rows(hunk, side)
            self.rows += rows
            self._hunk_of += [index] * len(rows)

    @cached_property
    def lines(self) -> Lines:
        """The rows' texts, for searching."""
        return Lines([row_text(row) for row in self.rows])

    @cached_property
    def masked_lines(self) -> Lines:
        """The same as models see them, without secrets."""
        return Lines(mask_secrets("\n".join(map(row_text, self.rows))).split("\n"))

    def place(self, first: int, last: int) -> Place:
        """Make a place of rows by their indexes; over two hunks, which GitHub refuses, of the first row only."""
        if self._hunk_of[first] != self._hunk_of[last]:
            last = first
        return Place(side=self.side, rows=tuple(self.rows[first : last + 1]), index=first)

    def with_blanks(self, place: Place, quote: str) -> Place:
        """Take in the blank lines that the quote begins and ends with, where they are."""
        before, after = blanks_around(quote)
        first, last = place.index, place.index + len(place.rows) - 1
        while before > 0 and self._is_blank(first - 1, place):
            first, before = first - 1, before - 1
        while after > 0 and self._is_blank(last + 1, place):
            last, after = last + 1, after - 1
        return self.place(first, last)

    def _is_blank(self, index: int, place: Place) -> bool:
        """Tell blank rows of the place's own hunk."""
        is_there = 0 <= index < len(self.rows) and self._hunk_of[index] == self._hunk_of[place.index]
        return is_there and not self.rows[index].text.strip()

    def index_of(self, line: int) -> int | None:
        """Find the row with a line number."""
        return next((index for index, row in enumerate(self.rows) if line_of(row, self.side) == line), None)


def blanks_around(quote: str) -> tuple[int, int]:
    """Count the blank lines that a quote begins and ends with; of one without text, those after the first."""
    texts = bare_lines(quote)
    filled = [index for index, text in enumerate(texts) if text.strip()]
    return (filled[0], len(texts) - 1 - filled[-1]) if filled else (0, len(texts) - 1)


def side_rows(hunk: Hunk, side: Side) -> list[Row]:
    """Return the rows of one column of the diff; their line numbers follow each other."""
    hidden = RowKind.REMOVED if side is Side.RIGHT else RowKind.ADDED
    return [row for row in hunk.rows if row.kind is not hidden]


def row_text(row: Row) -> str:
    r"""Return a row as people see it: without the `\r` at its end."""
    return row.text.removesuffix(b"\r").decode("utf-8", "replace")


def line_of(row: Row, side: Side) -> int:
    """Return a row's number on a side that it stands on."""
    line = row.new_line if side is Side.RIGHT else row.old_line
    if line is None:
        raise ValueError("the row does not stand on this side")
    return line


def row_at_position(file: FileChange, position: int) -> Row | None:
    """Return the row that GitHub once counted as this position: 1 is the first row, and later headings count."""
    for hunk in file.hunks:
        if 1 <= position <= len(hunk.rows):
            return hunk.rows[position - 1]
        position -= len(hunk.rows) + 1
    return None


def numbers_of_rows(files: Iterable[FileChange]) -> dict[int, tuple[FileChange, Row]]:
    """Number the rows of the rendered change from 1, headings included: what a model may take for a line number."""
    numbers: dict[int, tuple[FileChange, Row]] = {}
    number = 0
    for file in files:
        if not file.is_reviewable:
            continue
        number += 1  # the file's heading
        for hunk in file.hunks:
            number += 1  # the hunk's heading
            for row in hunk.rows:
                number += 1
                numbers[number] = (file, row)
    return numbers
