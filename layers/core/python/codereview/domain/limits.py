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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`units` in each `period`, of which `burst` at once."""

    units: int
    period: timedelta
    burst: int

    def __post_init__(self) -> None:
        if self.units < 1 or self.burst < 1 or self.period < self.units * SHORTEST_INTERVAL:
            raise ValueError("a rate has at least one unit, a burst of at least one, and at most 1,000 units a second")

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
    waits = [_wait(take, tats.get(take.name, now), now) for take in takes]
    if all(wait == 0 for wait in waits):
        return Granted(
            standings=tuple(_standing(take, advanced(take, tats.get(take.name, now), now), now) for take in takes)
        )
    standings = tuple(_standing(take, tats.get(take.name, now), now) for take in takes)
    longest = None if None in waits else max(wait for wait in waits if wait is not None)
    return Refused(standings=standings, retry_after=None if longest is None else timedelta(microseconds=longest))


def advanced(take: Take, tat: int, now: int) -> int:
    """Return the bucket's time after the take."""
    return max(tat, now) + take.cost * take.rate.interval


def _wait(take: Take, tat: int, now: int) -> int | None:
    if take.cost > take.rate.burst:
        return None
    return max(advanced(take, tat, now) - now - take.rate.capacity, 0)


def _standing(take: Take, tat: int, now: int) -> Standing:
    ahead = max(tat - now, 0)
    remaining = max(take.rate.capacity - ahead, 0) // take.rate.interval
    return Standing(name=take.name, rate=take.rate, remaining=remaining, reset=timedelta(microseconds=ahead))
