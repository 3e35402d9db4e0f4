"""What makes two findings the same: the code that they are about, never the words about it."""

import hashlib


def normalised(text: str) -> str:
    """Take white space out, so that code that was indented or formatted anew is the same code."""
    return "".join(text.split())


def fingerprint(*, path: str, text: str, rule: str, occurrence: int = 0) -> str:
    """Hash a finding's identity to 64 hex digits.

    `path` is the file's name before a rename in this change, so that the rename does not make an old finding new.
    `occurrence` tells findings about equal code in one file apart: how many came before, 0 for the first. It counts
    findings, not lines: which lines are equal changes with every push, and each time old findings would be new ones.
    """
    parts = (path, normalised(text), rule, str(occurrence))
    # Lengths in front, so that no path or text can be made to look like another split of the same letters.
    identity = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
