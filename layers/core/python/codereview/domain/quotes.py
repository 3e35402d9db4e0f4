"""Finds the lines that a quote means among the lines that are there.

White space and hidden characters never count: models re-indent, and they never saw what was stripped from their input.
The ways of reading a quote go from strict to loose; a looser one is tried only where no stricter one finds anything.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import IntEnum
from functools import cached_property
from operator import itemgetter

from codereview.domain.hidden_text import strip_hidden
from codereview.domain.quote_readings import LONGEST_LINE, Reading, indent, is_gap, readings, squeezed

# Below eight characters a piece of a line (`return x`, `}`) stands in too many places to mean one.
LEAST_PIECE = 8
_LEAST_RATIO = 0.85
_LEAST_RESEMBLANCE = 0.55
# Of a longer quote with mistakes in it, the beginning says where it belongs.
_MOST_ALIGNED = 40
_MOST_ELIDED = 120  # lines
_MOST_PLACES = 200  # of one end; nobody could tell which is meant
_LONGEST_COMMENT_MARK = 2  # what is left of `# ...` or `// ...` is no code
# A secret is shown to models as its mask, which stands for anything, like an ellipsis.
_ELLIPSIS = re.compile(r"\.{3,}|…|\[masked[a-z0-9-]*\]")


class Fit(IntEnum):
    """How a quote and the text agree; smaller is better."""

    VERBATIM = 0  # whole lines
    ABRIDGED = 1  # with an ellipsis, from the beginning of a line
    PIECE = 2  # within a line
    ALIKE = 3  # with small mistakes, or with lines left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A run of lines, `first` to `last` inclusive (indexes). `score` orders the matches of one fit, 1 at best.

    `number` is the line number that the quote itself begins with, where it is a row as it was shown.
    """

    first: int
    last: int
    score: float = 1.0
    number: int | None = None


class Lines:
    """Lines to search, without their white space."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Prepare lines; of very long ones only the part that people and models are shown."""
        visible = strip_hidden("\n".join(text[:LONGEST_LINE] for text in texts)) if texts else ""
        visible_texts = visible.split("\n") if texts else []
        self.squeezed = [squeezed(text) for text in visible_texts]
        self.indents = [indent(text) for text in visible_texts]

    @cached_property
    def stream(self) -> str:
        """All lines in one."""
        return "".join(self.squeezed)

    @cached_property
    def starts(self) -> list[int]:
        """Where in the stream each line begins; the end is the last entry."""
        starts = [0]
        for text in self.squeezed:
            starts.append(starts[-1] + len(text))
        return starts

    @cached_property
    def filled(self) -> list[int]:
        """Indexes of the lines that are not blank."""
        return [index for index, text in enumerate(self.squeezed) if text]

    def occurrences(self, wanted: str, *, begin: int = 0) -> Iterator[tuple[int, int]]:
        """Yield where a text stands in the stream, at most once for each line that it begins in."""
        position = self.stream.find(wanted, begin)
        while position >= 0:
            yield position, position + len(wanted)
            position = self.stream.find(wanted, self.starts[self.line_at(position) + 1])

    def line_at(self, position: int) -> int:
        """Return the index of the line that a position of the stream is in."""
        return bisect_right(self.starts, position) - 1

    def is_start(self, position: int) -> bool:
        """Whether a line begins, or ends, here."""
        return self.starts[bisect_right(self.starts, position) - 1] == position


def find(quote: str, lines: Lines, fits: Iterable[Fit] = tuple(Fit)) -> list[Match]:
    """Return every run of lines that fits the quote best, in order; the first of `fits` that finds anything decides."""
    ways = list(readings(quote))
    for fit in fits:
        for reading in ways:
            found = _FINDERS[fit](reading, lines)
            if found:
                best = max(match.score for match in found)
                return [match for match in found if match.score == best]
    return []


def is_telling(quote: str) -> bool:
    """Tell a quote that must stand somewhere from one too short to be looked for with mistakes in it."""
    return any(len(re.sub(r"\W", "", squeezed(piece))) >= LEAST_PIECE for piece in _ELLIPSIS.split(quote))


