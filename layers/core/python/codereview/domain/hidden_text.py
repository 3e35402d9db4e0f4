"""Characters that people do not see and programs read: the list of those that we neither show nor believe."""

import re

# Zero-width and direction marks, invisible operators, variation selectors, fillers, tags, private use, annotations,
# soft hyphens, non-characters, and control characters other than tab and line ends.
_HIDDEN_CLASS = (
    "\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
HIDDEN = re.compile(f"[{_HIDDEN_CLASS}]")
# These end a line somewhere, though not in Markdown.
_ODD_LINE_ENDS = re.compile("[\\x0b\\x0c\\x85\u2028\u2029]")


def strip_hidden(text: str) -> str:
    """Remove what is not seen; what some programs take for a line's end becomes a space."""
    return HIDDEN.sub("", _ODD_LINE_ENDS.sub(" ", text))


def storable(text: str) -> str:
    """Replace what UTF-8 or Postgres cannot hold, lone surrogates and NUL, and leave all else as it is."""
    return re.sub("[\\x00\ud800-\udfff]", "\ufffd", text)
