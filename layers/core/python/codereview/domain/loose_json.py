"""JSON as language models write it: fenced, wrapped in prose, cut off, with Python's or JavaScript's habits.

Everything here is bounded: strict parsing by a cap on characters and on the work of all its attempts, repair (a slow
parser in Python) by a lower cap, and nesting is cut before repair recurses into it. Nothing here raises; what cannot
be read yields no documents.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from json_repair import repair_json

MAX_CHARACTERS = 8_000_000
MAX_REPAIRED_CHARACTERS = 400_000
MAX_DEPTH = 24  # an answer needs 3
_MAX_INTEGER_DIGITS = 18  # longer ones are no line numbers, and slow to convert
_MAX_STARTS = 2_000  # how many brackets in prose are tried as the beginning of a document
_MAX_WORK = 4 * MAX_CHARACTERS  # characters that all these attempts may read

_MAX_FENCES = 100

_THINKING = re.compile(r"\s*<(think|thinking|reasoning)>")
_FENCE = re.compile(r"^[ \t]*```.*$", re.MULTILINE)
_START = re.compile(r"[{\[]")
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}

IsWanted = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Documents:
    """What a text holds. `is_cut`: it ended early; `is_cut_in_string`: so did the last string in it."""

    values: tuple[Any, ...] = ()
    is_cut: bool = False
    is_cut_in_string: bool = False


def read_documents(text: str, *, beginning: re.Pattern[str], is_wanted: IsWanted, is_part: IsWanted) -> Documents:
    """Find the wanted documents in a text: strictly where that works, else by repair, else the parts that are whole.

    `beginning` is how a wanted document starts, where repair shall begin.
    """
    if len(text) > MAX_CHARACTERS:
        return Documents()
    text = _without_thoughts(text.removeprefix("\ufeff")).strip()
    for attempt in (text, *_fenced(text)):
        value = _strict(attempt)
        if isinstance(value, str):  # JSON inside a JSON string
            value = _strict(value)
        if is_wanted(value):
            return Documents((value,))
    flat = _flattened(text)
    if flat != text and is_wanted(value := _strict(flat)):
        return Documents((value,))
    embedded = tuple(_embedded(flat))
    whole = tuple(value for value in embedded if value and is_wanted(value))
    if whole:
        return Documents(whole)
    repaired = _repaired(flat, beginning)
    if any(value and is_wanted(value) for value in repaired.values):
        return repaired
    return Documents(tuple(value for value in embedded if is_part(value)))


def _without_thoughts(text: str) -> str:
    """Drop what a reasoning model thought aloud before it answered."""
    thinking = _THINKING.match(text)
    return text.rpartition(f"</{thinking[1]}>")[2] if thinking else text


def _fenced(text: str) -> Iterator[str]:
    """Yield what stands between two fences that follow each other."""
    fences = list(islice(_FENCE.finditer(text), _MAX_FENCES))
    for opening, closing in pairwise(fences):
        yield text[opening.end() : closing.start()]


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else None


# `strict=False` allows raw line breaks in strings; NaN and infinities become None.
_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda _: None, parse_int=_integer)


def _strict(text: str) -> Any:
    try:
        return _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return None


def _embedded(text: str) -> Iterator[Any]:
    """Yield the objects and arrays that stand in prose, one after the other, none inside of another."""
    position = work = 0
    for _ in range(_MAX_STARTS):
        start = _START.search(text, position)
        if start is None or work > _MAX_WORK:
            return
        try:
            value, position = _DECODER.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            position = start.end()
            work += error.pos - start.start()
            continue
        yield value


def _repaired(text: str, beginning: re.Pattern[str]) -> Documents:
    start = beginning.search(text) or _START.search(text)
    if start is None or len(text) - start.start() > MAX_REPAIRED_CHARACTERS:
        return Documents()
    text = text[start.start() :]
    try:
        value = repair_json(text, return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError, TypeError, KeyError, AttributeError):
        return Documents()  # it promises no exception, and makes its way by guessing
    depth, last = 0, ""
    for token in _TOKEN.finditer(text):
        last = token[0]
        depth += _STEPS.get(last, 0)
    # A quote that was not escaped confuses the count; a text that ends as documents do was not cut.
    is_cut = depth > 0 and not text.rstrip("`\n ").endswith(("}", "]"))
    return Documents((value,), is_cut=is_cut, is_cut_in_string=is_cut and _is_open(last))


def _is_open(token: str) -> bool:
    return token.startswith('"') and (len(token) == 1 or not token.endswith('"'))


def _flattened(text: str) -> str:
    """Replace whatever is nested deeper than any answer by null, in one pass and without recursion."""
    depth, kept_to, pieces = 0, 0, list[str]()
    for token in _TOKEN.finditer(text):
        step = _STEPS.get(token[0], 0)
        if step > 0:
            depth += 1
            if depth == MAX_DEPTH + 1:
                pieces += (text[kept_to : token.start()], "null")
        elif step < 0:
            depth = max(depth - 1, 0)
            if depth == MAX_DEPTH:
                kept_to = token.end()
    if depth <= MAX_DEPTH:
        pieces.append(text[kept_to:])
    return "".join(pieces)
