"""What makes two findings the same: the code that they are about, never the words about it."""

import hashlib
import re

_SPACE = re.compile(r"\s+")


def normalised(text: str) -> str:
    """Fold white space, so that re-indented code is the same code."""
    return _SPACE.sub(" ", text).strip()


def fingerprint(*, path: str, text: str, rule: str, occurrence: int = 0) -> str:
    """Hash a finding's identity to 32 hex digits.

    `path` is the file's name before a rename in this change, `occurrence` tells equal code in one file apart.
    """
    identity = f"{path}\n{normalised(text)}\n{rule}\n{occurrence}"
    return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]
