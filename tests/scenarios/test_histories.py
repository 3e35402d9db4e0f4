"""Arbitrary histories of two tenants: pushes, faults, deaths, duplicates, lost messages; and in the end all is well.

The queue is simulated with what SQS may do: deliver twice, in any order, late, and give up after five receives; dead
letters come back by a move. Time goes on in whole minutes, with a reconciler in each.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode
from codereview.domain.parking import Park
from codereview.domain.review import Outcome
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.sqs import process_batch
from codereview.errors import ConflictError, RetryableError, ThrottledError
from codereview.ports import Busy, Lease, PullRequestKey
from codereview.use_cases.control.redrive import Redrive
from codereview.use_cases.reconcile.revive import ReviveDeadLetters
from codereview.use_cases.review_pull_request import ReviewPullRequest
from tests.scenarios import world as worlds
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.simulated_queue import Message, SimulatedQueue
from tests.scenarios.test_reconciler import MemoryJobs
from tests.scenarios.world import (
    FUNCTION_TIMEOUT,
    NOW,
    Blackout,
    Clock,
    Death,
    Mode,
    Outage,
    Repository,
    Store,
    World,
    pull_request_event,
    reserving,
)

PORTS = [
    "github", "model", "store", "agenda", "record_queue", "review_queue", "objects", "switches", "admission", "ledger"
]  # fmt: skip
BY_HAND = Request(actor=Actor(kind=ActorKind.PERSON, id="github.com:7"), id="r", at=NOW)
MINUTE = timedelta(minutes=1)
HEADS = [character * 40 for character in "abcdef"]
BATCH = 10

LOGGER = function_logger("histories")
LOGGER.setLevel("CRITICAL")


@dataclass
class Time:
    """The one clock."""

    moment: datetime = NOW


class TenantsWorld(World):
    """One tenant's world, on the clock of both."""

    def __init__(self, account: int, time: Time) -> None:
        self.time = time
        super().__init__(account=account, admission=reserving)

    @property
    def now(self) -> datetime:
        return self.time.moment

    @now.setter
    def now(self, value: datetime) -> None:
        self.time.moment = max(self.time.moment, value)


class Context:
    """What of Lambda's context is looked at."""

    def get_remaining_time_in_millis(self) -> int:
        return FUNCTION_TIMEOUT // timedelta(milliseconds=1)


class Operators:
    """The outbox of the audit entries, which others test."""

    def put(self, entry: AuditEntry) -> bool:
        return True

    def unsent(self, *, now: datetime, limit: int) -> Sequence[AuditEntry]:
        return []

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        pass


