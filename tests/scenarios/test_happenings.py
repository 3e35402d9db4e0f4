"""Things that people do to a pull request, a repository or an installation while it is reviewed: at every call.

Each of them happens right before the n-th call, for all n; then messages come as GitHub sends them, and all has to come
to rest. Where it is taken back at once or later, the head that stands is reviewed: what GitHub sends no message about,
the sweep of open heads has to find.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import pytest

from codereview.domain.parking import Park
from codereview.domain.review import ReviewState, SkipReason
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, pull_request_event
from tests.scenarios.faults import Blackout, Mode, Outage
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.test_sweep import Sweep, head
from tests.scenarios.world import World

pytestmark = pytest.mark.usefixtures("rendered_once")

MINUTE = timedelta(minutes=1)
ENDS = (ReviewState.POSTED, ReviewState.SKIPPED, ReviewState.SUPERSEDED)


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What happens, which message GitHub sends about it, and how it is taken back, with its message."""

    happens: Callable[[World], None]
    action: str | None = None
    is_taken_back: Callable[[World], None] = lambda _: None
    action_back: str | None = None
    is_found_by_sweep: bool = False
    has_access: bool = True


def _set(**values: object) -> Callable[[World], None]:
    def put(world: World) -> None:
        for name, value in values.items():
            setattr(world, name, value)

    return put


HAPPENINGS = {
    "a push": Happening(
        happens=_set(head=HEAD_B), action="synchronize", is_taken_back=_set(head=HEAD_A), action_back="synchronize"
    ),
    "closed": Happening(
        happens=_set(is_open=False), action="closed", is_taken_back=_set(is_open=True), action_back="reopened"
    ),
    "a draft": Happening(
        happens=_set(is_draft=True),
        action="converted_to_draft",
        is_taken_back=_set(is_draft=False),
        action_back="ready_for_review",
    ),
    "suspended": Happening(
        happens=_set(is_suspended=True),
        is_taken_back=_set(is_suspended=False),
        is_found_by_sweep=True,
        has_access=False,
    ),
    "removed from the installation": Happening(
        happens=_set(is_known=False),
        is_taken_back=_set(is_known=True),
        is_found_by_sweep=True,
        has_access=False,
    ),
    "the pull request is gone": Happening(
        happens=_set(is_found=False), is_taken_back=_set(is_found=True), is_found_by_sweep=True
    ),
    "transferred": Happening(happens=_set(account=2), action="synchronize"),
    "blocked": Happening(
        happens=_set(holding=lambda _: SkipReason.BLOCKED),
        is_taken_back=_set(holding=lambda _: None),
        is_found_by_sweep=True,
    ),
    "paused": Happening(
        happens=_set(holding=lambda now: Park(reason="a pause", until=now + 5 * MINUTE)),
        is_taken_back=_set(holding=lambda _: None),
    ),
}


def disturbed(happening: Happening, at: int) -> World:
    """Deliver the pull request, and let it happen right before call number `at`."""
    world = World()
    world.happenings[at] = lambda: happening.happens(world)
    world.receive(pull_request_event())
    return world


def send(world: World, action: str | None) -> None:
    """Deliver GitHub's message, if it sends one."""
    if action is not None:
        event = replace(pull_request_event(world.head, action=action), owner_id=world.account)
        world.arrive(event)


def swept(world: World) -> Sweep:
    """Let the world be swept as GitHub lists it; the pull request changed long enough ago to be looked at."""
    sweep = Sweep(world)
    sweep.install(5, repositories=[2])
    sweep.lists.open_of[2] = [head(sha=world.head, is_draft=world.is_draft)] if world.is_open else []
    return sweep


@pytest.mark.parametrize("name", [name for name in HAPPENINGS if name != "paused"])
def test_f50_f44_whatever_happens_at_whichever_call_all_comes_to_rest_and_nothing_is_doubled(name: str) -> None:
    happening, has_happened = HAPPENINGS[name], True
    for at in count():
        world = disturbed(happening, at)
        has_happened = not world.happenings
        if not has_happened:
            assert at > 25
            return
        send(world, happening.action)
        world.settle()
        where = world.calls[at]
        expect_nothing_lost_or_doubled(world, has_access=happening.has_access)
        assert {item.state for item in world.items.values()} <= set(ENDS), where
        if name == "a push":
            assert [review.commit_id for review, _ in world.reviews].count(HEAD_B) == 1, where


@pytest.mark.parametrize("name", [name for name in HAPPENINGS if name != "paused"])
def test_f50_whatever_happens_while_a_review_waits_it_comes_to_rest(name: str) -> None:
    happening = HAPPENINGS[name]
    for at in count():
        world = World(blackouts=[Blackout(prefix="model", until=NOW + 10 * MINUTE)])
        world.happenings[at] = lambda world=world: happening.happens(world)  # type: ignore[misc]
        world.deliver(pull_request_event())
        if world.happenings:
            assert at > 40
            return
        send(world, happening.action)
        world.settle()
        expect_nothing_lost_or_doubled(world, has_access=happening.has_access)


@pytest.mark.parametrize("name", [name for name in HAPPENINGS if name != "transferred"])
@pytest.mark.parametrize("is_later", [False, True], ids=["at once", "later"])
def test_f50_whatever_is_taken_back_leaves_one_review_of_the_head_that_stands(name: str, *, is_later: bool) -> None:
    happening = HAPPENINGS[name]
    for at in count():
        world = disturbed(happening, at)
        if world.happenings:
            assert at > 25
            return
        send(world, happening.action)
        if is_later and name != "paused":
            world.settle()
        sweep = swept(world)
        sweep.run_for(10 * MINUTE)
        happening.is_taken_back(world)
        send(world, happening.action_back)
        if happening.is_found_by_sweep:
            sweep.run_for(24 * 60 * MINUTE)
        world.settle()
        # A check run that could not be ended while we were kept out is ended by nobody: the review is posted.
        is_shut_out = not happening.has_access and "github.create_review" in world.calls[:at]
        expect_nothing_lost_or_doubled(world, has_access=not is_shut_out)
        reviewed = [review.commit_id for review, _ in world.reviews]
        assert reviewed.count(HEAD_A) == 1, (world.calls[at], reviewed)
        assert len(set(reviewed)) == len(reviewed)


def test_a_review_that_is_paused_is_never_posted_meanwhile() -> None:
    for at in count():
        world = disturbed(HAPPENINGS["paused"], at)
        if world.happenings:
            return
        posted_at = world.calls.index("github.create_review") if "github.create_review" in world.calls else None
        # The switches are looked at right before the post; what is being sent then cannot be called back.
        assert posted_at is None or world.calls.index("github.create_review") - at <= 2 or world.now > NOW + MINUTE


@pytest.mark.parametrize("name", ["transferred", "suspended", "removed from the installation"])
@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
def test_f50_an_end_that_broke_off_before_the_repository_was_out_of_reach_comes_to_rest(name: str, mode: Mode) -> None:
    for at in count():
        outage = Outage(at=at, mode=mode)
        world = World(is_open=False, outages=[outage])
        world.receive(pull_request_event())
        HAPPENINGS[name].happens(world)
        world.settle()
        expect_nothing_lost_or_doubled(world, has_access=False)
        if not outage.has_fired:
            assert at > 10
            return
