"""What goes wrong on purpose: scripted per operation, one entry a call."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One call's misfortune. With `is_done` the operation takes effect all the same, and only the answer is lost."""

    status: int | None = None
    message: str = "Server Error"
    headers: tuple[tuple[str, str], ...] = ()
    is_done: bool = False
    is_cut: bool = False
    delay: float = 0.0  # seconds before anything else happens

    @classmethod
    def none(cls) -> Self:
        """Let one call pass."""
        return cls()

    @classmethod
    def error_before(cls, status: int = 502, message: str = "Server Error", **headers: str) -> Self:
        """Answer with an error, nothing done."""
        return cls(status=status, message=message, headers=_headers(headers))

    @classmethod
    def error_after(cls, status: int = 502, message: str = "Server Error", **headers: str) -> Self:
        """Do it, then answer with an error."""
        return cls(status=status, message=message, headers=_headers(headers), is_done=True)

    @classmethod
    def not_found(cls) -> Self:
        """Know nothing of it yet, as right after a webhook."""
        return cls(status=404, message="Not Found")

    @classmethod
    def cut_before(cls) -> Self:
        """Close the connection without an answer, nothing done."""
        return cls(is_cut=True)

    @classmethod
    def cut_after(cls) -> Self:
        """Do it, then close the connection without an answer."""
        return cls(is_cut=True, is_done=True)

    @classmethod
    def slow(cls, seconds: float) -> Self:
        """Answer late."""
        return cls(delay=seconds)


def _headers(named: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in named.items())
