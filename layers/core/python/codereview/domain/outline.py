"""Where the functions of a file are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The lines of one function, 1-based and inclusive; the first one is its signature or a decorator of it."""

    first: int
    last: int
