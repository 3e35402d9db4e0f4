"""What PostgreSQL takes: text without NUL and lone surrogates, counts within 64 bits."""

_LARGEST_BIGINT = 2**63 - 1
_LARGEST_INTEGER = 2**31 - 1


def storable(text: str) -> str:
    """Replace what PostgreSQL refuses in text."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def bigint(count: int) -> int:
    """Bound a count that came from a stranger, a provider's token usage say."""
    return max(0, min(count, _LARGEST_BIGINT))


def integer(count: int) -> int:
    """Bound a count to 32 bits."""
    return max(0, min(count, _LARGEST_INTEGER))
