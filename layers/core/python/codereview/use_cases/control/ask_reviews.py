"""Reviews on demand: asked for through the queue, as a comment asks, and ended by taking them out of a worker's hands.

The races that this module is built around:

- A request that is sent twice: the review's kind is derived from the request, so both ask for the same review.
- A review that is cancelled while a worker has it: the lease is seized, and every later write of the worker fails on
  the fence, the one before the post among them. What is about to be posted is left alone: nobody can tell any more.
- A death between the audit entry and the message: the entry says that somebody asked, the caller heard no answer, and
  the same request repeated sends the message.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from codereview.control_ports import AuditOutbox, LiveReviews, Page, SeizableReviews
from codereview.domain.control.audit import AuditEntry, Request, audited
from codereview.domain.control.tenants import Tenant
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.review import ReviewState
from codereview.errors import BusyError, ConflictError, LostLeaseError, NotFoundError
from codereview.ports import Ids, PullRequestKey, ReviewItem, ReviewQueue

CANCELLED: Final = "cancelled on request"

# Long enough for two writes; a death in between holds the pull request up for that long.
_SEIZED_FOR = timedelta(seconds=30)

_NAMESPACE = UUID("c2b8f6d0-5c1e-4a57-8d57-0f9a4f5f7b33")
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A review that was asked for; its head is GitHub's to say, so it has a kind and no id yet."""

    repository_id: int
    number: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReviews:
    """What people and programs ask of a tenant's reviews."""

    ids: Ids
    queue: ReviewQueue
    store: SeizableReviews
    reviews: LiveReviews
    outbox: AuditOutbox

    def run(self, tenant: Tenant, *, repository_id: int, number: int, is_full: bool, request: Request) -> Asked:
        """Ask for a review of the pull request's head; whether it exists, the reviewer finds out."""
        return self._ask(tenant, repository_id, number, is_full=is_full, action="reviews.run", request=request)

    def rerun(self, tenant: Tenant, item: ReviewItem, *, request: Request) -> Asked:
        """Ask for another review of the same pull request."""
        key = item.key
        return self._ask(tenant, key.repository_id, key.number, is_full=True, action="reviews.rerun", request=request)

    def rerun_bypassed(
        self, tenant: Tenant, *, since: datetime, limit: int, after: str | None, request: Request
    ) -> Page[Asked]:
        """Ask again for the latest bypassed review of each pull request on a page of the list."""
        posted = frozenset({ReviewState.POSTED})
        page = self.reviews.page(tenant.id, since=since, limit=limit, after=after, states=posted)
        bypassed = {(each.key.repository_id, each.key.number): each for each in page.items if each.is_bypassed}
        asked = tuple(self.rerun(tenant, item, request=request) for item in bypassed.values())
        return Page(items=asked, next=page.next)

    def cancel(self, tenant: Tenant, item: ReviewItem, *, request: Request) -> ReviewItem:
        """End a review for ever, unless it has ended or is being posted (ConflictError).

        Its check run is ended by the reviewer, whom the reconciler sends there within a minute.
        """
        _require_open(item)
        key = item.key
        place = PullRequestKey(tenant=tenant.id, repository_id=key.repository_id, number=key.number)
        lease = self.store.seize(place, owner=self.ids.new(), until=request.at + _SEIZED_FOR)
        try:
            item = self._reload(item)
            _require_open(item)
            after = replace(
                item,
                state=ReviewState.FAILED,
                reason=CANCELLED,
                is_check_finished=False,
                is_recorded=False,
                due_at=request.at,
            )
            self.store.save_audited(lease, after, now=request.at, audit=_entry(tenant, item, request))
        except LostLeaseError as error:
            raise BusyError("somebody else took the pull request meanwhile") from error
        finally:
            self.store.release(lease)
        return replace(after, updated_at=request.at)

    def _reload(self, item: ReviewItem) -> ReviewItem:
        found = self.store.load(item.key.review_id)
        if found is None:
            raise NotFoundError("no such review")
        return found

    def _ask(
        self, tenant: Tenant, repository_id: int, number: int, *, is_full: bool, action: str, request: Request
    ) -> Asked:
        asked_by = uuid5(_NAMESPACE, f"{request.id}\n{tenant.id}\n{repository_id}\n{number}")
        trigger_id = asked_by.int % _LARGEST_ID + 1
        envelope = Envelope(
            delivery=str(asked_by),
            event="request",
            action="run",
            host=tenant.host,
            installation_id=tenant.installation_id,
            owner_id=tenant.account_id,
            trigger=Trigger.REQUEST,
            repository_id=repository_id,
            number=number,
            trigger_id=trigger_id,
            command="review full" if is_full else "review",
            received_at=request.at.isoformat(),
        )
        place, full = f"repository/{repository_id}/pull/{number}", {"full": is_full}
        self.outbox.put(audited(request, tenant=tenant.id, action=action, target=place, after=full))
        self.queue.send(envelope)
        return Asked(repository_id=repository_id, number=number, kind=f"{Trigger.REQUEST}:{trigger_id}")


def _require_open(item: ReviewItem) -> None:
    if item.state.is_end:
        raise ConflictError("the review has ended")
    if item.posting_since is not None:
        raise ConflictError("the review is being posted")


def _entry(tenant: Tenant, item: ReviewItem, request: Request) -> AuditEntry:
    return audited(
        request,
        tenant=tenant.id,
        action="reviews.cancel",
        target=f"review/{item.key.review_id}",
        before={"state": item.state.value, "reason": item.reason},
        after={"state": ReviewState.FAILED.value, "reason": CANCELLED},
    )
