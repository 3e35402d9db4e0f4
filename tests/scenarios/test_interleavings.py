"""Two workers of one pull request in every order of their calls: duplicates, two heads, a command beside a review.

One runs up to its n-th call, the other up to its m-th, then each to its end: all n and m. Once more with a first worker
that is frozen for longer than its lease while the other works.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

import pytest

from codereview.domain.envelope import Envelope
from codereview.domain.review import ReviewKey, tenant_of
from tests.scenarios.bad_designs import (
    acknowledge_when_busy,
    drop_the_fence,
    ignore_the_lease,
    post_without_a_look,
    swallow_what_is_raised,
)
from tests.scenarios.events import HEAD_A, HEAD_B, command_event, pull_request_event
from tests.scenarios.lanes import ALL, Lanes, come_to_rest
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.world import FUNCTION_TIMEOUT, World

pytestmark = pytest.mark.usefixtures("rendered_once")


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Two messages, what happens between them, and how often which heads must and may be reviewed then."""

    second: Callable[[], Envelope]
    between: Callable[[World], None] = lambda _: None
    must: tuple[str, ...] = (HEAD_A,)
    may: tuple[str, ...] = ()
    calls_of_the_model: int = 1


OWN_ID = str(ReviewKey(tenant=tenant_of("github.com", 1), repository_id=2, number=3, head_sha=HEAD_A).review_id)


def push(world: World) -> None:
    """Replace the head."""
    world.head = HEAD_B


MEETINGS = {
    "duplicates": Meeting(second=pull_request_event),
    "two heads": Meeting(
        second=lambda: pull_request_event(HEAD_B, action="synchronize"),
        between=push,
        must=(HEAD_B,),
        may=(HEAD_A,),
        calls_of_the_model=2,
    ),
    # As the reconciler sends it.
    "a review and its own message again": Meeting(second=lambda: replace(pull_request_event(), review_id=OWN_ID)),
    "a command and a review": Meeting(second=command_event, must=(HEAD_A, HEAD_A), calls_of_the_model=2),
}


def meet(meeting: Meeting, calls: int, others: int, *, is_frozen: bool) -> tuple[str | None, str | None]:
    """Let the two meet there; returns what each of them was about to call, None where it had ended."""
    world = World(writers={7})
    lanes = Lanes(world)
    first, second = lanes.start(pull_request_event()), lanes.start(meeting.second())
    first.run(calls)
    meeting.between(world)
    if is_frozen:
        world.now += FUNCTION_TIMEOUT * 2
    second.run(others)
    where = first.next_call, second.next_call
    come_to_rest(world, first, second)
    expect_nothing_lost_or_doubled(world)
    reviewed = sorted(review.commit_id or "" for review, _ in world.reviews)
    assert reviewed in [sorted(meeting.must), sorted(meeting.must + meeting.may)], where
    assert world.model_calls <= meeting.calls_of_the_model + is_frozen, where
    return where


def orders(meeting: Meeting, *, is_frozen: bool, most: int = ALL) -> Iterator[tuple[str | None, str | None]]:
    """Go through all orders: the first stops at each of its calls, the second at each of the first `most` of its."""
    for calls in count():
        for others in count(1):
            first, second = meet(meeting, calls, others if others < most else ALL, is_frozen=is_frozen)
            yield first, second
            if second is None:
                break
        if first is None:
            return


@pytest.mark.parametrize("is_frozen", [False, True], ids=["awake", "frozen"])
@pytest.mark.parametrize("name", MEETINGS)
def test_f9_f10_f12_f13_in_whatever_order_two_workers_meet_nothing_is_lost_or_doubled(
    name: str, *, is_frozen: bool
) -> None:
    stops = list(orders(MEETINGS[name], is_frozen=is_frozen))
    assert len(stops) > 100
    # The first was stopped at every call of a whole life, and the second met it there.
    assert {first for first, _ in stops} >= {
        None,
        "store.acquire",
        "model.answer",
        "store.save",
        "github.create_review",
    }
    assert {second for _, second in stops} >= {None, "store.acquire"}


def meet_everywhere() -> None:
    """Let all of them meet, at fewer places."""
    for meeting in MEETINGS.values():
        for is_frozen in (False, True):
            list(orders(meeting, is_frozen=is_frozen, most=2))


@pytest.mark.parametrize(
    "break_it",
    [acknowledge_when_busy, drop_the_fence, ignore_the_lease, post_without_a_look, swallow_what_is_raised],
)
def test_a_known_bad_design_turns_the_meetings_red(
    monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None]
) -> None:
    break_it(monkeypatch)
    with pytest.raises(AssertionError):
        meet_everywhere()
