"""Rates: GCRA in whole microseconds against a bucket that is filled and emptied the slow way."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.limits import (
    Granted,
    Rate,
    Refused,
    Standing,
    Take,
    advanced,
    decide,
    granted,
    rate_limit,
    rate_limit_policy,
    retry_after_seconds,
)

MINUTE = timedelta(minutes=1)
SECOND = 1_000_000  # microseconds
TEN_A_MINUTE = Rate(units=10, period=MINUTE, burst=5)

rates = st.builds(
    Rate,
    units=st.integers(1, 50),
    period=st.integers(50_000, 100_000_000).map(lambda number: timedelta(microseconds=number)),
    burst=st.integers(1, 20),
)


@dataclass
class SlowBucket:
    """Units in the worth of their time: filled with every microsecond, emptied by every take."""

    rate: Rate
    level: int = field(init=False)
    at: int = 0

    def __post_init__(self) -> None:
        self.level = self.rate.capacity

    def fill(self, now: int) -> None:
        self.level = min(self.level + now - self.at, self.rate.capacity)
        self.at = now

    def holds(self, cost: int) -> bool:
        return self.level >= cost * self.rate.interval

    def take(self, cost: int) -> None:
        self.level -= cost * self.rate.interval


@given(
    limits=st.lists(rates, min_size=1, max_size=3),
    steps=st.lists(st.tuples(st.integers(0, 20 * SECOND), st.lists(st.integers(1, 6), min_size=3, max_size=3))),
)
def test_every_decision_is_the_slow_buckets_and_nothing_is_taken_from_one_alone(
    limits: list[Rate], steps: list[tuple[int, list[int]]]
) -> None:
    slow = [SlowBucket(rate) for rate in limits]
    tats = dict[str, int]()
    now = 0
    for pause, costs in steps:
        now += pause
        takes = [Take(name=str(number), rate=rate, cost=costs[number]) for number, rate in enumerate(limits)]
        decision = decide(takes, tats, now=now)
        for bucket in slow:
            bucket.fill(now)
        fits = all(bucket.holds(take.cost) for bucket, take in zip(slow, takes, strict=True))
        assert isinstance(decision, Granted) == fits
        if fits:
            tats = {take.name: advanced(take, tats.get(take.name, now), now) for take in takes}
            for bucket, take in zip(slow, takes, strict=True):
                bucket.take(take.cost)
            assert granted(takes, tats, now=now) == decision
        for bucket, standing in zip(slow, decision.standings, strict=True):
            assert standing.remaining == bucket.level // bucket.rate.interval
            assert 0 <= standing.remaining <= bucket.rate.burst


@given(rate=rates, tat=st.integers(0, 200 * SECOND), now=st.integers(0, 100 * SECOND), cost=st.integers(1, 20))
def test_retry_after_is_the_first_moment_at_which_it_fits(rate: Rate, tat: int, now: int, cost: int) -> None:
    takes, tats = [Take(name="x", rate=rate, cost=cost)], {"x": tat}
    decision = decide(takes, tats, now=now)
    if isinstance(decision, Granted):
        return
    if decision.retry_after is None:
        assert cost > rate.burst
        return
    wait = decision.retry_after // timedelta(microseconds=1)
    assert isinstance(decide(takes, tats, now=now + wait), Granted)
    assert isinstance(decide(takes, tats, now=now + wait - 1), Refused)


@given(rate=rates, pauses=st.lists(st.integers(0, 5 * SECOND), min_size=2, max_size=40))
def test_no_window_sees_more_than_the_capacity_and_what_the_rate_gives(rate: Rate, pauses: list[int]) -> None:
    take, tats, taken = Take(name="x", rate=rate), dict[str, int](), list[int]()
    for now in accumulate(pauses):
        if isinstance(decide([take], tats, now=now), Granted):
            tats["x"] = advanced(take, tats.get("x", now), now)
            taken.append(now)
    for (first, begin), (last, end) in combinations(enumerate(taken), 2):
        assert (last - first + 1) * rate.interval <= rate.capacity + end - begin


@given(rate=rates, moments=st.lists(st.integers(0, 30 * SECOND), max_size=40))
def test_f61_a_clock_that_goes_back_lets_nothing_more_in(rate: Rate, moments: list[int]) -> None:
    take, tats, taken = Take(name="x", rate=rate), dict[str, int](), 0
    for now in moments:
        if isinstance(decide([take], tats, now=now), Granted):
            tats["x"] = advanced(take, tats.get("x", now), now)
            taken += 1
    if moments:
        assert taken * rate.interval <= rate.capacity + max(moments) - min(moments)


@pytest.mark.parametrize(
    ("units", "period", "burst"),
    [
        pytest.param(0, MINUTE, 1, id="no units"),
        pytest.param(-1, MINUTE, 1, id="negative units"),
        pytest.param(1, MINUTE, 0, id="no burst"),
        pytest.param(1, timedelta(), 1, id="no period"),
        pytest.param(1, -MINUTE, 1, id="negative period"),
        pytest.param(60_001, MINUTE, 1, id="faster than an item can be written"),
        pytest.param(1, timedelta(days=1), 31, id="a burst of more than a month"),
        pytest.param(10**30, MINUTE, 10**30, id="beyond all bounds"),
    ],
)
def test_a_rate_that_no_bucket_can_keep_is_none(units: int, period: timedelta, burst: int) -> None:
    with pytest.raises(ValueError, match=r"a (rate|burst)"):
        Rate(units=units, period=period, burst=burst)


@pytest.mark.parametrize("cost", [0, -1])
def test_nobody_takes_nothing_or_gives_back(cost: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Take(name="x", rate=TEN_A_MINUTE, cost=cost)


def test_an_interval_is_rounded_up_so_that_no_more_than_the_rate_is_let_in() -> None:
    assert Rate(units=7, period=timedelta(seconds=1), burst=1).interval == 142_858


def test_headers_say_what_remains_and_when() -> None:
    takes = [
        Take(name="tenant", rate=TEN_A_MINUTE),
        Take(name="key", rate=Rate(units=1, period=timedelta(seconds=1), burst=1)),
    ]
    decision = decide(takes, {"tenant": 18 * SECOND, "key": SECOND + 1}, now=SECOND)
    assert isinstance(decision, Refused)
    assert rate_limit(decision.standings) == '"tenant";r=2;t=17, "key";r=0;t=1'
    assert rate_limit_policy(decision.standings) == '"tenant";q=10;w=60, "key";q=1;w=1'
    assert decision.retry_after == timedelta(microseconds=1)
    assert retry_after_seconds(decision) == 1


def test_what_never_fits_has_no_time_to_come_back_at() -> None:
    decision = decide([Take(name="x", rate=TEN_A_MINUTE, cost=6)], {}, now=0)
    full = Standing(name="x", rate=TEN_A_MINUTE, remaining=5, reset=timedelta())
    assert decision == Refused(standings=(full,), retry_after=None)
    assert retry_after_seconds(decision) is None
