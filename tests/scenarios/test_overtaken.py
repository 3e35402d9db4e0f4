"""A thousand messages of one pull request mean one look at it; what asks for something of its own is never dropped."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from codereview.domain.envelope import Envelope
from codereview.domain.review import Overtaken, Parked, Posted, Skipped, SkipReason, TenantId
from codereview.errors import RetryableError
from codereview.ports import PullRequestKey
from codereview.use_cases.drop_overtaken import SETTLED_AFTER
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.faults import Blackout
from tests.scenarios.world import World

MINUTE = timedelta(minutes=1)
PLACE = PullRequestKey(tenant=TenantId("github.com:1"), repository_id=2, number=3)


def looked_at() -> World:
    """Give a world in which a look has answered what came until NOW."""
    world = World(now=NOW + SETTLED_AFTER)
    assert isinstance(world.receive(pull_request_event()), Posted)
    world.calls.clear()
    return world


def test_f11_of_a_thousand_pushes_that_nobody_worked_off_all_but_one_cost_a_look_at_our_own_table() -> None:
    world = World(now=NOW + timedelta(hours=1))
    pushes = [pull_request_event(f"{number:040x}", action="synchronize") for number in range(1_000)]
    first, *others = (world.receive(push) for push in pushes)
    assert isinstance(first, Posted)
    assert others == [Overtaken(looked_at=world.now)] * 999
    assert world.calls[-999:] == ["store.looked_at"] * 999
    assert [review.commit_id for review, _ in world.reviews] == [HEAD_A]


def test_f11_what_came_within_a_minute_before_the_look_or_after_it_is_looked_at_itself() -> None:
    for came in (timedelta(milliseconds=1), MINUTE, 2 * MINUTE):
        world = looked_at()
        world.now += 3 * MINUTE
        event = replace(pull_request_event(HEAD_B, action="synchronize"), received_at=(NOW + came).isoformat())
        world.head = HEAD_B
        assert isinstance(world.receive(event), Posted)
        assert {review.commit_id for review, _ in world.reviews} == {HEAD_A, HEAD_B}


def test_a_message_that_is_taken_at_once_does_not_ask_whether_it_is_overtaken() -> None:
    world = World(now=NOW + SETTLED_AFTER - timedelta(milliseconds=1))
    world.receive(pull_request_event())
    assert "store.looked_at" not in world.calls


@pytest.mark.parametrize(
    "event",
    [
        command_event(),
        replace(pull_request_event(), action="edited"),
        replace(pull_request_event(), owner_id=8),
        replace(pull_request_event(), number=4),
        replace(pull_request_event(), received_at=""),
    ],
    ids=["command", "edited", "another account", "another pull request", "without its time"],
)
def test_what_the_look_was_not_for_is_not_dropped_for_it(event: Envelope) -> None:
    world = looked_at()
    world.writers = {7}
    assert not isinstance(world.receive(event), Overtaken)
    assert "github.repository" in world.calls


def test_what_a_review_is_taken_up_again_by_is_not_dropped_for_the_look_that_parked_it() -> None:
    world = World(now=NOW + MINUTE)
    world.blackouts.append(Blackout(prefix="model", until=world.now + 10 * MINUTE))
    assert isinstance(world.receive(pull_request_event()), Parked)
    assert world.looks == {PLACE: NOW + MINUTE}
    assert isinstance(world.settle(), Posted)


def push_meanwhile(world: World) -> None:
    world.before["model.answer"] = lambda: setattr(world, "head", HEAD_B)


LOOKS: dict[str, tuple[Callable[[World], object], Envelope]] = {
    "found a newer head": (push_meanwhile, pull_request_event()),
    "was for a command": (lambda world: setattr(world, "writers", {7}), command_event()),
    "was for another base": (lambda _: None, replace(pull_request_event(), action="edited")),
    "found no pull request": (lambda world: setattr(world, "is_found", False), pull_request_event()),
    "did not reach GitHub": (
        lambda world: world.blackouts.append(Blackout(prefix="github.pull_request", until=world.now + MINUTE)),
        pull_request_event(),
    ),
    "could not be stored": (
        lambda world: world.blackouts.append(Blackout(prefix="store.save", until=world.now + MINUTE)),
        pull_request_event(),
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_that_leaves_no_review_of_the_head_answers_nobody(look: str) -> None:
    prepare, event = LOOKS[look]
    world = World(now=NOW + timedelta(hours=1))
    prepare(world)
    world.receive(event, most=1)
    assert world.looks == {}


def test_a_closed_pull_request_is_looked_at_once() -> None:
    world = World(now=NOW + MINUTE, is_open=False)
    assert world.receive(pull_request_event()) == Skipped(reason=SkipReason.CLOSED)
    assert world.receive(pull_request_event(action="closed")) == Overtaken(looked_at=NOW + MINUTE)


def test_where_our_table_does_not_answer_the_pull_request_is_looked_at() -> None:
    world = looked_at()
    world.blackouts.append(Blackout(prefix="store.looked_at", until=world.now + MINUTE, error=RetryableError))
    assert isinstance(world.receive(pull_request_event()), Posted)
    assert "github.pull_request" in world.calls


def test_the_latest_look_counts_and_one_without_an_answer_takes_none_away() -> None:
    world = looked_at()
    world.arrive(pull_request_event())
    assert world.looks == {PLACE: NOW + MINUTE}
    world.now += MINUTE
    world.writers = {7}
    world.receive(command_event())
    assert world.looks == {PLACE: NOW + MINUTE}