def similarity(quote: str, text: str) -> float:
    """Tell how alike a quote's first line and a line are, 0 to 1; the beginning of the line is all of it.

    What is hardly alike is 0: lines that have little in common are told apart without comparing them.
    """
    first = next((line for line in map(squeezed, strip_hidden(quote).split("\n")) if line), "")
    start = _ELLIPSIS.split(first)[0]
    if start not in ("", first) and squeezed(text).startswith(start):
        return 1.0
    matcher = SequenceMatcher(None, first[:LONGEST_LINE], squeezed(text)[:LONGEST_LINE], autojunk=False)
    if matcher.real_quick_ratio() < _LEAST_RESEMBLANCE or matcher.quick_ratio() < _LEAST_RESEMBLANCE:
        return 0.0
    return matcher.ratio()


def _verbatim(reading: Reading, lines: Lines) -> list[Match]:
    """Find whole lines; blank ones between them do not matter, other breaks and another indentation cost a little."""
    found: list[Match] = []
    for start, end in lines.occurrences(reading.text):
        if lines.is_start(start) and lines.is_start(end):
            first, last = lines.line_at(start), lines.line_at(end - 1)
            filled = [index for index in range(first, last + 1) if lines.squeezed[index]]
            is_same = tuple(lines.squeezed[index] for index in filled) == reading.lines
            is_copy = not reading.indents or tuple(lines.indents[index] for index in filled) == reading.indents
            score = 0.9 + 0.08 * is_same + 0.02 * is_copy
            found.append(Match(first=first, last=last, score=score, number=reading.number))
    return found


def _piece(reading: Reading, lines: Lines) -> list[Match]:
    if len(reading.text) < LEAST_PIECE:
        return []
    return [
        Match(first=lines.line_at(start), last=lines.line_at(end - 1), number=reading.number)
        for start, end in lines.occurrences(reading.text)
    ]


def _elided(reading: Reading, lines: Lines) -> list[Match]:
    """Find whole lines of which the middle was left out: from each place of the longer end to the nearest of the other.

    A lone bracket stands in many lines: the one that is indented as it is quoted is meant.
    """
    gaps = [index for index, text in enumerate(reading.lines) if is_gap(text)]
    if len(gaps) != 1 or gaps[0] in (0, len(reading.lines) - 1):
        return []
    ends = [Reading(lines=reading.lines[: gaps[0]]), Reading(lines=reading.lines[gaps[0] + 1 :])]
    is_head_longer = len(ends[0].text) >= len(ends[1].text)
    anchors, others = (_verbatim(end, lines) for end in (ends if is_head_longer else ends[::-1]))
    near = (reading.indents or ("",) * len(reading.lines))[gaps[0] + 1 if is_head_longer else 0]
    if len(anchors) > _MOST_PLACES:
        return []
    firsts = [other.first for other in others]
    found: list[Match] = []
    for match in anchors:
        begin, end = (match.last + 1, match.first + _MOST_ELIDED) if is_head_longer else (0, match.first)
        window = others[bisect_left(firsts, max(begin, match.first - _MOST_ELIDED)) : bisect_left(firsts, end)]
        beyond = [
            (lines.indents[other.first] != near, abs(other.first - match.first), other)
            for other in window
            if is_head_longer or other.last < match.first
        ]
        if beyond:
            other = min(beyond, key=itemgetter(0, 1))[2]
            ordered = (match, other) if is_head_longer else (other, match)
            found.append(Match(first=ordered[0].first, last=ordered[1].last, number=reading.number))
    return found


def _abridged(reading: Reading, lines: Lines) -> list[Match]:
    """Find a text with ellipses by its pieces, in their order; the first begins a line."""
    elided = _elided(reading, lines)
    if elided:
        return elided
    pieces = [piece for piece in _ELLIPSIS.split(reading.text) if len(piece) > _LONGEST_COMMENT_MARK]
    if not pieces or pieces[0] == reading.text:
        return []
    found: list[Match] = []
    for start, first_end in lines.occurrences(pieces[0]):
        end, missing = first_end, 0
        for piece in pieces[1:]:
            position = lines.stream.find(piece, end, end + LONGEST_LINE)
            missing += position < 0
            end = position + len(piece) if position >= 0 else end
        score = 1 - (missing / len(pieces) + (not lines.is_start(start))) / 2
        if lines.is_start(start) or len(pieces[0]) >= LEAST_PIECE:
            first, last = lines.line_at(start), lines.line_at(end - 1)
            found.append(Match(first=first, last=last, score=score, number=reading.number))
    return found


