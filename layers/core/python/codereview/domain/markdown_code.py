"""Writes code into Markdown so that it stays code, whatever is in it."""

import re

from codereview.domain.hidden_text import HIDDEN, storable

# GitHub's renderer takes longer runs of backticks for text, and counts the length of a fence no further than this, so
# that a shorter run closes a longer fence: https://github.com/github/cmark-gfm (`MAXBACKTICKS`, `fence_length`).
LONGEST_TICKS, LONGEST_FENCE = 80, 255
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FIRST_RAW_BYTE, _LAST_RAW_BYTE = 0xDC80, 0xDCFF  # how `surrogateescape` keeps bytes that are no UTF-8


def code_span(text: str) -> str:
    """Return the text as a code span on one line; what cannot be seen is spelled out."""
    shown = with_shorter_runs("".join(map(_visible, text)) or " ", "`", LONGEST_TICKS)
    ticks = "`" * (longest_run(shown, "`") + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" or (shown[0] == shown[-1] == " " and shown.strip()) else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(code: str, info: str = "") -> str:
    """Return the code in a fence that it cannot close, ending without a newline."""
    code = with_shorter_runs(storable(code).replace("\r\n", "\n").replace("\r", "\n"), "`", LONGEST_FENCE)
    ticks = "`" * max(3, longest_run(code, "`") + 1)
    return f"{ticks}{info}\n{code}{'' if not code or code.endswith('\n') else '\n'}{ticks}"


def longest_run(text: str, character: str) -> int:
    """Return how many of the character stand next to each other at most."""
    return max((len(run) for run in re.findall(re.escape(character) + "+", text)), default=0)


def with_shorter_runs(text: str, character: str, limit: int) -> str:
    """Cut runs of the character that are as long as the limit, or longer: no run around them could be longer still."""
    return re.sub(f"{re.escape(character)}{{{limit},}}", character * (limit - 1), text)


def _visible(character: str) -> str:
    if _FIRST_RAW_BYTE <= ord(character) <= _LAST_RAW_BYTE:
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if HIDDEN.match(character) or not (character.isprintable() or character == " "):
        return f"\\u{ord(character):04x}"
    return character
