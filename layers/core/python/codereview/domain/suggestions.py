"""Decides whether a suggested replacement may be offered as a click: never one that breaks the file by itself."""

import ast
import warnings
from collections import Counter

from codereview.domain.finding import Anchor, Side

_LONGEST_PARSED = 500_000  # characters; what takes longer to parse is not worth it
_BRACKETS = {"(": 1, ")": -1, "[": 1, "]": -1, "{": 1, "}": -1}


def is_applicable(suggestion: str, *, quote: str, text: str, anchor: Anchor, head: str | None, path: str) -> bool:
    """Tell whether applying the suggestion at the anchor does what the model meant.

    The lines at the anchor (`text`) must be those that the model wanted to replace, to the blank, and brackets must be
    as they were. `head` is the whole file, None if it is not known; Python must still parse.
    """
    if anchor.side is not Side.RIGHT or "\x00" in suggestion or "\r" in suggestion:
        return False
    if quote.replace("\r", "").strip("\n") != text or suggestion.strip("\n") == text:
        return False
    if _balance(suggestion) != _balance(text):
        return False
    return head is None or not path.endswith((".py", ".pyi")) or _still_parses(head, suggestion, anchor)


def _balance(text: str) -> dict[str, int]:
    """Count how many brackets of each kind are left open; text in strings counts too, on both sides alike."""
    counts: Counter[str] = Counter()
    for character in text:
        if character in _BRACKETS:
            kind = "()" if character in "()" else "[]" if character in "[]" else "{}"
            counts[kind] += _BRACKETS[character]
    return {kind: count for kind, count in counts.items() if count}


def _still_parses(head: str, suggestion: str, anchor: Anchor) -> bool:
    lines = head.split("\n")
    first = (anchor.start_line or anchor.line) - 1
    if anchor.line > len(lines) or len(head) > _LONGEST_PARSED:
        return False
    replaced = "\n".join([*lines[:first], suggestion, *lines[anchor.line :]])
    return _parses(replaced) or not _parses(head)


def _parses(source: str) -> bool:
    """Parse without running anything; a parser that gives up on odd input has not parsed it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
