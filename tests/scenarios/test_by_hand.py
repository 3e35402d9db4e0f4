"""What an operator does by hand: told act by act, and rehearsed without any effect; and what a trace tells."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from codereview.control_ports import Page
from codereview.domain.parking import Held, WaitReason
from codereview.domain.review import ReviewState, TenantId
from codereview.errors import NotFoundError, ThrottledError
from codereview.ports import ReviewItem
from codereview.use_cases.reconcile.by_hand import (
    AtOnce,
    ToldAgenda,
    ToldClock,
    ToldDeadLetters,
    ToldDeliveries,
    ToldQueue,
)
from codereview.use_cases.reconcile.redeliver import RedeliverFailed
from codereview.use_cases.reconcile.release_due import ReleaseDue
from codereview.use_cases.reconcile.revive import ReviveDeadLetters
from codereview.use_cases.trace_review import TraceReview
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.fake_jobs import Log, delivery
from tests.scenarios.fake_stores import Agenda, Clock, Objects, ReviewQueue, Store
from tests.scenarios.faults import Blackout
from tests.scenarios.simulated_queue import Message, SimulatedQueue
from tests.scenarios.test_reconciler import HOUR, MINUTE, parked
from tests.scenarios.world import World

BOTH = pytest.mark.parametrize("is_rehearsal", [True, False])


@BOTH
def test_what_is_due_is_told_and_in_a_rehearsal_not_sent(*, is_rehearsal: bool) -> None:
    world, told = parked(), list[str]()
    Agenda(world).hold(Held(envelope=pull_request_event("b" * 40), reason="an outage", due_at=NOW))
    world.now += 5 * MINUTE
    before = (dict(world.items), dict(world.held))
    ReleaseDue(
        clock=ToldClock(inner=Clock(world), is_rehearsal=is_rehearsal),
        agenda=ToldAgenda(inner=Agenda(world), is_rehearsal=is_rehearsal),
        queue=ToldQueue(inner=ReviewQueue(world), tell=told.append, is_rehearsal=is_rehearsal),
    )(deadline=world.now + HOUR)
    assert len(told) == 2
    assert all(act.startswith("send ") for act in told)
    assert len(world.queue) == (0 if is_rehearsal else 2)
    assert (before == (world.items, world.held)) == is_rehearsal


@BOTH
def test_failed_deliveries_are_told_and_in_a_rehearsal_not_repeated_nor_waited_for(*, is_rehearsal: bool) -> None:
    world, told = World(), list[str]()
    log = Log(world, [delivery(1, "a"), delivery(2, "b"), delivery(3, "old", ago=30 * HOUR)])
    job = RedeliverFailed(
        clock=ToldClock(inner=Clock(world), is_rehearsal=is_rehearsal),
        jobs=AtOnce(since=NOW - 24 * HOUR),
        log=ToldDeliveries(inner=log, tell=told.append, is_rehearsal=is_rehearsal),
    )
    for _ in range(2):  # at once, and at once again
        job(deadline=NOW + HOUR)
    assert told[:2] == ["have GitHub repeat delivery 1", "have GitHub repeat delivery 2"]
    assert len(told) == (4 if is_rehearsal else 2)
    assert len(log.attempts) == (3 if is_rehearsal else 5)
    assert (world.now == NOW) == is_rehearsal


@BOTH
def test_f24_dead_letters_are_told_and_in_a_rehearsal_left(*, is_rehearsal: bool) -> None:
    world, told = World(), list[str]()
    letters = SimulatedQueue(now=lambda: world.now, dead=[Message(body=str(n), visible_at=NOW) for n in range(3)])
    queue = ToldDeadLetters(inner=letters, tell=told.append, is_rehearsal=is_rehearsal)
    ReviveDeadLetters(clock=Clock(world), jobs=AtOnce(since=NOW), queue=queue)()
    assert told == ["move about 3 dead letters of reviews back"]
    assert [letter.body for letter in queue.letters(limit=2)] == ["0", "1"]
    assert len(letters.tasks) == (0 if is_rehearsal else 1)


class Reviews:
    """The list of a tenant's reviews, one a page."""

    def __init__(self, world: World) -> None:
        self._world = world

    def load(self, tenant: TenantId, review_id: UUID) -> ReviewItem | None:
        item = self._world.items.get(review_id)
        return item if item is not None and item.key.tenant == tenant else None

    def page(
        self,
        tenant: TenantId,
        *,
        since: datetime,
        limit: int,
        after: str | None = None,
        states: frozenset[ReviewState] = frozenset(),
    ) -> Page[ReviewItem]:
        assert since < NOW
        assert limit
        assert not states
        items = [item for item in reversed(self._world.items.values()) if item.key.tenant == tenant]
        at = int(after or 0)
        return Page(items=tuple(items[at : at + 1]), next=str(at + 1) if at + 1 < len(items) else None)


