"""Rates, and the generic cell rate algorithm that keeps them, in whole microseconds.

A bucket is one number, the theoretical arrival time (`tat`): the moment at which the bucket is full again. Each unit
taken moves it on by the interval; it may never stand further ahead of now than a full bucket is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_MICROSECOND = timedelta(microseconds=1)

# One DynamoDB item takes about 1,000 writes a second, so no bucket can serve a faster rate; it also bounds what is
# lost by rounding the interval up to a whole microsecond: a thousandth.
SHORTEST_INTERVAL: Final = timedelta(milliseconds=1)

# What is remembered of a bucket is let go after that time without a take; it must be full by then.
LONGEST_MEMORY: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`units` in each `period`, of which `burst` at once."""

    units: int
    period: timedelta
    burst: int

    def __post_init__(self) -> None:
        # In whole numbers, which have no bounds of their own: the numbers may be a stranger's.
        period, shortest = self.period // _MICROSECOND, SHORTEST_INTERVAL // _MICROSECOND
        if self.units < 1 or self.burst < 1 or period < self.units * shortest:
            raise ValueError("a rate has at least one unit, a burst of at least one, and at most 1,000 units a second")
        if self.capacity > LONGEST_MEMORY // _MICROSECOND:
            raise ValueError(f"a burst is worth at most {LONGEST_MEMORY.days} days of its rate")

    @property
    def interval(self) -> int:
        """Microseconds that one unit is worth, rounded up: rather a trifle less than the rate than more."""
        return -(-(self.period // _MICROSECOND) // self.units)

    @property
    def capacity(self) -> int:
        """Microseconds that a full bucket is worth."""
        return self.burst * self.interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Something to be taken from one bucket; `name` tells the buckets of one item apart."""

    name: str
    rate: Rate
    cost: int = 1

    def __post_init__(self) -> None:
        if self.cost < 1:
            raise ValueError("at least one unit is taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a bucket stands after the decision: what RateLimit tells the caller."""

    name: str
    rate: Rate
    remaining: int  # whole units that could be taken now
    reset: timedelta  # until the bucket is full again


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Everything was taken."""

    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was taken. `retry_after` None: it never fits, since it is more than the bucket holds."""

    standings: tuple[Standing, ...]
    retry_after: timedelta | None


Decision = Granted | Refused


def decide(takes: Sequence[Take], tats: Mapping[str, int], *, now: int) -> Decision:
    """Decide over the stored times; `now` and `tats` are in microseconds, a bucket without a time is full."""
    before = [tats.get(take.name, now) for take in takes]
    waits = [_wait(take, tat, now) for take, tat in zip(takes, before, strict=True)]
    if any(waits) or None in waits:
        longest = None if None in waits else timedelta(microseconds=max(wait for wait in waits if wait is not None))
        return Refused(standings=_standings(takes, before, now), retry_after=longest)
    after = [advanced(take, tat, now) for take, tat in zip(takes, before, strict=True)]
    return Granted(standings=_standings(takes, after, now))


def granted(takes: Sequence[Take], tats: Mapping[str, int], *, now: int) -> Granted:
    """Describe buckets from which the takes have been taken, by their times after it."""
    return Granted(standings=_standings(takes, [tats[take.name] for take in takes], now))


def advanced(take: Take, tat: int, now: int) -> int:
    """Return the bucket's time after the take."""
    return max(tat, now) + take.cost * take.rate.interval


def _wait(take: Take, tat: int, now: int) -> int | None:
    """Return the microseconds until the take fits, None for never."""
    if take.cost > take.rate.burst:
        return None
    return max(advanced(take, tat, now) - now - take.rate.capacity, 0)


def _standings(takes: Sequence[Take], tats: Sequence[int], now: int) -> tuple[Standing, ...]:
    standings = []
    for take, tat in zip(takes, tats, strict=True):
        ahead = max(tat - now, 0)
        remaining = max(take.rate.capacity - ahead, 0) // take.rate.interval
        reset = timedelta(microseconds=ahead)
        standings.append(Standing(name=take.name, rate=take.rate, remaining=remaining, reset=reset))
    return tuple(standings)


def retry_after_seconds(refused: Refused) -> int | None:
    """Return the value of Retry-After: whole seconds, rounded up, so that who obeys is not refused again."""
    return None if refused.retry_after is None else max(_seconds(refused.retry_after), 1)


def rate_limit(standings: Sequence[Standing]) -> str:
    """Write the RateLimit header: what remains of each bucket, and in how many seconds it is full again.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    """
    return ", ".join(f'"{each.name}";r={each.remaining};t={_seconds(each.reset)}' for each in standings)


def rate_limit_policy(standings: Sequence[Standing]) -> str:
    """Write the RateLimit-Policy header: the units of each bucket in its period, in seconds."""
    return ", ".join(f'"{each.name}";q={each.rate.units};w={_seconds(each.rate.period)}' for each in standings)


def _seconds(duration: timedelta) -> int:
    return -(-duration // timedelta(seconds=1))
