"""Puts a claim where it belongs: by the code that it quotes, with the model's line number as a mere hint.

GitHub refuses a whole review for one line outside the diff, and a comment on the wrong line is worse than none. So a
claim that cannot be placed goes to the body, and one whose code exists nowhere is not believed. The model's text never
reaches beyond the change: a path that is not in it is looked up nowhere.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

from codereview.domain.change import Change, FileChange, FileStatus, Row, RowKind
from codereview.domain.diff_sides import (
    DiffSide,
    Place,
    blanks_around,
    line_of,
    numbers_of_rows,
    row_at_position,
    row_text,
)
from codereview.domain.finding import Candidate, Finding, Placement, Side
from codereview.domain.fingerprints import fingerprint
from codereview.domain.masking import MASK, mask_secrets
from codereview.domain.paths import find_file
from codereview.domain.quote_readings import bare_lines, is_row_of_removed, is_shown_as_removed, squeezed
from codereview.domain.quotes import Fit, Lines, Match, find, following, is_telling, similarity
from codereview.domain.suggestions import is_applicable

HeadText = Callable[[str], bytes | None]

# A quote this much like a line near the hint is a careless copy of it; below, the two have nothing in common.
_CARELESS = 0.6
_NEAR = 3
# Of all lines that the change made, only one is so much like the quote: a copy with a wrong word in it. With nothing
# near it, a claim about code that nobody wrote would be as much like several lines, or like none.
_FAIR, _LEAST_LEAD = 0.7, 0.12
_MOST_COMPARED = 20_000  # rows, by all claims together
_LONGEST_COMPARED = 300  # characters; comparing two of this length takes 0.3 ms at worst
# With so many equal lines and no usable hint, a guess is wrong more often than it helps.
_MOST_RIVALS = 3
# Of the code at an anchor, as much is kept as tells it from other code; a line may have megabytes.
_LONGEST_TEXT = 20_000
# So much code is not the same by chance: found in one place of the whole change, it is what the model meant, whatever
# file it named.
_TELLING = 20
# In a file larger than this only whole lines are searched for, which takes no time.
_LONGEST_SEARCHED = 2_000_000
# Both sides, the stricter reading of either first: a line that was deleted as it is quoted is a better reading than a
# new line that only resembles the quote.
_STRICT, _PIECES, _LOOSE = (Fit.VERBATIM, Fit.ABRIDGED), (Fit.PIECE,), (Fit.ALIKE,)
_SIDES = (Side.RIGHT, Side.LEFT)
# A quote with a mask in it was copied from a row as models see it; the lines themselves are searched all the same:
# what is masked may depend on more than the rows of one side.
_ORDER = (
    *((side, (Fit.VERBATIM, Fit.PIECE), True) for side in _SIDES),
    *((side, fits, False) for fits in (_STRICT, _PIECES, _LOOSE) for side in _SIDES),
)
_REMOVED_FIRST = ((Side.LEFT, _STRICT, False),)
_REMOVED_ONLY = tuple(way for way in _ORDER if way[0] is Side.LEFT)


def anchor(candidate: Candidate, change: Change, head_text: HeadText) -> Finding:
    """Check one claim against the change, and against the head's file where the change does not show the code."""
    return _Anchoring(change, head_text).finding(candidate)


def anchor_all(candidates: Iterable[Candidate], change: Change, head_text: HeadText) -> tuple[Finding, ...]:
    """Check claims, in their order; the change is prepared for searching only once."""
    anchoring = _Anchoring(change, head_text)
    return tuple(anchoring.finding(candidate) for candidate in candidates)


class _Preference(NamedTuple):
    """How well a place agrees with what else is known; smaller is better."""

    is_away: bool
    is_other_row: bool
    is_far: bool
    is_untouched: bool
    distance: int
    offset: int  # of the first line: two places can overlap at the hint

    @property
    def evidence(self) -> tuple[bool, ...]:
        """All but the distances, which beyond a few lines tell nothing."""
        return self[:-2]

    @property
    def is_guess(self) -> bool:
        """Whether nothing but the text speaks for the place."""
        return self.is_away and self.is_other_row and self.is_far