class Times:
    """When the objects of a world were stored: all at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def written(self, prefix: str) -> list[tuple[str, datetime]]:
        return [(key, NOW + timedelta(seconds=1)) for key in self._world.objects if key.startswith(prefix)]


def tracer(world: World) -> TraceReview:
    return TraceReview(
        store=Store(world), reviews=Reviews(world), agenda=Agenda(world), objects=Objects(world), times=Times(world)
    )


def test_a_trace_tells_each_step_with_its_time_and_why_it_waits() -> None:
    world = World(blackouts=[])
    world.deliver(replace(pull_request_event(), received_at=NOW.isoformat()))
    (item,) = world.items.values()
    trace = tracer(world)(item.key.review_id)
    assert [step.what for step in trace.steps][:1] == ["accepted pull_request.opened"]
    assert any(step.what == "stored the result" and step.reason == "1 findings" for step in trace.steps)
    assert [run.agent for run in trace.runs] == ["correctness"]

    waiting = parked()
    (item,) = waiting.items.values()
    (due,) = [step for step in tracer(waiting)(item.key.review_id).steps if step.what == "is to be taken up again"]
    assert (due.at, due.reason) == (item.due_at, item.reason)


def test_a_trace_tells_of_every_wait_long_after_it_has_ended() -> None:
    world = World(blackouts=[Blackout(prefix="model", until=NOW + 10 * MINUTE, error=ThrottledError)])
    world.receive(pull_request_event())
    world.settle()
    world.now += HOUR
    (item,) = world.items.values()
    steps = [step for step in tracer(world)(item.key.review_id).steps if not step.what.startswith("stored")]
    told = [step.what for step in steps]
    assert told[1:] == ["running", "parked"] * (item.attempts - 1) + [
        "running",
        f"posted after {item.attempts} attempts",
    ]
    waits = [step for step in steps if step.what == "parked"]
    assert {step.reason for step in waits} == {WaitReason.RATE_LIMIT}
    assert [step.at for step in waits] == sorted({step.at for step in waits})


def test_of_a_long_past_the_beginning_and_the_end_are_kept() -> None:
    world = parked()
    (item,) = world.items.values()
    for minute in range(100):
        item = replace(item, reason=f"reason {minute}").remembering(now=NOW + minute * MINUTE)
    assert item.past[0].state is ReviewState.RUNNING
    assert [each.reason for each in item.past[-2:]] == ["reason 98", "reason 99"]
    assert len(item.past) == 40


def test_a_pull_request_has_all_its_reviews_and_what_is_held_back_for_it() -> None:
    world = World()
    world.deliver(pull_request_event())
    world.head = "b" * 40
    world.deliver(pull_request_event(world.head, action="synchronize"))
    envelope = pull_request_event("c" * 40)
    Agenda(world).hold(Held(envelope=envelope, reason="an outage", due_at=NOW + HOUR))
    Agenda(world).hold(Held(envelope=replace(envelope, number=99), reason="an outage", due_at=NOW + HOUR))
    key = next(iter(world.items.values())).key
    traces, held = tracer(world).of_pull_request(key.tenant, key.repository_id, key.number, now=NOW + HOUR)
    assert [trace.item.key.head_sha for trace in traces] == ["a" * 40, "b" * 40]
    assert [one.delivery for one in held] == [envelope.delivery]
    nothing = tracer(world).of_pull_request(key.tenant, key.repository_id, 12_345, now=NOW + HOUR)
    assert nothing == ((), ())


def test_a_review_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="30 days"):
        tracer(World())(UUID(int=1))