def _alike(reading: Reading, lines: Lines) -> list[Match]:
    """Find lines with small mistakes: from each line like the quote's longest, align the others around it."""
    reading = replace(reading, lines=reading.lines[:_MOST_ALIGNED])
    longest = max(range(len(reading.lines)), key=lambda index: len(reading.lines[index]))
    wanted = reading.lines[longest]
    found = [
        match
        for position, index in enumerate(lines.filled)
        if _ratio(wanted, lines.squeezed[index]) > 0
        and (match := _aligned(reading, longest, position, lines)) is not None
    ]
    if not found and len(reading.lines) > 1 and len(wanted) >= 2 * LEAST_PIECE:
        return _verbatim(Reading(lines=(wanted,)), lines)
    return found


def _aligned(reading: Reading, pivot: int, position: int, lines: Lines) -> Match | None:
    """Pair the quote's lines with those around a pivot; None where less than half of the quote is there."""
    pairs = {pivot: position}
    for step, indexes in ((1, range(pivot + 1, len(reading.lines))), (-1, range(pivot - 1, -1, -1))):
        at = position
        for index in indexes:
            partner = _partner(reading.lines[index], at, step, lines)
            if partner is not None:
                pairs[index] = at = partner
    mass = sum(
        len(reading.lines[index]) * _ratio(reading.lines[index], lines.squeezed[lines.filled[at]])
        for index, at in pairs.items()
    )
    if mass < len(reading.text) / 2:
        return None
    ends = [lines.filled[at] for at in pairs.values()]
    return Match(first=min(ends), last=max(ends), score=mass / len(reading.text), number=reading.number)


def _partner(wanted: str, at: int, step: int, lines: Lines) -> int | None:
    """Find a quoted line's neighbour; the model may have left out lines between."""
    neighbours = [near for near in range(at + step, at + 4 * step, step) if 0 <= near < len(lines.filled)]
    ratios = [(_ratio(wanted, lines.squeezed[lines.filled[near]]), -index) for index, near in enumerate(neighbours)]
    likeness, place = max(ratios, default=(0.0, 0))
    if likeness > 0:
        return neighbours[-place]
    # Too short for telling a mistake from another line: taken as it comes. Beside a line that fits, less is enough.
    is_next = neighbours and (
        len(wanted) < LEAST_PIECE or _resembles(wanted, lines.squeezed[lines.filled[neighbours[0]]])
    )
    return neighbours[0] if is_next else None


def following(quote: str, texts: Sequence[str]) -> int:
    """Count the lines, of those behind the one that is like the quote's first, that are like the quote's others."""
    wanted = [line for line in map(squeezed, strip_hidden(quote).split("\n")) if line][1:_MOST_ALIGNED]
    count = 0
    for index, text in enumerate(texts[: 2 * _MOST_ALIGNED], start=1):
        if not wanted:
            break
        if not text.strip():
            continue
        if squeezed(text) != wanted[0] and not _resembles(wanted[0], squeezed(text)):
            break
        count, wanted = index, wanted[1:]
    return count


def _resembles(wanted: str, text: str) -> bool:
    matcher = SequenceMatcher(None, text[:LONGEST_LINE], wanted[:LONGEST_LINE], autojunk=False)
    return matcher.quick_ratio() >= _LEAST_RESEMBLANCE and matcher.ratio() >= _LEAST_RESEMBLANCE


def _ratio(wanted: str, text: str) -> float:
    """Tell how alike two lines are, 0 where they are not; the cheap bounds come first."""
    if wanted == text:
        return 1.0
    if len(wanted) >= LEAST_PIECE and wanted in text:
        return 0.9
    if not 2 * min(len(wanted), len(text)) >= _LEAST_RATIO * (len(wanted) + len(text)):
        return 0.0
    matcher = SequenceMatcher(None, text, wanted, autojunk=False)
    if matcher.quick_ratio() < _LEAST_RATIO:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= _LEAST_RATIO else 0.0


_FINDERS = {Fit.VERBATIM: _verbatim, Fit.ABRIDGED: _abridged, Fit.PIECE: _piece, Fit.ALIKE: _alike}
