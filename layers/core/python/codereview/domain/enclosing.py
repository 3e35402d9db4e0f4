"""Adds to a change the rest of the functions that it touches, as unchanged rows, as far as a budget of tokens goes.

More context is not better: models find less with whole files (SWE-PRBench), and half of all real review comments need
the diff alone. So only the smallest function around a change is shown, the shortest ones first, and of one that does
not fit the line that begins it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from codereview.domain.change import Change, FileChange, Hunk, Row, RowKind
from codereview.domain.context import estimate_tokens, render_change
from codereview.domain.outline import Span
from codereview.domain.quote_readings import LONGEST_LINE

HeadText = Callable[[str], bytes | None]

LONGEST_FUNCTION = 120  # lines; of a longer one only the first is shown
# What may be shown in all, as a multiple of the raw diff; the numbers before the lines are part of it.
_SHARE = 1.25
# A change of a few lines needs its function most, and its share would not buy it.
_ALLOWANCE = 200  # tokens
_ROW_OVERHEAD = 10  # bytes before the text of a row, and its end
_HUNK_HEADER = 24  # bytes of `@@ -123,4 +123,5 @@ `
_FILE_HEADER = 90  # bytes of git's own words before a file


@dataclass(frozen=True, slots=True)
class _Offer:
    """Lines of a file that could be shown; `rest` is what is shown where they are too many."""

    path: str
    lines: frozenset[int]
    cost: int  # bytes
    rest: frozenset[int]


def with_functions(change: Change, outlines: Mapping[str, tuple[Span, ...]], head_text: HeadText) -> Change:
    """Return the change with the rows of enclosing functions; line numbers, order and changed rows stay the same.

    It is for showing only: a claim is anchored in the change as GitHub has it.
    """
    texts = {
        file.path: lines
        for file in change.files
        if file.is_reviewable and outlines.get(file.path) and (lines := _lines(head_text(file.path), file)) is not None
    }
    if not texts:
        return change
    files = {file.path: file for file in change.files if file.path in texts}
    offers = [offer for path, file in files.items() for offer in _offers(file, outlines[path], texts[path])]
    room = round((raw_tokens(change) * _SHARE + _ALLOWANCE - estimate_tokens(render_change(change))) * 3)
    wanted = _chosen(offers, texts, room)
    return replace(
        change,
        files=tuple(
            _expanded(file, wanted[file.path], texts[file.path]) if wanted.get(file.path) else file
            for file in change.files
        ),
    )


def raw_tokens(change: Change) -> int:
    """Estimate what the diff of the reviewable files takes as git prints it."""
    size = 0
    for file in change.files:
        if file.is_reviewable:
            size += _FILE_HEADER + 4 * len(file.path)
            for hunk in file.hunks:
                size += _HUNK_HEADER + len(hunk.section)
                size += sum(min(len(row.text), LONGEST_LINE) + 2 for row in hunk.rows)
    return size // 3


def _lines(content: bytes | None, file: FileChange) -> list[bytes] | None:
    """Cut a file into lines; None where its text is not the one that the change was made from."""
    if content is None:
        return None
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for hunk in file.hunks:
        for row in hunk.rows:
            if row.new_line is not None and (row.new_line > len(lines) or lines[row.new_line - 1] != row.text):
                return None
    return lines


def _offers(file: FileChange, spans: tuple[Span, ...], lines: list[bytes]) -> Iterator[_Offer]:
    """Offer, for each place that changed, the smallest function around it that the diff does not show whole."""
    shown = {row.new_line for hunk in file.hunks for row in hunk.rows if row.new_line is not None}
    seen: set[Span] = set()
    offered: set[Span] = set()
    for around in _around(_changed_lines(file), spans):
        for span in around:
            if span in seen and span in offered:
                break
            if span in seen:
                continue
            seen.add(span)
            missing = frozenset(range(span.first, min(span.last, len(lines)) + 1)) - shown
            if missing:
                offered.add(span)
                first = frozenset({span.first}) & missing
                wanted = missing if span.last - span.first < LONGEST_FUNCTION else first
                yield _Offer(file.path, wanted, _cost(wanted, lines), first)
                break


def _around(lines: Iterable[int], spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Yield, for each line in ascending order, the functions that it is in, the innermost first."""
    coming = sorted(spans, key=lambda span: (-span.first, span.last))  # the next one last, an outer one before an inner
    around: list[Span] = []
    for line in lines:
        while coming and coming[-1].first <= line:
            around.append(coming.pop())
        around = [span for span in around if span.last >= line]
        yield around[::-1]