class _Anchoring:
    """A change, prepared for searching as far as claims ask for it."""

    def __init__(self, change: Change, head_text: HeadText) -> None:
        self._change = change
        self._head_text = head_text
        self._sides: dict[tuple[int, Side], DiffSide] = {}
        self._comparisons_left = _MOST_COMPARED

    def finding(self, candidate: Candidate) -> Finding:
        file = find_file(candidate.path, self._change.files)
        has_quote = bool(squeezed(candidate.quote))
        if file is not None:
            place, is_in_diff = self._by_quote(candidate, file) if has_quote else (None, False)
            if not has_quote:
                place = self._by_number(candidate, file)
            elif place is None:
                place = self._careless(candidate, file)
                if place is None and not is_in_diff and not is_telling(candidate.quote):
                    place = self._by_number(candidate, file)
            if place is not None:
                return self._inline(candidate, file, place)
            if is_in_diff:
                return _unplaced(candidate, file, Placement.FILE)
            found = self._elsewhere_in_head(candidate, file) if has_quote else None
            if found is not None:
                return found
        if is_telling(candidate.quote):
            return self._in_another_file(candidate) or _unplaced(candidate, file, Placement.DROPPED)
        return _unplaced(candidate, file, Placement.FILE if file is not None else Placement.BODY)

    def _side(self, file: FileChange, side: Side) -> DiffSide:
        key = (id(file), side)
        if key not in self._sides:
            self._sides[key] = DiffSide(file, side)
        return self._sides[key]

    @cached_property
    def _numbers(self) -> dict[int, tuple[FileChange, Row]]:
        return numbers_of_rows(self._change.files)

    def _by_quote(self, candidate: Candidate, file: FileChange) -> tuple[Place | None, bool]:
        """Find the quoted code, and tell whether it stands in the file's diff: perhaps in too many places for one."""
        right = self._side(file, Side.RIGHT)
        is_masked = MASK in candidate.quote
        if is_row_of_removed(candidate.quote):
            order = [*_REMOVED_ONLY, *_ORDER]
        elif is_shown_as_removed(candidate.quote) and squeezed(candidate.quote) not in right.lines.stream:
            order = [*_REMOVED_FIRST, *_ORDER]
        else:
            order = [*_ORDER]
        for name, fits, is_as_shown in order:
            if is_as_shown and not is_masked:
                continue
            found = self._matches(candidate, file, name, fits, is_as_shown=is_as_shown)
            if found:
                hint = None if candidate.line is None else candidate.line + blanks_around(candidate.quote)[0]
                place, is_guess = self._best(found, file, hint)
                deleted = self._deleted(candidate, file) if is_guess and name is Side.RIGHT else None
                place = deleted or place
                return (
                    None if place is None else self._side(file, place.side).with_blanks(place, candidate.quote)
                ), True
        return None, False

    def _matches(
        self, candidate: Candidate, file: FileChange, name: Side, fits: tuple[Fit, ...], *, is_as_shown: bool
    ) -> list[tuple[Match, Place]]:
        side = self._side(file, name)
        lines = side.masked_lines if is_as_shown else side.lines
        found = [(match, side.place(match.first, match.last)) for match in find(candidate.quote, lines, fits)]
        return [(match, place) for match, place in found if name is Side.RIGHT or place.is_touched]

    def _deleted(self, candidate: Candidate, file: FileChange) -> Place | None:
        """Find deleted lines with the text, exactly at the hint, which names nothing on the other side."""
        found = self._matches(candidate, file, Side.LEFT, (Fit.VERBATIM,), is_as_shown=False)
        return next((place for _, place in found if place.first == candidate.line), None)

    def _best(self, found: list[tuple[Match, Place]], file: FileChange, hint: int | None) -> tuple[Place | None, bool]:
        """Choose among places with the same text, and tell whether nothing else speaks for the choice.

        None where it would be a guess among many.
        """
        ranked = sorted(
            ((self._preference(match, place, file, hint), place) for match, place in found), key=itemgetter(0)
        )
        best, place = ranked[0]
        rivals = [other for other, _ in ranked if other.evidence == best.evidence]
        return None if best.is_guess and len(rivals) >= _MOST_RIVALS else place, best.is_guess

    def _preference(self, match: Match, place: Place, file: FileChange, hint: int | None) -> "_Preference":
        """Order places with the same text: at the hint, lines that the change made, the nearest to the hint.

        A hint that hits one of several equal lines, or nearly, is no accident; one that is merely closer to it than to
        the others says less than that most claims are about what the change made.
        """
        if match.number is not None:
            hint = match.number
        distance = 0 if hint is None else max(place.first - hint, hint - place.last, 0)
        is_hit = hint is not None and distance == 0
        meant = self._rows_counted(file, hint) if hint is not None and not is_hit else ()
        is_row_hit = any(row is other for row in place.rows for other in meant)
        return _Preference(
            is_away=not is_hit,
            is_other_row=not is_row_hit,
            is_far=hint is None or distance > _NEAR,
            is_untouched=not place.is_touched,
            distance=distance,
            offset=0 if hint is None else abs(place.first - hint),
        )

    def _rows_counted(self, file: FileChange, number: int) -> list[Row]:
        """Return the rows of the file that have this number by one way or another of counting rows, not lines.

        Good enough for choosing among equal lines; for trusting a number alone, small ones mean too many things.
        """
        counted_file, row = self._numbers.get(number, (None, None))
        rows = [row if counted_file is file else None, row_at_position(file, number)]
        return [found for found in rows if found is not None]

    def _by_number(self, candidate: Candidate, file: FileChange) -> Place | None:
        """Trust the number where there is nothing else: inside a hunk, or as the row of the rendered change."""
        if candidate.line is None:
            return None
        side = self._side(file, Side.RIGHT)
        index = side.index_of(candidate.line)
        if index is None:
            other, row = self._numbers.get(candidate.line, (None, None))
            if other is file and row is not None and row.new_line is not None:
                index = side.index_of(row.new_line)
        return None if index is None else side.with_blanks(side.place(index, index), candidate.quote)

    def _careless(self, candidate: Candidate, file: FileChange) -> Place | None:
        """Find a line near the hint that the quote is a bad copy of, or the one changed line that it is a fair copy of.

        The second search ends for good where claims have used it too often: a change can be made to make it slow.
        """
        side = self._side(file, Side.LEFT if is_row_of_removed(candidate.quote) else Side.RIGHT)
        hint = candidate.line
        if hint is not None:
            near = {
                index: -abs(line_of(row, side.side) - hint)
                for index, row in enumerate(side.rows)
                if abs(line_of(row, side.side) - hint) <= _NEAR
            }
            likeness, _, index = max(
                ((similarity(candidate.quote, row_text(side.rows[at])), distance, at) for at, distance in near.items()),
                default=(0.0, 0, 0),
            )
            if likeness >= _CARELESS:
                return self._with_following(candidate.quote, side, index)
        changed = [index for index, row in enumerate(side.rows) if row.kind is not RowKind.CONTEXT]
        if len(changed) > self._comparisons_left:
            return None
        self._comparisons_left -= len(changed)
        alike = sorted((similarity(candidate.quote, row_text(side.rows[at])[:_LONGEST_COMPARED]), at) for at in changed)
        (second, _), (best, index) = [(0.0, 0), (0.0, 0), *alike][-2:]
        is_only = best >= _FAIR and best - second >= _LEAST_LEAD
        return self._with_following(candidate.quote, side, index) if is_only else None

    @staticmethod
    def _with_following(quote: str, side: DiffSide, index: int) -> Place:
        """Take in the rows behind the first that are like the rest of the quote, as far as they are in its hunk."""
        plain = "\n".join(bare_lines(quote))
        first = side.place(index, index)
        more = following(plain, [row_text(row) for row in side.rows[index + 1 : index + 1 + quote.count("\n") * 2]])
        whole = side.place(index, index + more)
        return whole if whole.rows[-1] is side.rows[index + more] else first

    def _inline(self, candidate: Candidate, file: FileChange, place: Place) -> Finding:
        text = place.text
        return Finding(
            candidate=candidate,
            path=file.path,
            placement=Placement.INLINE,
            anchor=place.anchor,
            text=text[:_LONGEST_TEXT],
            fingerprint=fingerprint(path=_identity(file), text=text[:_LONGEST_TEXT], rule=candidate.rule),
            is_suggestion_applicable=self._is_suggestion_applicable(candidate, file, place),
        )

    def _is_suggestion_applicable(self, candidate: Candidate, file: FileChange, place: Place) -> bool:
        if candidate.suggestion is None or place.text != candidate.quote.replace("\r", "").strip("\n"):
            return False
        head = self._head_text(file.path) if file.path.endswith((".py", ".pyi")) else None
        return is_applicable(
            candidate.suggestion,
            quote=candidate.quote,
            text=place.text,
            anchor=place.anchor,
            head=None if head is None else head.decode("utf-8", "replace"),
            path=file.path,
        )

    def _elsewhere_in_head(self, candidate: Candidate, file: FileChange) -> Finding | None:
        """Look for the quote in the unchanged rest of the head's file; the claim's line becomes the one found."""
        content = self._head_text(file.path)
        if content is None:
            return None
        text = content.decode("utf-8", "replace")
        lines = Lines((mask_secrets(text) if MASK in candidate.quote else text).split("\n"))
        found = find(candidate.quote, lines, tuple(Fit) if len(content) <= _LONGEST_SEARCHED else (Fit.VERBATIM,))
        if not found:
            return _unplaced(candidate, file, Placement.FILE) if len(content) > _LONGEST_SEARCHED else None
        hint = candidate.line or 1
        best = min(found, key=lambda match: abs(match.first + 1 - hint))
        return Finding(
            candidate=replace(candidate, line=best.first + 1),
            path=file.path,
            placement=Placement.FILE,
            anchor=None,
            text="",
            fingerprint=fingerprint(
                path=_identity(file),
                text="\n".join(lines.squeezed[best.first : best.last + 1]),
                rule=candidate.rule,
            ),
        )

    def _in_another_file(self, candidate: Candidate) -> Finding | None:
        """Place a claim under a wrong path by its code, if that stands in one place of the change only."""
        if len(squeezed(candidate.quote)) < _TELLING:
            return None
        found = [
            (file, side.place(match.first, match.last))
            for file in self._change.files
            for side in [self._side(file, Side.RIGHT)]
            for match in find(candidate.quote, side.lines, (Fit.VERBATIM,))
        ]
        return self._inline(candidate, *found[0]) if len(found) == 1 else None


def _unplaced(candidate: Candidate, file: FileChange | None, placement: Placement) -> Finding:
    """Keep a claim without a place, and without its number, which nothing confirms."""
    return Finding(
        candidate=replace(candidate, line=None),
        path=candidate.path if file is None else file.path,
        placement=placement,
        anchor=None,
        text="",
        fingerprint=fingerprint(
            path=candidate.path if file is None else _identity(file), text=candidate.quote, rule=candidate.rule
        ),
    )


def _identity(file: FileChange) -> str:
    """Return the name that a finding's identity is built on; a copy is a file of its own."""
    return file.old_path if file.status is FileStatus.RENAMED and file.old_path is not None else file.path
