"""Buckets in memory: as exact as any in one process, and bounded."""

import random
from datetime import UTC, datetime, timedelta

from codereview.domain.limits import Granted, Rate, Refused, Take
from codereview.use_cases.control.remembered_buckets import RememberedBuckets

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
TAKE = Take(name="address", rate=Rate(units=60, period=timedelta(minutes=1), burst=3))


def test_a_bucket_lets_its_burst_through_and_then_its_rate() -> None:
    buckets = RememberedBuckets()
    taken = [isinstance(buckets.take("a", [TAKE], now=NOW), Granted) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    refused = buckets.take("a", [TAKE], now=NOW + timedelta(milliseconds=400))
    assert isinstance(refused, Refused)
    assert refused.retry_after == timedelta(milliseconds=600)
    assert isinstance(buckets.take("a", [TAKE], now=NOW + timedelta(seconds=1)), Granted)
    assert isinstance(buckets.take("b", [TAKE], now=NOW), Granted)


def test_whoever_comes_from_ever_new_addresses_takes_no_more_memory() -> None:
    buckets, dice = RememberedBuckets(most_owners=100), random.Random(1)
    for _ in range(3_000):
        buckets.take("often", [TAKE], now=NOW)
        buckets.take(str(dice.random()), [TAKE], now=NOW)
    assert len(buckets) == 100
    assert isinstance(buckets.take("often", [TAKE], now=NOW), Refused)
