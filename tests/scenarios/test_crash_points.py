"""Each call of each port goes wrong once, in every way, on every way through a review; and each two of them together.

Every run proves that its faults fired: a scenario is run with faults at later and later calls until none is reached.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import count

import pytest

from codereview.domain.parking import Park
from codereview.domain.review import ReviewState
from codereview.domain.turns import Turn, Turns
from codereview.errors import ThrottledError
from codereview.ports import Lease, ReviewItem
from codereview.use_cases import publish_review
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.fake_desk import reserving
from tests.scenarios.fake_github import Repository
from tests.scenarios.fake_stores import Store
from tests.scenarios.faults import Blackout, Mode, Outage
from tests.scenarios.promises import expect_nothing_lost_or_doubled, expect_what_stands_is_what_is_on_record
from tests.scenarios.world import World

pytestmark = pytest.mark.usefixtures("rendered_once")

MINUTE = timedelta(minutes=1)

Way = Callable[[World], list[str]]


def straight(world: World) -> list[str]:
    """Review one pull request; returns the heads that have to be reviewed, once for each time that they are named."""
    world.deliver(pull_request_event())
    return [HEAD_A]


def by_command(world: World) -> list[str]:
    """Review on a writer's word what was reviewed before."""
    world.writers = {7}
    world.deliver(pull_request_event())
    world.deliver(command_event())
    return [HEAD_A, HEAD_A]


def through_an_outage(world: World) -> list[str]:
    """Wait for the model."""
    world.blackouts.append(Blackout(prefix="model", until=NOW + 10 * MINUTE, error=ThrottledError))
    world.deliver(pull_request_event())
    return [HEAD_A]


def through_githubs_outage(world: World) -> list[str]:
    """Wait for GitHub, as a message, since there is no review yet."""
    world.blackouts.append(Blackout(prefix="github", until=NOW + 10 * MINUTE))
    world.deliver(pull_request_event())
    return [HEAD_A]


def through_the_budget(world: World) -> list[str]:
    """Wait for room in the budget, then reserve and settle."""
    world.admission = lambda request: (
        Park(reason="the budget", until=NOW + 10 * MINUTE) if world.now < NOW + 10 * MINUTE else reserving(request)
    )
    world.deliver(pull_request_event())
    return [HEAD_A]


def through_a_pause(world: World) -> list[str]:
    """Wait until somebody resumes."""
    world.holding = lambda now: Park(reason="a pause", until=now + MINUTE) if now < NOW + 5 * MINUTE else None
    world.deliver(pull_request_event())
    return [HEAD_A]


def through_a_full_share(world: World) -> list[str]:
    """Wait, as a message, for one of the tenant's turns, since another tenant is about."""
    turns = {str(n): Turn(tenant="github.com:1", until=NOW + 3 * MINUTE) for n in range(world.reviewers)}
    world.turns.turns = Turns(turns=turns, seen={"github.com:2": NOW})
    world.deliver(pull_request_event())
    return [HEAD_A]


def past_a_push(world: World) -> list[str]:
    """Leave a review behind whose head moved on while the model thought."""
    world.before["model.answer"] = lambda: setattr(world, "head", HEAD_B)
    world.deliver(pull_request_event())
    world.head = HEAD_B
    world.deliver(pull_request_event(HEAD_B, action="synchronize"))
    return [HEAD_B]


def there_and_back(world: World) -> list[str]:
    """Review a head that went and came back."""
    past_a_push(world)
    world.head = HEAD_A
    world.deliver(pull_request_event(action="synchronize"))
    return [HEAD_A, HEAD_B]


def asked_past_a_push(world: World) -> list[str]:
    """Go on to the newer head with what a person asked for; nobody else wants a draft reviewed."""
    world.writers, world.is_draft = {7}, True
    world.before["model.answer"] = lambda: setattr(world, "head", HEAD_B)
    world.deliver(command_event())
    return [HEAD_B]


def in_parts(world: World) -> list[str]:
    """Post what GitHub refuses as a whole, and stores all the same."""
    world.refuses, world.keeps_refused = (lambda _: True), True
    world.deliver(pull_request_event())
    return [HEAD_A]


def in_parts_and_listed_late(world: World) -> list[str]:
    """The same, while GitHub's list shows half a minute later what was stored."""
    world.lag = MINUTE / 2
    return in_parts(world)


