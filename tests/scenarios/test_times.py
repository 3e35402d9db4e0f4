"""One clock port, and no time that is special: odd dates, a clock that jumps under a worker, workers that differ."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from codereview.domain.review import LEASE, ReviewState
from codereview.errors import BusyError, ThrottledError
from codereview.use_cases.publish_review import LEAST_TIME
from tests.scenarios.events import pull_request_event
from tests.scenarios.fake_desk import reserving
from tests.scenarios.faults import Blackout
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.world import FUNCTION_TIMEOUT, World

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


# How much earlier than at the end of a lease its worker is dead; a clock that is ahead by less takes no lease early.
LEEWAY = LEASE - FUNCTION_TIMEOUT
THINKING = (timedelta(seconds=1), timedelta(seconds=120), FUNCTION_TIMEOUT - LEAST_TIME - timedelta(seconds=1))


def meeting(skew: timedelta, thinking: timedelta, at: int) -> World:
    """Have somebody with another clock take the same message right before a call, while the model takes its time."""
    world = World(admission=reserving)

    def think() -> None:
        world.now += thinking

    def meet() -> None:
        here, world.now = world.now, world.now + skew
        with suppress(BusyError):
            world.worker().handle(pull_request_event(), deadline=world.now + FUNCTION_TIMEOUT)
        world.now = here

    world.before["model.answer"], world.happenings[at] = think, meet
    world.receive(pull_request_event())
    world.settle()
    return world


@pytest.mark.parametrize("thinking", THINKING, ids=lambda thinking: f"{thinking.seconds} s")
@pytest.mark.parametrize("sign", [1, -1], ids=["ahead", "behind"])
def test_f52_workers_whose_clocks_differ_by_less_than_a_minute_keep_out_of_each_others_way(
    sign: int, thinking: timedelta
) -> None:
    assert timedelta(minutes=1) == LEEWAY
    for at in count():
        world = meeting(sign * (LEEWAY - timedelta(seconds=1)), thinking, at)
        if world.happenings:
            assert at > 30
            return
        expect_nothing_lost_or_doubled(world)
        assert len(world.reviews) == 1, world.calls[at]


def test_f52_a_worker_whose_clock_is_minutes_ahead_of_anothers_may_post_what_that_one_is_posting() -> None:
    """Show that the bound is the true one, and why decision 5 names it: between the announcement and the post."""
    worlds = {at: meeting(SKEW, timedelta(seconds=120), at) for at in range(60)}
    doubled = {world.calls[at] for at, world in worlds.items() if len(world.reviews) > 1}
    assert doubled == {"github.pull_request", "github.create_review"}
