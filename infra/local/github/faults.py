"""What goes wrong on purpose: scripted per operation, one entry a call."""

import math
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
    is_truncated: bool = False  # half of the answer arrives, then the connection ends
    keeps_body_only: bool = False  # of a review, the comments are lost
    reset_in: float | None = None  # seconds until X-RateLimit-Reset, of which 0 are said to remain
    delay: float = 0.0  # seconds before anything else happens
    linger: float = 0.0  # seconds between the effect and its answer

    @property
    def is_spoiling(self) -> bool:
        """Whether the client gets another answer than the operation's."""
        return self.is_cut or self.status is not None

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
    def truncated(cls) -> Self:
        """Do it, then break off in the middle of the answer."""
        return cls(is_done=True, is_truncated=True)

    @classmethod
    def refused(cls) -> Self:
        """Refuse a review for one of its comments, without saying which; nothing is stored."""
        return cls(status=422, message="Unprocessable Entity")

    @classmethod
    def refused_but_kept(cls) -> Self:
        """Refuse a review in the same words, and store it all the same, without its comments."""
        return cls(status=422, message="Unprocessable Entity", is_done=True, keeps_body_only=True)

    @classmethod
    def limited(cls, style: str = "403 retry-after", seconds: float = 60) -> Self:
        """Tell of a secondary limit, in one of the ways of `gate.STYLES`."""
        status, _, way = style.partition(" ")
        message = "You have exceeded a secondary rate limit."
        told = (("Retry-After", str(math.ceil(seconds))),) if way == "retry-after" else ()
        return cls(status=int(status), message=message, headers=told, reset_in=seconds if way == "reset" else None)

    @classmethod
    def lingering(cls, seconds: float) -> Self:
        """Do it at once, and answer late."""
        return cls(linger=seconds)

    @classmethod
    def slow(cls, seconds: float) -> Self:
        """Answer late."""
        return cls(delay=seconds)


def _headers(named: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in named.items())
