"""Six events of one pull request whose messages come in every order: what counts is how GitHub has it now."""

from collections.abc import Callable
from itertools import permutations

import pytest

from codereview.domain.envelope import Envelope
from codereview.domain.review import Outcome, ReviewState, Superseded
from codereview.use_cases.review_pull_request import ReviewPullRequest
from tests.scenarios.events import HEAD_A, HEAD_B, pull_request_event
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.world import World

pytestmark = pytest.mark.usefixtures("rendered_once")

HEAD_C = "c" * 40
type Event = tuple[str, str, Callable[[World], None]]  # its action, the head that it names, and what it does to GitHub


def _push(head: str) -> Callable[[World], None]:
    return lambda world: setattr(world, "head", head)


def _draft(is_draft: bool) -> Callable[[World], None]:
    return lambda world: setattr(world, "is_draft", is_draft)


def _open(is_open: bool) -> Callable[[World], None]:
    return lambda world: setattr(world, "is_open", is_open)


LIVES: dict[str, tuple[Event, ...]] = {
    "a head that comes back": (
        ("opened", HEAD_A, _push(HEAD_A)),
        ("synchronize", HEAD_B, _push(HEAD_B)),
        ("closed", HEAD_B, _open(False)),
        ("reopened", HEAD_B, _open(True)),
        ("synchronize", HEAD_C, _push(HEAD_C)),
        ("synchronize", HEAD_A, _push(HEAD_A)),
    ),
    "a draft that becomes ready": (
        ("opened", HEAD_A, _draft(True)),
        ("synchronize", HEAD_B, _push(HEAD_B)),
        ("ready_for_review", HEAD_B, _draft(False)),
        ("converted_to_draft", HEAD_B, _draft(True)),
        ("synchronize", HEAD_C, _push(HEAD_C)),
        ("ready_for_review", HEAD_C, _draft(False)),
    ),
    "one that is closed in the end": (
        ("opened", HEAD_A, _push(HEAD_A)),
        ("synchronize", HEAD_B, _push(HEAD_B)),
        ("converted_to_draft", HEAD_B, _draft(True)),
        ("synchronize", HEAD_C, _push(HEAD_C)),
        ("ready_for_review", HEAD_C, _draft(False)),
        ("closed", HEAD_C, _open(False)),
    ),
}


def message(event: Event) -> Envelope:
    """Make the event's message."""
    action, head, _ = event
    return pull_request_event(head, action=action)


def expect_the_end(world: World, life: tuple[Event, ...]) -> None:
    """Hold that the last head is reviewed once if it wants a review, and that no other was without being the head."""
    expect_nothing_lost_or_doubled(world)
    heads = [review.commit_id for review, _ in world.reviews]
    assert len(set(heads)) == len(heads)
    if world.is_open:
        assert heads.count(world.head) == 1
    assert set(heads) <= {head for _, head, _ in life}
    assert all(item.state.is_end for item in world.items.values())


@pytest.mark.parametrize("name", LIVES)
def test_f11_messages_of_six_events_that_come_in_any_order_after_all_of_them_review_the_last_head_only(
    name: str,
) -> None:
    life = LIVES[name]
    for order in permutations(life):
        world = World()
        for _, _, happens in life:
            happens(world)
        for event in order:
            world.deliver(message(event))
        expect_the_end(world, life)
        assert [review.commit_id for review, _ in world.reviews] == [world.head] * world.is_open
        assert world.model_calls == world.is_open


@pytest.mark.parametrize("name", LIVES)
def test_f11_messages_of_six_events_that_come_in_any_order_among_them_lose_and_double_nothing(name: str) -> None:
    life = LIVES[name]
    for order in permutations(life):
        world = World()
        for (_, _, happens), event in zip(life, order, strict=True):
            happens(world)
            world.deliver(message(event))
        expect_the_end(world, life)


def test_the_test_can_see_a_worker_that_believes_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = ReviewPullRequest.handle

    def believe(self: ReviewPullRequest, envelope: Envelope, **options: object) -> Outcome:
        world: World = self.store.world  # type: ignore[attr-defined]
        if envelope.head_sha != world.head and envelope.action == "synchronize":
            return Superseded(newer_head_sha=world.head)
        return handle(self, envelope, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ReviewPullRequest, "handle", believe)
    life = LIVES["a head that comes back"]
    world = World()
    for (_, _, happens), event in zip(life, (*life[1:], life[0]), strict=True):
        happens(world)
        if event[0] == "synchronize":
            world.deliver(message(event))
    with pytest.raises(AssertionError):
        expect_the_end(world, life)
    assert ReviewState.POSTED not in {item.state for item in world.items.values()}
