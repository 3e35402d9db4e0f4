"""Finds the lines that a quote means among the lines that are there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from codereview.domain.fingerprints import normalised

# Below eight characters a piece of a line (`return x`, `}`) stands in too many places to mean one.
_LEAST_PIECE = 8
_LEAST_RATIO = 0.85
_EXACT, _PREFIX, _PIECE = 1.0, 0.95, 0.9
# Models sometimes quote rows as they were shown: number, mark, text.
_SHOWN_ROW = re.compile(r"^\s*\d*\s[+\- ] ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A run of lines, `first` to `last` inclusive (indexes), and how well they fit: 1 is verbatim."""

    first: int
    last: int
    score: float


def matches(quote: str, lines: Sequence[str]) -> list[Match]:
    """Return every run of `lines` that fits the quote best, in order; several if it stands there more than once.

    The readings are tried from strict to loose: as it stands, without blank ends, without the marks of a diff, and at
    last its single longest line.
    """
    known = [normalised(line) for line in lines]
    for wanted in _readings(quote):
        found = _runs(wanted, known, is_loose=False) or _runs(wanted, known, is_loose=True)
        if found:
            best = max(match.score for match in found)
            return [match for match in found if match.score == best]
    return []


def similarity(quote: str, line: str) -> float:
    """Tell how alike a quote's first line and a line are, 0 to 1."""
    first = next((text for text in map(normalised, quote.split("\n")) if text), "")
    return SequenceMatcher(None, first, normalised(line), autojunk=False).ratio()


def _readings(quote: str) -> list[list[str]]:
    whole = [normalised(line) for line in quote.replace("\r", "").split("\n")]
    readings = [whole, _without_blank_ends(whole)]
    bare = [_SHOWN_ROW.sub("", line) for line in quote.replace("\r", "").split("\n")]
    readings.append(_without_blank_ends([normalised(line) for line in bare]))
    longest = max(readings[1], key=len, default="")
    readings.append([longest])
    kept: list[list[str]] = []
    for reading in readings:
        if any(reading) and reading not in kept:
            kept.append(reading)
    return kept


def _without_blank_ends(lines: list[str]) -> list[str]:
    filled = [index for index, line in enumerate(lines) if line]
    return lines[filled[0] : filled[-1] + 1] if filled else []


def _runs(wanted: list[str], known: list[str], *, is_loose: bool) -> list[Match]:
    """Compare the wanted lines with every run of as many known ones; each line must fit."""
    found: list[Match] = []
    for start in range(len(known) - len(wanted) + 1):
        total = 0.0
        for offset, line in enumerate(wanted):
            fit = _fit(line, known[start + offset], is_loose=is_loose)
            if fit == 0.0:
                break
            total += fit
        else:
            found.append(Match(first=start, last=start + len(wanted) - 1, score=total / len(wanted)))
    return found


def _fit(wanted: str, line: str, *, is_loose: bool) -> float:
    if wanted == line:
        return _EXACT
    if not wanted or not line:
        return 0.0
    start = wanted.rstrip(".…").rstrip()
    if start != wanted and wanted.endswith(("...", "…")) and len(start) >= _LEAST_PIECE and line.startswith(start):
        return _PREFIX
    if len(wanted) >= _LEAST_PIECE and wanted in line:
        return _PIECE
    if not is_loose or abs(len(wanted) - len(line)) > max(len(wanted), len(line)) * (1 - _LEAST_RATIO) * 2:
        return 0.0
    ratio = SequenceMatcher(None, wanted, line, autojunk=False).ratio()
    return ratio * _PIECE if ratio >= _LEAST_RATIO else 0.0