class Histories(RuleBasedStateMachine):
    """Two tenants with a pull request each, in worlds of their own; one clock, one queue, one function."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.worlds = [TenantsWorld(1, self.time), TenantsWorld(2, self.time)]
        self.platform = TenantsWorld(0, self.time)  # the reconciler's own, whose ports work
        self.queue = SimulatedQueue(now=lambda: self.time.moment)
        self.revive = ReviveDeadLetters(clock=Clock(self.platform), jobs=MemoryJobs(self.platform), queue=self.queue)
        self.by_hand = Redrive(queue=self.queue, outbox=Operators())
        self.sleepers = 0
        for tenant in (0, 1):
            self._send(tenant, "opened")

    def _event(self, tenant: int, action: str) -> Envelope:
        world = self.worlds[tenant]
        return replace(
            pull_request_event(world.head, action=action), owner_id=world.account, received_at=world.now.isoformat()
        )

    def _send(self, tenant: int, action: str) -> None:
        self.queue.send(self._event(tenant, action))

    def _advance(self, duration: timedelta) -> None:
        self.time.moment += duration

    # --- what people do

    @rule(tenant=st.sampled_from([0, 1]), head=st.sampled_from(HEADS))
    def push(self, tenant: int, head: str) -> None:
        self.worlds[tenant].head = head
        self._send(tenant, "synchronize")

    @rule(tenant=st.sampled_from([0, 1]))
    def draft_and_back(self, tenant: int) -> None:
        world = self.worlds[tenant]
        world.is_draft = not world.is_draft
        self._send(tenant, "converted_to_draft" if world.is_draft else "ready_for_review")

    @rule(tenant=st.sampled_from([0, 1]))
    def close_and_reopen(self, tenant: int) -> None:
        world = self.worlds[tenant]
        world.is_open = not world.is_open
        self._send(tenant, "reopened" if world.is_open else "closed")

    @rule(tenant=st.sampled_from([0, 1]), minutes=st.integers(1, 90))
    def pause(self, tenant: int, minutes: int) -> None:
        until = self.time.moment + MINUTE * minutes
        self.worlds[tenant].holding = lambda now: Park(reason="a pause", until=now + MINUTE) if now < until else None

    @rule(tenant=st.sampled_from([0, 1]), minutes=st.integers(1, 90))
    def spend_the_budget(self, tenant: int, minutes: int) -> None:
        until = self.time.moment + MINUTE * minutes
        self.worlds[tenant].admission = lambda request: (
            Park(reason="the budget", until=until) if self.time.moment < until else reserving(request)
        )

    # --- what goes wrong

    @rule(tenant=st.sampled_from([0, 1]), ahead=st.integers(0, 25), mode=st.sampled_from(list(Mode)))
    def break_a_call(self, tenant: int, ahead: int, mode: Mode) -> None:
        world = self.worlds[tenant]
        world.outages.append(Outage(at=len(world.calls) + ahead, mode=mode))

    @rule(
        tenant=st.sampled_from([0, 1]),
        prefix=st.sampled_from(PORTS),
        minutes=st.integers(1, 90),
        error=st.sampled_from([RetryableError, ThrottledError]),
    )
    def black_out(self, tenant: int, prefix: str, minutes: int, error: type[RetryableError]) -> None:
        world = self.worlds[tenant]
        world.blackouts.append(Blackout(prefix=prefix, until=world.now + MINUTE * minutes, error=error))

    @rule(
        tenant=st.sampled_from([0, 1]),
        happening=st.sampled_from(["push", "close", "oversleep", "meet", "meet after a push"]),
        is_late=st.booleans(),
    )
    def happen_meanwhile(self, tenant: int, happening: str, *, is_late: bool) -> None:
        """Let something happen while the model thinks, or later: between the look for our review and the post."""
        world = self.worlds[tenant]

        def happen() -> None:
            if happening in ("push", "meet after a push"):
                world.head = HEADS[(HEADS.index(world.head) + 1) % len(HEADS)]
            if happening == "close":
                world.is_open = False
            if happening == "oversleep":
                self.sleepers += 1
                self._advance(FUNCTION_TIMEOUT * 2)
            self._send(tenant, "closed" if happening == "close" else "synchronize")
            if happening in ("meet", "meet after a push", "oversleep"):
                self.work(0, 1)

        def arm() -> None:
            world.before["github.pull_request"] = happen

        world.before["github.reviews" if is_late else "model.answer"] = arm if is_late else happen

    @rule(tenant=st.sampled_from([0, 1]), mode=st.sampled_from(list(Mode)))
    def break_the_post(self, tenant: int, mode: Mode) -> None:
        world = self.worlds[tenant]
        world.before["github.create_review"] = lambda: world.outages.append(Outage(at=len(world.calls) - 1, mode=mode))

    @rule(index=st.integers(0, 20))
    def duplicate_a_message(self, index: int) -> None:
        self.queue.repeat(index)

    # --- what the platform does

    @rule(index=st.integers(0, 20), size=st.integers(1, BATCH))
    def work(self, index: int, size: int) -> None:
        """Run the function on a batch of both tenants' messages, whichever are first."""
        self.queue.bury()
        visible = self.queue.visible()
        start = index % len(visible) if visible else 0
        self._run((visible[start:] + visible[:start])[:size])

    def _run(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        event = self.queue.receive(messages)
        were_dead = [world.is_dead for world in self.worlds]
        context: Any = Context()
        with suppress(Death):
            answer = process_batch(event, context, handle=self._handle, logger=LOGGER, postponement=self.queue)
            self.queue.settle(event, answer)
        for world, was_dead in zip(self.worlds, were_dead, strict=True):
            world.is_dead = was_dead

    def _handle(self, body: str) -> Outcome:
        envelope = decode(body)
        world = self.worlds[(envelope.owner_id or 0) - 1]
        return world.worker().handle(envelope, deadline=world.now + FUNCTION_TIMEOUT)

    @rule(minutes=st.integers(1, 40))
    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self._advance(MINUTE)
            self._reconcile()

    def _reconcile(self) -> None:
        for world in self.worlds:
            world.reconcile()
            for envelope in world.queue:
                self.queue.send(envelope)
            world.queue.clear()
        self.queue.bury()
        self.revive()
        self.queue.go_on_moving()

    @rule(rate=st.integers(1, 500))
    def move_back_by_hand(self, rate: int) -> None:
        with suppress(ConflictError):
            self.by_hand.start(messages_per_second=rate, request=BY_HAND)

    @rule(moved=st.integers(0, 5))
    def cancel_the_move(self, moved: int) -> None:
        """Stop a move after some letters."""
        self.queue.go_on_moving(most=moved)
        with suppress(ConflictError):
            self.by_hand.cancel(request=BY_HAND)

    # --- what always holds

    @invariant()
    def no_head_is_reviewed_twice(self) -> None:
        for world in self.worlds:
            heads = [review.commit_id for review, _ in world.reviews]
            assert len(heads) == len(set(heads)), "a head is reviewed twice"

    @invariant()
    def no_answer_is_bought_twice_without_a_reason(self) -> None:
        for world in self.worlds:
            faults = sum(outage.has_fired for outage in world.outages)
            faults += sum(blackout.hits for blackout in world.blackouts) + self.sleepers
            assert world.model_calls <= len(world.items) + faults, "money is spent twice"

    @invariant()
    def every_head_is_read_right_before_its_post(self) -> None:
        for world in self.worlds:
            assert world.hasty_posts == [], "a review is posted blindly"

    @invariant()
    def every_unfinished_review_has_a_due_time(self) -> None:
        for world in self.worlds:
            for item in world.items.values():
                assert item.is_settled or item.due_at is not None, item.state

    @invariant()
    def no_tenant_has_anothers_reviews(self) -> None:
        for world in self.worlds:
            assert {item.key.tenant for item in world.items.values()} <= {f"github.com:{world.account}"}

    def teardown(self) -> None:
        self.heal()
        for world in self.worlds:
            self.expect_all_is_well(world)

    def heal(self) -> None:
        for tenant, world in enumerate(self.worlds):
            world.outages.clear()
            world.blackouts.clear()
            world.before.clear()
            if not world.is_open or world.is_draft:
                world.is_open, world.is_draft = True, False
                self._send(tenant, "reopened")
        for _ in range(60 * 48):
            if not self.queue.messages and not self.queue.dead and not any(world.waits for world in self.worlds):
                return
            self._advance(MINUTE)
            self._reconcile()
            for message in self.queue.visible():
                if message in self.queue.messages and message.visible_at <= self.time.moment:
                    self._run([message])
        raise AssertionError("it never came to rest")

    def expect_all_is_well(self, world: World) -> None:
        self.no_head_is_reviewed_twice()
        assert world.head in [review.commit_id for review, _ in world.reviews], "the head's review is lost"
        expect_nothing_lost_or_doubled(world)


def run(*, examples: int, steps: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=phases,
        ),
    )


