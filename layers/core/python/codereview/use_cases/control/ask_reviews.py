"""Reviews on demand: asked for through the queue, as a comment asks, and ended by taking them out of a worker's hands.

The races that this module is built around:

- A request that is sent twice: the review's kind is derived from the request, so both ask for the same review. What was
  made without models is asked for again under a kind derived from that review, so whoever asks gets the same one.
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
from codereview.domain.review import LEASE, ReviewState
from codereview.errors import BusyError, ConflictError, LostLeaseError, NotFoundError
from codereview.ports import Ids, PullRequestKey, ReviewItem, ReviewQueue

CANCELLED: Final = "cancelled on request"

# Long enough for two writes; a death in between holds the pull request up for that long.
_SEIZED_FOR = timedelta(seconds=30)

_NAMESPACE = UUID("c2b8f6d0-5c1e-4a57-8d57-0f9a4f5f7b33")
_LARGEST_ID = 2**63 - 1
_READ_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A review that was asked for; its head is GitHub's to say, so it has a kind and no id yet."""

    repository_id: int
    number: int
    kind: str
    is_new: bool  # nobody had asked for this very one


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
        place = PullRequestKey(tenant=tenant.id, repository_id=repository_id, number=number)
        return self._ask(tenant, place, is_full=is_full, action="reviews.run", name=request.id, request=request)

    def rerun(self, tenant: Tenant, item: ReviewItem, *, request: Request) -> Asked:
        """Ask for another review of the same pull request."""
        return self._rerun(tenant, item, name=request.id, request=request)

    def rerun_bypassed(
        self, tenant: Tenant, *, since: datetime, limit: int, after: str | None, request: Request
    ) -> Page[Asked]:
        """Ask again for the bypassed reviews on a page of the list after which their pull requests had no other.

        One that was asked for before is sent again, in case its message was lost, and not returned.
        """
        posted = frozenset({ReviewState.POSTED})
        page = self.reviews.page(tenant.id, since=since, limit=limit, after=after, states=posted)
        bypassed = [each for each in page.items if each.is_bypassed]
        latest = self._latest(tenant, since=min((each.updated_at or since for each in bypassed), default=request.at))
        asked = [
            self._rerun(tenant, each, name=f"rerun of {each.key.review_id}", request=request)
            for each in bypassed
            if latest.get(_place(each)) == each.key.review_id
        ]
        return Page(items=tuple(each for each in asked if each.is_new), next=page.next)

    def _latest(self, tenant: Tenant, *, since: datetime) -> dict[PullRequestKey, UUID]:
        """Return the last review of each pull request, of those that were posted since then or are under way.

        The pages before the one that is looked at are read again: what is newer than a review may be on any of them.
        """
        found, after = dict[PullRequestKey, UUID](), None
        while True:
            page = self.reviews.page(tenant.id, since=since, limit=_READ_AT_ONCE, after=after)
            for each in page.items:
                if each.state is ReviewState.POSTED or not each.state.is_end:
                    found.setdefault(_place(each), each.key.review_id)
            after = page.next
            if after is None:
                return found

    def cancel(self, tenant: Tenant, item: ReviewItem, *, request: Request) -> ReviewItem:
        """End a review for ever, unless it has ended or is being posted (ConflictError).

        Its check run is ended by the reviewer, whom the reconciler sends there within a minute.
        """
        _require_open(item)
        lease = self.store.seize(_place(item), owner=self.ids.new(), until=request.at + _SEIZED_FOR)
        try:
            item = self._reload(item)
            _require_open(item)
            after = replace(
                item,
                state=ReviewState.FAILED,
                reason=CANCELLED,
                is_check_finished=False,
                is_recorded=False,
                # A worker may be making the check run just now; it is looked for when that one is dead for certain.
                due_at=request.at if item.check_run_id is not None else request.at + LEASE,
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

    def _rerun(self, tenant: Tenant, item: ReviewItem, *, name: str, request: Request) -> Asked:
        return self._ask(tenant, _place(item), is_full=True, action="reviews.rerun", name=name, request=request)

    def _ask(
        self, tenant: Tenant, place: PullRequestKey, *, is_full: bool, action: str, name: str, request: Request
    ) -> Asked:
        """Store the entry, then send; both have their ids from `name`, and are the same for the same."""
        asked_by = uuid5(_NAMESPACE, f"{name}\n{tenant.id}\n{place.repository_id}\n{place.number}")
        trigger_id = asked_by.int % _LARGEST_ID + 1
        envelope = Envelope(
            delivery=str(asked_by),
            event="request",
            action="run",
            host=tenant.host,
            installation_id=tenant.installation_id,
            owner_id=tenant.account_id,
            trigger=Trigger.REQUEST,
            repository_id=place.repository_id,
            number=place.number,
            trigger_id=trigger_id,
            command="review full" if is_full else "review",
            received_at=request.at.isoformat(),
        )
        target, full = f"repository/{place.repository_id}/pull/{place.number}", {"full": is_full}
        entry = audited(request, tenant=tenant.id, action=action, target=target, after=full)
        is_new = self.outbox.put(replace(entry, id=asked_by))
        self.queue.send(envelope)
        kind = f"{Trigger.REQUEST}:{trigger_id}"
        return Asked(repository_id=place.repository_id, number=place.number, kind=kind, is_new=is_new)


def _place(item: ReviewItem) -> PullRequestKey:
    key = item.key
    return PullRequestKey(tenant=key.tenant, repository_id=key.repository_id, number=key.number)


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
