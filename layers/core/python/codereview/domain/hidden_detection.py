"""Finds text that reads otherwise than it looks: reordered, invisible, or in letters that pass for other letters.

People's languages need some of these characters, so that each is judged by its neighbours: a joiner within an emoji or
an Indic word is no finding, the same joiner within `is_admin` is.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

# https://trojansource.codes
_REORDERING = "\u202a-\u202e\u2066-\u2069"
_MARKS = "\u200e\u200f\u061c"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2064\u206a-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_CONTROL = "\\x00-\\x08\\x0e-\\x1f\\x7f"
_SUSPECT = re.compile(f"[{_REORDERING}{_MARKS}{_INVISIBLE}{_CONTROL}]")
_REORDERS = re.compile(f"[{_REORDERING}]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_CONTROLS = re.compile(f"[{_CONTROL}]")
_TAG = re.compile("[\U000e0000-\U000e007f]")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")  # of Scotland, say
_WORD = re.compile(r"[^\W_]+")
# Letters that cannot be told from these Latin ones in the fonts that code is read in. Greek letters that formulas use
# are not among them.
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0410\u0412\u0415\u041a\u041c"
    "\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408\u04ae\u03bf\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0585\u057d\u0570\u0578\u0261\u0251\u0131",
    "aeopcyxijshdqwABEKMHOPCTXSIJYoABEZHIKMNOPTYXouhngai",
)
_FULL_WIDTH = re.compile("[\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]")
_LEAST_WORD = 3


class Trick(StrEnum):
    """How a line deceives, worst first."""

    REORDERED = "reordered-text"
    INVISIBLE = "invisible-character"
    LOOK_ALIKE = "look-alike-letter"
    CONTROL = "control-character"


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenText:
    """One trick on one line, 1-based. `characters` are what it takes, each once; `is_message`: they spell a text."""

    line: int
    trick: Trick
    characters: tuple[str, ...]
    word: str = ""  # with look-alike letters in it
    is_message: bool = False


def find_hidden_text(text: str) -> Iterator[HiddenText]:
    """Yield the tricks of each line, in order; a byte order mark at the very beginning is none."""
    if text.isascii() and not _CONTROLS.search(text):
        return
    words: frozenset[str] | None = None
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.isascii() and not _CONTROLS.search(line):
            continue
        yield from _in_line(line, number)
        suspects = [word for word in _WORD.findall(line) if not word.isascii()]
        if suspects:
            words = words if words is not None else frozenset(_WORD.findall(text))
            yield from _look_alikes(suspects, words, number)


def named(character: str) -> str:
    """Name a character without showing it: `U+202E RIGHT-TO-LEFT OVERRIDE`."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def _in_line(line: str, number: int) -> Iterator[HiddenText]:
    found: dict[Trick, dict[str, None]] = {}
    for match in _SUSPECT.finditer(_FLAG.sub("", line)):
        trick = _trick(match)
        if trick is not None:
            found.setdefault(trick, {})[match[0]] = None
    for trick, characters in found.items():
        is_message = sum(bool(_TAG.match(character)) for character in characters) > 1
        yield HiddenText(line=number, trick=trick, characters=tuple(characters), is_message=is_message)


def _trick(match: re.Match[str]) -> Trick | None:
    """Judge a character by what stands around it; None where writing needs it."""
    line, character = match.string, match[0]
    before, after = line[: match.start()][-1:], line[match.end() :][:1]
    if _REORDERS.match(character):
        return Trick.REORDERED
    if _CONTROLS.match(character):
        return Trick.CONTROL
    if character in _MARKS:
        return None if _RIGHT_TO_LEFT.search(line) else Trick.INVISIBLE
    if "\ufe00" <= character <= "\ufe0f":
        # Chooses how the sign before it looks: an emoji, a key cap, a Han or Mongolian letter. Several hide data.
        is_choice = before != "" and (not before.isascii() or before in "0123456789#*") and not _SUSPECT.match(before)
        return None if is_choice else Trick.INVISIBLE
    if character in "\u200c\u200d" and before and after:
        is_needed = not before.isascii() and not after.isascii() and not _is_latin(before) and not _is_latin(after)
        return None if is_needed else Trick.INVISIBLE
    return Trick.INVISIBLE


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith("LATIN")


def _look_alikes(suspects: list[str], words: frozenset[str], number: int) -> Iterator[HiddenText]:
    """Find words of mixed alphabets that read as Latin ones, and whole words that double a Latin one of the file."""
    for word in dict.fromkeys(suspects):
        latin = _FULL_WIDTH.sub(lambda match: unicodedata.normalize("NFKC", match[0]), word).translate(_LOOK_ALIKES)
        if not latin.isascii():
            continue  # a word of its own language, or a name such as Müller
        is_mixed = any(character.isascii() and character.isalpha() for character in word)
        if is_mixed or (len(word) >= _LEAST_WORD and latin in words):
            foreign = dict.fromkeys(character for character in word if not character.isascii())
            yield HiddenText(line=number, trick=Trick.LOOK_ALIKE, characters=tuple(foreign), word=latin)
