"""What goes wrong, and at which call."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from codereview.errors import RetryableError


class Death(BaseException):
    """The sandbox is gone; nothing of ours may catch it."""


class Mode(Enum):
    """What goes wrong at one call."""

    ERROR_BEFORE = "error before"
    ERROR_AFTER = "error after"
    DEATH_BEFORE = "death before"
    DEATH_AFTER = "death after"
    PAST_DEADLINE = "past the deadline"  # it works, but so slowly that the function is killed


@dataclass
class Outage:
    """The call that goes wrong, counted from 0 over the whole run, and whether it did."""

    at: int
    mode: Mode
    has_fired: bool = False


@dataclass
class Blackout:
    """Every call whose name starts so goes wrong for some time."""

    prefix: str
    until: datetime
    error: type[RetryableError] = RetryableError
    hits: int = 0
