"""Text of strangers on a terminal."""


def printable(text: str) -> str:
    """Take out what could steer the terminal, and what it could not encode."""
    kept = "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
    return kept.encode("utf-8", "replace").decode("utf-8")
