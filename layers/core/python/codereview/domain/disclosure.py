"""Keeps what a model was told by us out of what it says: whoever asks it for its instructions gets none.

They are no secret, since they are part of this program; but a review that recites them is somebody else's doing, and
nobody who reads it is served. Words in code or in another language are not recognised.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

WITHHELD = "[the reviewer's instructions, left out]"
# So many words in a row are not the same by chance.
_RUN = 12
_WORD = re.compile(r"\w+")


def without_instructions(text: str, instructions: str, *, shown: str = "") -> str:
    """Replace every run of words that stands in the instructions; what stands in `shown`, the change, may be said."""
    if not text:
        return text
    words = list(_WORD.finditer(text))
    told = _runs(instructions)
    found = [index for index, run in enumerate(_runs_of([word[0] for word in words])) if run in told]
    if found and shown:
        public = frozenset(_runs_of(_WORD.findall(shown)))
        found = [index for index in found if _run_at(words, index) not in public]
    parts: list[str] = []
    position = 0
    for first, last in _joined(found):
        parts += [text[position : words[first].start()], WITHHELD]
        position = words[last].end()
    return "".join([*parts, text[position:]])


def _run_at(words: list[re.Match[str]], index: int) -> str:
    """Return the run of words that begins at one of them, in one form whatever their case and what is between."""
    return " ".join(word[0].casefold() for word in words[index : index + _RUN])


@lru_cache(maxsize=32)
def _runs(instructions: str) -> frozenset[str]:
    return frozenset(_runs_of(_WORD.findall(instructions)))


def _runs_of(words: list[str]) -> Iterator[str]:
    folded = [word.casefold() for word in words]
    for index in range(len(folded) - _RUN + 1):
        yield " ".join(folded[index : index + _RUN])


def _joined(starts: list[int]) -> Iterator[tuple[int, int]]:
    """Join runs that overlap or touch; yields the first and the last word of each."""
    first = last = -1
    for start in starts:
        if first >= 0 and start > last + 1:
            yield first, last
            first = -1
        first = start if first < 0 else first
        last = start + _RUN - 1
    if first >= 0:
        yield first, last
