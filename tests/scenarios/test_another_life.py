"""A review that is taken up again, after a pause or after an end, is held to nothing of its life before."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from codereview.domain.parking import Park
from codereview.domain.review import Posted, ReviewState
from codereview.errors import ThrottledError
from codereview.use_cases.take_turns import Review
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.faults import Blackout
from tests.scenarios.test_life_of_a_review import expect_one_review
from tests.scenarios.world import FUNCTION_TIMEOUT, World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATER = NOW + 4 * DAY


def throttled_for_a_moment() -> World:
    """Give a world whose review has begun to wait for a model, as it does for at most three days."""
    world = World(blackouts=[Blackout(prefix="model", until=NOW + 3 * MINUTE, error=ThrottledError)])
    world.arrive(pull_request_event())
    assert [item.waiting_since for item in world.items.values()] == [NOW]
    return world


def throttle_again(world: World) -> None:
    world.now = LATER
    world.blackouts[:] = [Blackout(prefix="github.reviews", until=LATER + 3 * MINUTE, error=ThrottledError)]


def test_a_pause_of_days_is_no_wait_for_a_limit_by_which_a_review_would_be_given_up() -> None:
    world = throttled_for_a_moment()
    world.holding = lambda now: Park(reason="paused: a release", until=now + MINUTE) if now < LATER else None
    while world.now < LATER - 3 * HOUR:
        world.now += HOUR
        world.reconcile()
        while world.queue:
            world.receive(world.queue.pop(0))
    throttle_again(world)
    assert isinstance(world.settle(), Posted)
    expect_one_review(world)


@pytest.mark.parametrize(
    ("state", "while_away", "back", "action"),
    [("is_open", False, True, "reopened"), ("is_suspended", True, False, "swept")],
    ids=["closed", "suspended"],
)
def test_what_a_review_waited_for_before_it_ended_is_not_counted_when_it_is_taken_up_again(
    state: str, while_away: bool, back: bool, action: str
) -> None:
    world = throttled_for_a_moment()
    setattr(world, state, while_away)
    world.settle()
    assert [item.state for item in world.items.values()] == [ReviewState.SKIPPED]
    setattr(world, state, back)
    throttle_again(world)
    world.arrive(pull_request_event(action=action))
    assert isinstance(world.settle(), Posted)
    assert len(world.reviews) == 1


@pytest.mark.parametrize("deaf", ["github.finish_check_run", "record_queue"])
@pytest.mark.parametrize("hours", [3, 6, 24])
def test_an_end_that_could_not_be_told_for_hours_is_no_worker_that_broke_off(deaf: str, hours: int) -> None:
    world = World(blackouts=[Blackout(prefix=deaf, until=NOW + hours * HOUR)])
    world.before["model.answer"] = lambda: setattr(world, "is_open", False)
    world.arrive(pull_request_event())
    world.settle(within=3 * DAY)
    assert [item.strikes for item in world.items.values()] == [0]
    world.now, world.is_open = LATER, True
    assert isinstance(world.arrive(pull_request_event(action="reopened")), Posted)
    expect_one_review(world)


def test_the_end_of_an_older_head_that_could_not_be_told_does_not_break_it_off_when_it_is_forced_back() -> None:
    world = World(blackouts=[Blackout(prefix="github.finish_check_run", until=NOW + 6 * HOUR)])
    world.before["model.answer"] = lambda: setattr(world, "head", HEAD_B)
    world.arrive(pull_request_event())
    world.settle(within=3 * DAY)
    world.now, world.head = NOW + DAY, HEAD_A
    assert isinstance(world.arrive(pull_request_event(action="synchronize")), Posted)


class WatchedWorld(World):
    """A world that notes how much time a worker had left for each question to a model."""

    def worker(self) -> Review:
        self.ends_at = self.now + FUNCTION_TIMEOUT
        return super().worker()

    def call[Answer](self, name: str, effect: Callable[[], Answer], *, is_write: bool = False) -> Answer:
        if name == "model.answer":
            self.lefts = [*getattr(self, "lefts", []), self.ends_at - self.now]
        return super().call(name, effect, is_write=is_write)


def test_a_command_whose_head_moves_late_gets_a_worker_of_its_own_for_the_newer_one() -> None:
    """With little time left, models would not be asked any more, and that would be the whole review."""
    world = WatchedWorld(writers={7})

    def think() -> None:
        world.now += timedelta(seconds=230)
        world.head = HEAD_B

    world.before["model.answer"] = think
    world.arrive(command_event())
    assert isinstance(world.settle(), Posted)
    assert [review.commit_id for review, _ in world.reviews] == [HEAD_B]
    assert len(world.lefts) == 2
    assert min(world.lefts) > timedelta(minutes=3)
