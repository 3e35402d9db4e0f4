"""Puts a claim where it belongs: by the code that it quotes, with the model's line number as a mere hint.

GitHub refuses a whole review for one line outside the diff, and a comment on the wrong line is worse than none, so a
claim that cannot be placed goes to the body, and one whose code exists nowhere is not believed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from codereview.domain.change import Change, FileChange, Hunk, Row, RowKind
from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Side
from codereview.domain.fingerprints import fingerprint
from codereview.domain.quotes import Match, matches, similarity

HeadText = Callable[[str], bytes | None]

# A quote this much like a line near the hint is a careless copy of it; below, the two have nothing in common.
_CARELESS = 0.6
_NEAR = 3
# A file larger than this is not searched for a quote outside the diff.
_LONGEST_HEAD_TEXT = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Rows of one side of one hunk that a claim is about."""

    side: Side
    rows: tuple[Row, ...]

    @property
    def anchor(self) -> Anchor:
        first, last = _line(self.rows[0], self.side), _line(self.rows[-1], self.side)
        return Anchor(side=self.side, line=last, start_line=first if first < last else None)

    @property
    def text(self) -> str:
        return "\n".join(_text(row) for row in self.rows)

    @property
    def is_touched(self) -> bool:
        """Whether the change itself made one of the rows."""
        return any(row.kind is not RowKind.CONTEXT for row in self.rows)


def anchor(candidate: Candidate, change: Change, head_text: HeadText) -> Finding:
    """Check a claim against the change, and against the head's file where the change does not show the code."""
    file = find_file(candidate.path, change)
    if file is None:
        return _outside(candidate, candidate.path, candidate.path, head_text)
    place = _by_quote(candidate, file) or _by_hint(candidate, file, change)
    identity = file.old_path or file.path
    if place is None:
        return _outside(candidate, file.path, identity, head_text)
    return Finding(
        candidate=candidate,
        path=file.path,
        placement=Placement.INLINE,
        anchor=place.anchor,
        text=place.text,
        fingerprint=fingerprint(path=identity, text=place.text, rule=candidate.rule),
        is_suggestion_applicable=_replaces_quote(candidate, place),
    )


def find_file(path: str, change: Change) -> FileChange | None:
    """Find the file that a model means: by its new name, its old one, without a diff's prefix, in another case."""
    stripped = path.strip().removeprefix("./")
    names = [stripped, *(stripped.removeprefix(prefix) for prefix in ("a/", "b/") if stripped.startswith(prefix))]
    for name in names:
        for file in change.files:
            if name in (file.path, file.old_path):
                return file
    alike = [file for file in change.files if file.path.lower() in {name.lower() for name in names}]
    return alike[0] if len(alike) == 1 else None


def _by_quote(candidate: Candidate, file: FileChange) -> _Place | None:
    """Take the new side; the old one only for code that is nowhere on the new."""
    if not candidate.quote.strip():
        return None
    for side in (Side.RIGHT, Side.LEFT):
        found = [
            (match, _Place(side=side, rows=tuple(rows[match.first : match.last + 1])))
            for hunk in file.hunks
            for rows in [side_rows(hunk, side)]
            for match in matches(candidate.quote, [_text(row) for row in rows])
        ]
        if side is Side.LEFT:
            found = [(match, place) for match, place in found if place.is_touched]
        if found:
            return min(found, key=lambda entry: _preference(entry[0], entry[1], candidate.line))[1]
    return None


def _preference(match: Match, place: _Place, hint: int | None) -> tuple[float, bool, int]:
    """Order places: best fit, then lines that the change made, then the nearest to the hint."""
    first = _line(place.rows[0], place.side)
    last = _line(place.rows[-1], place.side)
    distance = 0 if hint is None else max(first - hint, hint - last, 0)
    return (-match.score, not place.is_touched, distance)


def _by_hint(candidate: Candidate, file: FileChange, change: Change) -> _Place | None:
    """Trust the number where there is no quote, or where the quote is a careless copy of a line near it."""
    if candidate.line is None:
        return None
    rows = [row for hunk in file.hunks for row in side_rows(hunk, Side.RIGHT)]
    near = [row for row in rows if row.new_line is not None and abs(row.new_line - candidate.line) <= _NEAR]
    if candidate.quote.strip():
        alike = max(near, key=lambda row: similarity(candidate.quote, _text(row)), default=None)
        is_copy = alike is not None and similarity(candidate.quote, _text(alike)) >= _CARELESS
        return _Place(side=Side.RIGHT, rows=(alike,)) if alike is not None and is_copy else None
    exact = next((row for row in near if row.new_line == candidate.line), None)
    exact = exact or _row_by_index(candidate.line, file, change)
    return _Place(side=Side.RIGHT, rows=(exact,)) if exact is not None else None


def _row_by_index(index: int, file: FileChange, change: Change) -> Row | None:
    """Read the number as a row of the whole diff, counted from 1, if that row is in the claim's own file."""
    position = 0
    for other in change.files:
        for hunk in other.hunks:
            position += 1  # the hunk's header
            if position < index <= position + len(hunk.rows):
                row = hunk.rows[index - position - 1]
                return row if other is file and row.new_line is not None else None
            position += len(hunk.rows)
    return None


def _outside(candidate: Candidate, path: str, identity: str, head_text: HeadText) -> Finding:
    """Place what is not in the diff: under its file if its code is there, and nowhere if the code is made up."""
    line = _line_in_head(candidate, head_text(path)) if candidate.quote.strip() else None
    placement = Placement.BODY
    if candidate.quote.strip():
        placement = Placement.FILE if line is not None else Placement.DROPPED
    return Finding(
        candidate=candidate if line is None else replace(candidate, line=line),
        path=path,
        placement=placement,
        anchor=None,
        text="",
        fingerprint=fingerprint(path=identity, text=candidate.quote or candidate.title, rule=candidate.rule),
    )


def _line_in_head(candidate: Candidate, content: bytes | None) -> int | None:
    """Find the quote in the head's whole file; returns its first line, nearest to the hint."""
    if content is None or len(content) > _LONGEST_HEAD_TEXT:
        return None
    lines = [line.decode("utf-8", "replace") for line in content.split(b"\n")]
    found = matches(candidate.quote, lines)
    hint = candidate.line or 1
    return min((match.first + 1 for match in found), key=lambda line: abs(line - hint), default=None)


def _replaces_quote(candidate: Candidate, place: _Place) -> bool:
    """Whether GitHub's "apply suggestion" would replace exactly the lines that the model meant to replace."""
    if candidate.suggestion is None or place.side is not Side.RIGHT:
        return False
    return place.text == candidate.quote.replace("\r", "").strip("\n")


def side_rows(hunk: Hunk, side: Side) -> list[Row]:
    """Return the rows of one column of the diff; their line numbers follow each other."""
    hidden = RowKind.REMOVED if side is Side.RIGHT else RowKind.ADDED
    return [row for row in hunk.rows if row.kind is not hidden]


def added_lines(hunks: Iterable[Hunk]) -> set[int]:
    """Return the new-file line numbers that the change made."""
    return {
        row.new_line for hunk in hunks for row in hunk.rows if row.kind is RowKind.ADDED and row.new_line is not None
    }


def _line(row: Row, side: Side) -> int:
    line = row.new_line if side is Side.RIGHT else row.old_line
    assert line is not None  # noqa: S101 -- side_rows leaves out the rows that the side does not have
    return line


def _text(row: Row) -> str:
    return row.text.removesuffix(b"\r").decode("utf-8", "replace")
