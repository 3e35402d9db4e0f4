"""Arbitrary histories of two tenants: pushes, faults, deaths, duplicates, lost messages; and in the end all is well.

The queue is simulated with what SQS may do: deliver twice, in any order, late, and give up after five receives; dead
letters come back by a move. Time goes on in whole minutes, with a reconciler in each.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from codereview.domain.envelope import Envelope
from codereview.domain.review import ReviewState
from codereview.errors import RetryableError, ThrottledError
from codereview.ports import Busy, Lease, PullRequestKey
from codereview.use_cases.publish_review import PublishReview
from codereview.use_cases.review_pull_request import ReviewPullRequest
from tests.scenarios import world as worlds
from tests.scenarios.world import (
    FUNCTION_TIMEOUT,
    MAX_RECEIVES,
    VISIBILITY,
    Blackout,
    Death,
    Mode,
    Outage,
    Store,
    World,
    pull_request_event,
)

MINUTE = timedelta(minutes=1)
HEADS = [character * 40 for character in "abcdef"]


@dataclass
class Message:
    """A message in the queue."""

    envelope: Envelope
    visible_at: datetime
    receives: int = 0


class Histories(RuleBasedStateMachine):
    """Two tenants with a pull request each, in worlds of their own that share one clock."""

    def __init__(self) -> None:
        super().__init__()
        self.worlds = [World(account=1), World(account=2)]
        self.queues: list[list[Message]] = [[], []]
        self.dead: list[list[Message]] = [[], []]
        for tenant in (0, 1):
            self._send(tenant, "opened")

    def _event(self, tenant: int, action: str) -> Envelope:
        world = self.worlds[tenant]
        return replace(
            pull_request_event(world.head, action=action), owner_id=world.account, received_at=world.now.isoformat()
        )

    def _send(self, tenant: int, action: str) -> None:
        self.queues[tenant].append(Message(self._event(tenant, action), self.worlds[tenant].now))

    def _advance(self, duration: timedelta) -> None:
        latest = max(world.now for world in self.worlds) + duration
        for world in self.worlds:
            world.now = latest

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

    # --- what goes wrong

    @rule(tenant=st.sampled_from([0, 1]), ahead=st.integers(0, 25), mode=st.sampled_from(list(Mode)))
    def break_a_call(self, tenant: int, ahead: int, mode: Mode) -> None:
        world = self.worlds[tenant]
        world.outages.append(Outage(at=len(world.calls) + ahead, mode=mode))

    @rule(
        tenant=st.sampled_from([0, 1]),
        prefix=st.sampled_from(["github", "model", "store", "agenda", "record_queue", "review_queue", "objects"]),
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
                self._advance(FUNCTION_TIMEOUT * 2)
            self._send(tenant, "closed" if happening == "close" else "synchronize")
            if happening in ("meet", "meet after a push", "oversleep"):
                self.work(tenant, 0)

        def arm() -> None:
            world.before["github.pull_request"] = happen

        world.before["github.reviews" if is_late else "model.answer"] = arm if is_late else happen

    @rule(tenant=st.sampled_from([0, 1]), mode=st.sampled_from(list(Mode)))
    def break_the_post(self, tenant: int, mode: Mode) -> None:
        world = self.worlds[tenant]
        world.before["github.create_review"] = lambda: world.outages.append(Outage(at=len(world.calls) - 1, mode=mode))

    @precondition(lambda self: any(self.queues))
    @rule(tenant=st.sampled_from([0, 1]), index=st.integers(0, 20))
    def duplicate_a_message(self, tenant: int, index: int) -> None:
        queue = self.queues[tenant]
        if queue:
            queue.append(replace(queue[index % len(queue)]))

    # --- what the platform does

    @rule(tenant=st.sampled_from([0, 1]), index=st.integers(0, 20))
    def work(self, tenant: int, index: int) -> None:
        world, queue = self.worlds[tenant], self.queues[tenant]
        visible = [message for message in queue if message.visible_at <= world.now]
        if visible:
            self._receive(tenant, visible[index % len(visible)])

    def _receive(self, tenant: int, message: Message) -> None:
        world, queue = self.worlds[tenant], self.queues[tenant]
        message.receives += 1
        message.visible_at = world.now + VISIBILITY
        was_dead = world.is_dead
        try:
            world.worker().handle(message.envelope, deadline=world.now + FUNCTION_TIMEOUT)
        except RetryableError as error:
            message.visible_at = world.now + (error.retry_after if error.retry_after is not None else VISIBILITY)
        except Death:
            pass
        else:
            if message in queue:
                queue.remove(message)
        world.is_dead = was_dead
        if message in queue and message.receives >= MAX_RECEIVES:
            queue.remove(message)
            self.dead[tenant].append(message)

    @rule(minutes=st.integers(1, 40))
    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self._advance(MINUTE)
            self._reconcile()

    def _reconcile(self) -> None:
        for tenant, world in enumerate(self.worlds):
            world.reconcile()
            self.queues[tenant] += [Message(envelope, world.now) for envelope in world.queue]
            world.queue.clear()

    @rule(tenant=st.sampled_from([0, 1]))
    def redrive(self, tenant: int) -> None:
        for message in self.dead[tenant]:
            self.queues[tenant].append(Message(message.envelope, self.worlds[tenant].now))
        self.dead[tenant].clear()

    # --- what always holds

    @invariant()
    def no_head_is_reviewed_twice(self) -> None:
        for world in self.worlds:
            heads = [review.commit_id for review, _ in world.reviews]
            assert len(heads) == len(set(heads)), "a head is reviewed twice"

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
            self.redrive(tenant)
        for _ in range(60 * 24):
            if not any(self.queues) and not any(self.dead) and not any(world.waits for world in self.worlds):
                return
            self._advance(MINUTE)
            self._reconcile()
            for tenant in (0, 1):
                for message in list(self.queues[tenant]):
                    if message in self.queues[tenant] and message.visible_at <= self.worlds[tenant].now:
                        self._receive(tenant, message)
                self.redrive(tenant)
        raise AssertionError("it never came to rest")

    def expect_all_is_well(self, world: World) -> None:
        self.no_head_is_reviewed_twice()
        assert world.head in [review.commit_id for review, _ in world.reviews], "the head's review is lost"
        assert all(item.is_settled for item in world.items.values()), "an end was not told"
        assert all(run.status == "completed" for run, _, _ in world.checks.values()), "a check run has no end"
        told = {message.review_id: message for message in sorted(world.recorded, key=lambda told: told.sequence)}
        assert {key: item.state for key, item in world.items.items()} == {key: at.state for key, at in told.items()}
        posted = [item for item in world.items.values() if item.state is ReviewState.POSTED]
        known, standing = {item.github_review_id for item in posted}, {review.id for review, _ in world.reviews}
        assert known == standing, "a review stands that nobody knows of"


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
    monkeypatch.setattr(PublishReview, "_standing", lambda *_: (None, []))


def drop_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody write and post, however old the lease."""
    monkeypatch.setattr(Store, "_holds", lambda *_: True)


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
        (drop_the_fence, "a head is reviewed twice"),
        (ignore_the_lease, "a head is reviewed twice"),
        (forget_what_is_due, "it never came to rest"),
    ],
)
def test_a_known_bad_design_turns_the_histories_red(
    monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None], said: str
) -> None:
    break_it(monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup), match=said):
        run(examples=5_000, steps=40, phases=(Phase.generate,))  # the first red one is enough
