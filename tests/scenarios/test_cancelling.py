"""A review that somebody cancels while a worker has it: at every line of the worker's work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from codereview.control_ports import Page
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.review import ReviewState, TenantId
from codereview.errors import ConflictError
from codereview.ports import Lease, PullRequestKey, ReviewItem
from codereview.use_cases.control.ask_reviews import CANCELLED, AskReviews
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.fake_stores import Ids, ReviewQueue, Store
from tests.scenarios.test_life_of_a_review import expect_one_review
from tests.scenarios.world import World

TENANT = Tenant(
    host="github.com",
    account_id=1,
    login="acme",
    installation_id=3,
    status=TenantStatus.ACTIVE,
    generation=1,
    proven_at=NOW,
    began_at=NOW,
)


class SeizableStore(Store):
    """The store as the API has it, whose own calls nothing happens in between."""

    def load(self, review_id: UUID) -> ReviewItem | None:
        return self.world.items.get(review_id)

    def seize(self, pull_request: PullRequestKey, *, owner: UUID, until: datetime) -> Lease:
        fence, _, _ = self.world.leases.get(pull_request, (0, None, until))
        self.world.leases[pull_request] = (fence + 1, owner, until)
        return Lease(pull_request=pull_request, owner=owner, fence=fence + 1, until=until)

    def save_audited(self, lease: Lease, item: ReviewItem, *, now: datetime, audit: AuditEntry) -> None:
        self._save(lease, item)

    def release(self, lease: Lease, *, looked_at: datetime | None = None) -> None:
        self._release(lease, looked_at)


class NoList:
    """A list of reviews that nobody reads here."""

    def load(self, tenant: TenantId, review_id: UUID) -> ReviewItem | None:
        raise NotImplementedError

    def page(
        self,
        tenant: TenantId,
        *,
        since: datetime,
        limit: int,
        after: str | None = None,
        states: frozenset[ReviewState] = frozenset(),
    ) -> Page[ReviewItem]:
        raise NotImplementedError


class NoOutbox:
    """An outbox that nothing is put into here: a cancellation is audited in its own transaction."""

    def put(self, entry: AuditEntry) -> bool:
        raise NotImplementedError

    def unsent(self, *, now: datetime, limit: int) -> Sequence[AuditEntry]:
        raise NotImplementedError

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        raise NotImplementedError


@dataclass
class CancellingWorld(World):
    """A world in which somebody cancels the review right before the worker's n-th call."""

    cancel_at: int = -1
    answer: str | None = None
    asked: list[str] = field(default_factory=list)

    def call[Answer](self, name: str, effect: Callable[[], Answer], *, is_write: bool = False) -> Answer:
        if len(self.asked) == self.cancel_at and self.items:
            self.cancel()
        self.asked.append(name)
        return super().call(name, effect, is_write=is_write)

    def cancel(self) -> None:
        ask = AskReviews(
            ids=Ids(self),
            queue=ReviewQueue(self),
            store=SeizableStore(self),
            reviews=NoList(),
            outbox=NoOutbox(),
        )
        (item,) = self.items.values()
        request = Request(actor=Actor(kind=ActorKind.PERSON, id="github.com:7"), id="r", at=self.now)
        try:
            ask.cancel(TENANT, item, request=request)
        except ConflictError as error:
            self.answer = str(error)
        else:
            self.answer = "cancelled"


def calls_of_a_review() -> int:
    world = CancellingWorld()
    world.deliver(pull_request_event())
    return len(world.asked)


@pytest.mark.parametrize("cancel_at", range(calls_of_a_review() + 1))
def test_wherever_the_worker_is_a_cancelled_review_is_never_posted_and_another_one_is_posted_once(
    cancel_at: int,
) -> None:
    world = CancellingWorld(cancel_at=cancel_at)
    world.deliver(pull_request_event())
    (item,) = world.items.values()
    if world.answer == "cancelled":
        assert (item.state, item.reason) == (ReviewState.FAILED, CANCELLED)
        assert world.reviews == []
        assert {run.status for run, _, _ in world.checks.values()} <= {"completed"}
        assert [message.state for message in world.recorded][-1] is ReviewState.FAILED
    else:
        assert world.answer in (None, "the review is being posted", "the review has ended")
        expect_one_review(world)


def test_a_review_can_be_cancelled_at_some_of_these_places_and_not_at_others() -> None:
    answers = set()
    for cancel_at in range(calls_of_a_review()):
        world = CancellingWorld(cancel_at=cancel_at)
        world.deliver(pull_request_event())
        answers.add(world.answer)
    assert {"cancelled", "the review is being posted", "the review has ended"} <= answers


def test_a_check_run_that_is_made_while_its_review_is_cancelled_is_ended_too() -> None:
    world = CancellingWorld()

    def cancel_and_let_the_reconciler_come_first() -> None:
        world.cancel()
        world.now += timedelta(seconds=20)
        world.reconcile()
        while world.queue:
            world.receive(world.queue.pop(0))

    world.before["github.start_check_run"] = cancel_and_let_the_reconciler_come_first
    world.deliver(pull_request_event())
    assert world.answer == "cancelled"
    assert [run.status for run, _, _ in world.checks.values()] == ["completed"]
