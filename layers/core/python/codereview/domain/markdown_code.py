"""Writes code into Markdown so that it stays code, whatever is in it."""

import re

from codereview.domain.hidden_text import HIDDEN, storable

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FIRST_RAW_BYTE, _LAST_RAW_BYTE = 0xDC80, 0xDCFF  # how `surrogateescape` keeps bytes that are no UTF-8


def code_span(text: str) -> str:
    """Return the text as a code span on one line; what cannot be seen is spelled out."""
    shown = "".join(map(_visible, text)) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" or (shown[0] == shown[-1] == " " and shown.strip()) else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(code: str, info: str = "") -> str:
    """Return the code in a fence that it cannot close, ending without a newline."""
    code = storable(code).replace("\r\n", "\n").replace("\r", "\n")
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", code)), default=0) + 1)
    return f"{ticks}{info}\n{code}{'' if not code or code.endswith('\n') else '\n'}{ticks}"


def _visible(character: str) -> str:
    if _FIRST_RAW_BYTE <= ord(character) <= _LAST_RAW_BYTE:
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if HIDDEN.match(character) or not (character.isprintable() or character == " "):
        return f"\\u{ord(character):04x}"
    return character