def test_whatever_happens_no_review_is_lost_and_none_is_posted_twice() -> None:
    run(examples=150, steps=30)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_ten_thousand_histories_lose_nothing_and_post_nothing_twice() -> None:
    run(examples=10_000, steps=40)


# --- the suite can see: each known bad design turns the same histories red


def acknowledge_when_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design C: who finds the pull request taken acknowledges, and nobody comes back."""
    acquire = ReviewPullRequest._acquire

    def give_up(self: ReviewPullRequest, place: PullRequestKey) -> Lease:
        try:
            return acquire(self, place)
        except RetryableError:
            raise PermissionError from None

    handle = ReviewPullRequest.handle

    def handle_or_forget(self: ReviewPullRequest, envelope: Envelope, *, deadline: datetime) -> object:
        try:
            return handle(self, envelope, deadline=deadline)
        except PermissionError:
            return None

    monkeypatch.setattr(ReviewPullRequest, "_acquire", give_up)
    monkeypatch.setattr(ReviewPullRequest, "handle", handle_or_forget)


def post_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design D: the result is stored, but nobody looks for a review that stands there already."""
    monkeypatch.setattr(Repository, "_listed", lambda _: [])


def drop_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody write and post, however old the lease."""
    monkeypatch.setattr(Store, "_holds", lambda *_: True)


def mark_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design B: a message is marked as seen before the work, and who comes again finds the mark."""
    handle = ReviewPullRequest.handle

    def handle_once(self: ReviewPullRequest, envelope: Envelope, *, deadline: datetime) -> object:
        store: Any = self.store
        marks: set[str] = vars(store.world).setdefault("marks", set())
        mark = f"{envelope.head_sha} {envelope.received_at}"
        if mark in marks:
            return None
        marks.add(mark)
        return handle(self, envelope, deadline=deadline)

    monkeypatch.setattr(ReviewPullRequest, "handle", handle_once)


def ignore_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be design A: check, work, mark, with nothing that keeps two workers apart."""
    acquire = Store._acquire

    def take(self: Store, place: PullRequestKey, owner: object, now: datetime, until: datetime) -> Lease | Busy:
        self.world.leases.pop(place, None)
        return acquire(self, place, owner, now, until)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "_acquire", take)
    drop_the_fence(monkeypatch)


def forget_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no reconciler: what is parked stays parked."""
    monkeypatch.setattr(worlds.Agenda, "_due", lambda *_: [])


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        # Found after some 20 s.
        pytest.param(acknowledge_when_busy, "the head's review is lost", marks=pytest.mark.long),
        (post_without_a_look, "a review stands that nobody knows of|a head is reviewed twice"),
        pytest.param(drop_the_fence, "a head is reviewed twice|money is spent twice", marks=pytest.mark.long),
        (mark_first, "the head's review is lost|it never came to rest"),
        (ignore_the_lease, "a head is reviewed twice|money is spent twice"),
        (forget_what_is_due, "it never came to rest"),
    ],
)
def test_a_known_bad_design_turns_the_histories_red(
    monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None], said: str
) -> None:
    break_it(monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup), match=said):
        run(examples=5_000, steps=40, phases=(Phase.generate,))  # the first red one is enough