def _changed_lines(file: FileChange) -> Iterator[int]:
    """Yield the new line of each added row, and of each removed run the line that follows it."""
    for hunk in file.hunks:
        following = hunk.new_start + (not hunk.new_count)
        previous = 0
        for row in hunk.rows:
            if row.new_line is not None:
                following = row.new_line + 1
            at = row.new_line if row.new_line is not None else following
            if row.kind is not RowKind.CONTEXT and at != previous:
                previous = at
                yield at


def _cost(numbers: Iterable[int], lines: list[bytes]) -> int:
    return sum(min(len(lines[number - 1]), LONGEST_LINE) + _ROW_OVERHEAD for number in numbers)


def _chosen(offers: list[_Offer], texts: Mapping[str, list[bytes]], room: int) -> dict[str, set[int]]:
    """Take the cheapest offers while there is room; of the others the first line."""
    wanted: dict[str, set[int]] = {}
    for offer in sorted(offers, key=lambda offer: (offer.cost, offer.path, min(offer.lines, default=0))):
        taken = wanted.setdefault(offer.path, set())
        for lines in (offer.lines - taken, offer.rest - taken):
            cost = _cost(lines, texts[offer.path])
            if lines and cost <= room:
                taken |= lines
                room -= cost
                break
    return wanted


@dataclass(slots=True)
class _Piece:
    """Rows that follow each other on both sides; the ends are the lines after them."""

    section: bytes
    rows: list[Row]
    old_start: int
    old_end: int
    new_start: int
    new_end: int


def _expanded(file: FileChange, wanted: set[int], lines: list[bytes]) -> FileChange:
    """Put the wanted lines into the gaps between the hunks; what touches becomes one hunk."""
    pieces: list[_Piece] = []
    offset = 0  # of old line numbers to new ones, in the gap
    after = 1
    for hunk in file.hunks:
        begin = hunk.new_start + (not hunk.new_count)
        old_begin = hunk.old_start + (not hunk.old_count)
        for number in range(after, begin):
            if number in wanted:
                _add(pieces, _context(number, number + offset, lines))
        end, old_end = begin + hunk.new_count, old_begin + hunk.old_count
        _add(pieces, _Piece(hunk.section, list(hunk.rows), old_begin, old_end, begin, end))
        after, offset = end, old_end - end
    for number in sorted(number for number in wanted if number >= after):
        _add(pieces, _context(number, number + offset, lines))
    return replace(file, hunks=tuple(map(_hunk, pieces)))


def _context(number: int, old_number: int, lines: list[bytes]) -> _Piece:
    row = Row(RowKind.CONTEXT, old_number, number, lines[number - 1])
    return _Piece(b"", [row], old_number, old_number + 1, number, number + 1)


def _add(pieces: list[_Piece], piece: _Piece) -> None:
    last = pieces[-1] if pieces else None
    if last is None or (last.old_end, last.new_end) != (piece.old_start, piece.new_start):
        pieces.append(piece)
        return
    last.rows += piece.rows
    last.section = last.section or piece.section
    last.old_end, last.new_end = piece.old_end, piece.new_end


def _hunk(piece: _Piece) -> Hunk:
    old_count, new_count = piece.old_end - piece.old_start, piece.new_end - piece.new_start
    # The section is the line that begins the function: no use where that line is among the rows.
    is_shown = any(row.text.startswith(piece.section) for row in piece.rows)
    return Hunk(
        old_start=piece.old_start - (not old_count),
        old_count=old_count,
        new_start=piece.new_start - (not new_count),
        new_count=new_count,
        section=b"" if is_shown else piece.section,
        rows=tuple(piece.rows),
    )
