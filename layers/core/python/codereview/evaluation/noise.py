"""Copies as careless models do: numbers that are off, and quotes that are not quite the code; the same for one seed."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from codereview.domain.finding import Side
from codereview.evaluation.golden import Target
from codereview.evaluation.oracle import Copy

_MOST_OFF = 20  # lines
_WORD = re.compile(r"[^\W\d]\w{2,}")
_OTHER_WORDS = ("value", "result", "item", "data", "config", "index")
_LEAST_CUT = 12  # characters: what is left of a shorter line means nothing


@dataclass(frozen=True, slots=True)
class Noise:
    """Disturbs the copies of one case; each by itself, whatever was disturbed before."""

    seed: int
    case: str

    def __call__(self, number: int, target: Target, copy: Copy) -> Copy:
        """Disturb the copy of the finding with this number."""
        chance = random.Random(f"{self.seed}/{self.case}/{number}")  # noqa: S311 - repeatable, not secret
        quote = _quote(copy, target, chance) if copy.quote.strip() else copy.quote
        return Copy(quote=quote, line=_line(copy.line, target, chance))


def _line(line: int | None, target: Target, chance: random.Random) -> int | None:
    if line is None:
        return None
    old_line = target.rows[0].old_line if target.rows else None
    near, far = chance.choice([-3, -2, -1, 1, 2, 3]), chance.choice([-1, 1]) * chance.randint(1, _MOST_OFF)
    kinds = (line, max(1, line + near), max(1, line + far), old_line, None)
    return chance.choices(kinds, weights=(50, 20, 15, 5, 10))[0]


def _quote(copy: Copy, target: Target, chance: random.Random) -> str:
    """Draw a way to disturb; one that does not fit these lines leaves them as they are."""
    way = chance.choices([way for _, way in _WAYS], weights=[weight for weight, _ in _WAYS])[0]
    return "\n".join(way(copy.quote.split("\n"), target, chance))


def _verbatim(lines: list[str], _target: Target, _chance: random.Random) -> list[str]:
    return lines


def _other_white_space(lines: list[str], _target: Target, _chance: random.Random) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def _no_indentation(lines: list[str], _target: Target, _chance: random.Random) -> list[str]:
    return [line.lstrip() for line in lines]


def _more_indentation(lines: list[str], _target: Target, _chance: random.Random) -> list[str]:
    return ["    " + line for line in lines]


def _other_word(lines: list[str], _target: Target, chance: random.Random) -> list[str]:
    """Take another word for one of a line that has several."""
    index = chance.randrange(len(lines))
    words = list(_WORD.finditer(lines[index]))
    if len(words) < 3:  # noqa: PLR2004 - of two words, half the line would be another
        return lines
    word = chance.choice(words)
    changed = f"{lines[index][: word.start()]}{chance.choice(_OTHER_WORDS)}{lines[index][word.end() :]}"
    return [*lines[:index], changed, *lines[index + 1 :]]


def _cut(lines: list[str], _target: Target, chance: random.Random) -> list[str]:
    """End the last line early, with an ellipsis or without."""
    last = lines[-1]
    if len(last.strip()) <= _LEAST_CUT:
        return lines
    start = len(last) - len(last.lstrip())
    end = max(start + _LEAST_CUT, int(len(last) * chance.uniform(0.5, 0.9)))
    return [*lines[:-1], last[:end] + chance.choice(["...", "…", ""])]


def _part_of_a_line(lines: list[str], _target: Target, chance: random.Random) -> list[str]:
    text = lines[0].strip()
    if len(lines) > 1 or len(text) < 2 * _LEAST_CUT:
        return lines
    begin = chance.randrange(len(text) // 3)
    return [text[begin : begin + max(_LEAST_CUT, int(len(text) * 0.6))]]


def _numbered(lines: list[str], target: Target, _chance: random.Random) -> list[str]:
    """Copy the rows with the numbers and marks that were shown."""
    if target.golden.side is Side.LEFT or len(target.rows) != len(lines):
        return lines
    rows = zip(target.rows, lines, strict=True)
    return [f"{row.new_line or '':>6} {row.kind.value} {line}" for row, line in rows]


def _marked(lines: list[str], target: Target, _chance: random.Random) -> list[str]:
    """Copy the rows with a diff's own marks."""
    if target.golden.side is Side.LEFT or len(target.rows) != len(lines):
        return lines
    return [f"{row.kind.value}{line}" for row, line in zip(target.rows, lines, strict=True)]


def _elided(lines: list[str], _target: Target, chance: random.Random) -> list[str]:
    """Leave out the middle, and say so."""
    if len(lines) < 3 or not lines[0].strip() or not lines[-1].strip():  # noqa: PLR2004 - no middle
        return lines
    return [lines[0], chance.choice(["...", "    ...", "…", "    // ..."]), lines[-1]]


def _gap(lines: list[str], _target: Target, _chance: random.Random) -> list[str]:
    """Leave out the middle, and do not say so."""
    return [lines[0], lines[-1]] if len(lines) == 3 else lines  # noqa: PLR2004 - a larger gap is another quote


def _fenced(lines: list[str], _target: Target, _chance: random.Random) -> list[str]:
    return ["```", *lines, "```"]


_Way = Callable[[list[str], Target, random.Random], list[str]]
_WAYS: tuple[tuple[int, _Way], ...] = (
    (30, _verbatim),
    (10, _other_white_space),
    (12, _no_indentation),
    (4, _more_indentation),
    (10, _other_word),
    (8, _cut),
    (5, _part_of_a_line),
    (7, _numbered),
    (5, _marked),
    (4, _elided),
    (3, _gap),
    (2, _fenced),
)
