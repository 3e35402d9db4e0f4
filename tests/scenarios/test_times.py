"""One clock port, and no time that is special: odd dates, a clock that jumps under a worker, workers that differ."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from codereview.domain.review import ReviewState
from codereview.errors import BusyError, ThrottledError
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.world import FUNCTION_TIMEOUT, Blackout, World, pull_request_event, reserving

pytestmark = pytest.mark.usefixtures("rendered_once")

SKEW = timedelta(minutes=5)
ODD_TIMES = {
    "the end of 32 bits": datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
    "after 32 bits": datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC),
    "a leap day": datetime(2028, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    "a leap second": datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "clocks go forward": datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
    "clocks go back": datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC),
    "the end of a month": datetime(2026, 3, 31, 23, 59, 30, tzinfo=UTC),
    "1970": datetime(1970, 1, 1, tzinfo=UTC),
}


def way(world: World) -> list[tuple[str, bool]]:
    """Go through an outage of the model; returns what was called, and whether anything was posted."""
    world.blackouts.append(Blackout(prefix="model", until=world.now + timedelta(minutes=10), error=ThrottledError))
    world.deliver(pull_request_event())
    expect_nothing_lost_or_doubled(world)
    return [(name, bool(world.reviews)) for name in world.calls]


@pytest.mark.parametrize("name", ODD_TIMES)
def test_no_time_is_special(name: str) -> None:
    assert way(World(now=ODD_TIMES[name], admission=reserving)) == way(World(admission=reserving))


@pytest.mark.parametrize("skew", [SKEW, -SKEW], ids=["ahead", "behind"])
def test_f52_a_clock_that_jumps_five_minutes_at_any_call_loses_and_doubles_nothing(skew: timedelta) -> None:
    for at in count():
        world = World(admission=reserving)

        def jump(world: World = world) -> None:
            world.now += skew

        world.happenings[at] = jump
        way(world)
        if world.happenings:
            assert at > 40
            return
        (item,) = world.items.values()
        assert item.state is ReviewState.POSTED, world.calls[at]
        assert len(world.reviews) == 1
        # A worker that seems to be out of time may have to leave what it bought unstored.
        assert world.model_calls <= 2


def test_workers_whose_clocks_differ_by_five_minutes_keep_out_of_each_others_way() -> None:
    for at in count():
        world = World(admission=reserving)

        def meet(world: World = world) -> None:
            """Have somebody with another clock take the same message."""
            for skew in (-SKEW, SKEW):
                here, world.now = world.now, world.now + skew
                with suppress(BusyError):
                    world.worker().handle(pull_request_event(), deadline=world.now + FUNCTION_TIMEOUT)
                world.now = here

        world.happenings[at] = meet
        world.deliver(pull_request_event())
        if world.happenings:
            assert at > 25
            return
        expect_nothing_lost_or_doubled(world)
        assert len(world.reviews) == 1, world.calls[at]
