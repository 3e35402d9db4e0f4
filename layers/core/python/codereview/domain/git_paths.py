"""Undoes git's C-style quoting of paths, which git uses for control characters, quotes, backslashes and non-ASCII."""

import re

_ESCAPE = re.compile(rb'\\(?:([0-3][0-7]{2})|([abtnvfr"\\])|(?s:.)|$)')
_LETTERS = {
    b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r",
    b'"': b'"', b"\\": b"\\",
}  # fmt: skip


def is_quoted(value: bytes) -> bool:
    """Tell whether git has quoted this path; a path that begins with a quote itself always is."""
    return value.startswith(b'"')


def unquoted(value: bytes) -> bytes:
    """Return a path's own bytes; one that is not quoted is returned as it is. Raises ValueError for a broken quote."""
    if not is_quoted(value):
        return value
    if len(value) < 2 or not value.endswith(b'"'):  # noqa: PLR2004 -- the two quotes
        raise ValueError("a quoted path does not end")
    return _ESCAPE.sub(_meaning, value[1:-1])


def _meaning(escape: re.Match[bytes]) -> bytes:
    octal, letter = escape.groups()
    if octal is not None:
        return bytes([int(octal, 8)])
    if letter is None:
        raise ValueError("a quoted path has an unknown escape")
    return _LETTERS[letter]


def path_text(path: bytes) -> str:
    """Turn git's bytes into our text; what is no UTF-8 survives as lone surrogates."""
    return path.decode("utf-8", "surrogateescape")