def twice_in_a_row(world: World) -> list[str]:
    """Get the message again as soon as a worker has left it, while GitHub's list is late."""
    world.lag = MINUTE / 2
    for _ in range(3):
        world.receive(pull_request_event())
    world.settle()
    return [HEAD_A]


WAYS: tuple[Way, ...] = (
    straight,
    by_command,
    through_an_outage,
    through_githubs_outage,
    through_the_budget,
    through_a_pause,
    through_a_full_share,
    past_a_push,
    there_and_back,
    asked_past_a_push,
    in_parts,
    in_parts_and_listed_late,
    twice_in_a_row,
)

# Every port that a review goes through; the engine's own are under it in the tests of agents.
PORTS = {
    "github",
    "pacing",
    "store",
    "agenda",
    "switches",
    "admission",
    "ledger",
    "model",
    "objects",
    "record_queue",
    "review_queue",
    "turns",
}


def run(way: Way, *outages: Outage) -> World:
    """Go the way with these faults, and hold the promises."""
    world = World(outages=list(outages), admission=reserving, is_fickle=True)
    heads = way(world)
    where = [(outage.mode.value, world.calls[outage.at]) for outage in outages if outage.has_fired]
    expect_nothing_lost_or_doubled(world)
    expect_what_stands_is_what_is_on_record(world)
    assert sorted(review.commit_id or "" for review, _ in world.reviews) == heads, where
    # An answer is bought once, and once more for each fault before it was stored.
    assert world.model_calls <= bought(way) + len(outages), where
    return world


@cache
def bought(way: Way) -> int:
    """Count the answers that the way takes if nothing goes wrong."""
    world = World(admission=reserving)
    way(world)
    return world.model_calls


def singles(way: Way, mode: Mode) -> Iterator[int]:
    """Give the calls at which a fault was met, all from the first to the last."""
    for at in count():
        outage = Outage(at=at, mode=mode)
        run(way, outage)
        if not outage.has_fired:
            return
        yield at


def seconds(way: Way, first: Outage, mode: Mode) -> Iterator[int]:
    """Give the calls after the first fault at which a second was met, all to the last."""
    for at in count(first.at + 1):
        again, second = replace(first), Outage(at=at, mode=mode)
        run(way, again, second)
        assert again.has_fired
        if not second.has_fired:
            return
        yield at


@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_f28_f41_f42_wherever_one_fault_strikes_nothing_is_lost_or_doubled(way: Way, mode: Mode) -> None:
    undisturbed = run(way)
    fired = list(singles(way, mode))
    assert len(fired) >= len(undisturbed.calls)


def test_the_faults_strike_at_every_port() -> None:
    names = {name.partition(".")[0] for way in WAYS for name in run(way).calls}
    assert names == PORTS


def test_the_test_can_see_a_review_that_is_posted_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repository, "_listed", lambda _: [])
    with pytest.raises(AssertionError):
        list(singles(straight, Mode.ERROR_AFTER))


def test_the_test_can_see_a_result_that_is_stored_after_its_post(monkeypatch: pytest.MonkeyPatch) -> None:
    save = Store._save

    def save_the_result_last(self: Store, lease: Lease, item: ReviewItem) -> None:
        save(self, lease, item if item.state is ReviewState.POSTED else replace(item, result=None))

    monkeypatch.setattr(Store, "_save", save_the_result_last)
    with pytest.raises(AssertionError, match="the record says something else"):
        list(singles(straight, Mode.DEATH_AFTER))


def test_the_test_can_see_a_post_that_is_made_again_before_githubs_list_has_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publish_review, "SETTLING_TIME", timedelta())
    with pytest.raises(AssertionError, match="a review is posted twice"):
        list(singles(twice_in_a_row, Mode.ERROR_AFTER))


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("first", list(Mode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_wherever_two_faults_strike_nothing_is_lost_or_doubled(way: Way, first: Mode) -> None:
    for at in singles(way, first):
        # Some faults shorten a life: who sits out a death sees less of an outage. The second strikes all that is left.
        rest = len(run(way, Outage(at=at, mode=first)).calls) - at - 1
        for second in Mode:
            assert len(list(seconds(way, Outage(at=at, mode=first), second))) == rest
