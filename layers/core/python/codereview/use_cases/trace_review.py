"""The path of a review, told from what it left behind: its item, its stored answers and result, what is held back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from codereview.control_ports import LiveReviews, ObjectTimes
from codereview.domain.envelope import Envelope
from codereview.domain.reconciling import Due
from codereview.domain.result import AgentRun, ReviewResult
from codereview.domain.review import TenantId
from codereview.domain.stored import answers_prefix, decode_result, result_key
from codereview.errors import NotFoundError, PermanentError
from codereview.ports import Agenda, Objects, ReviewItem, ReviewStore

_PAGE = 100
_KEPT = timedelta(days=30)  # the control table forgets reviews then
_FAR = timedelta(days=365)  # later than anything can be due
_MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened, or will at about `at`."""

    at: datetime
    what: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All that is known of one review; `runs` is empty while there is no result."""

    item: ReviewItem
    steps: tuple[Step, ...]
    runs: tuple[AgentRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A message for a pull request whose review could not begin, and when it is sent again."""

    delivery: str
    trigger: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReview:
    """Reads; changes nothing."""

    store: ReviewStore
    reviews: LiveReviews
    agenda: Agenda
    objects: Objects
    times: ObjectTimes

    def __call__(self, review_id: UUID) -> Trace:
        """Trace one review; raises NotFoundError where there is none."""
        item = self.store.load(review_id)
        if item is None:
            raise NotFoundError(f"there is no review {review_id}: none began, or it is more than 30 days old")
        result = self._result(item)
        steps = sorted((*self._of_item(item), *self._of_objects(item, result)), key=lambda step: step.at)
        return Trace(item=item, steps=tuple(steps), runs=result.runs if result is not None else ())

    def of_pull_request(
        self, tenant: TenantId, repository_id: int, number: int, *, now: datetime
    ) -> tuple[tuple[Trace, ...], tuple[HeldBack, ...]]:
        """Trace every review of a pull request, the oldest first, and name the messages that are held back for it."""
        found, after = list[ReviewItem](), None
        while True:
            page = self.reviews.page(tenant, since=now - _KEPT, limit=_PAGE, after=after)
            found += [
                item for item in page.items if (item.key.repository_id, item.key.number) == (repository_id, number)
            ]
            after = page.next
            if after is None:
                break
        traces = [self(item.key.review_id) for item in reversed(found)]
        return tuple(traces), tuple(self._held(tenant, repository_id, number, now))

    def _held(self, tenant: TenantId, repository_id: int, number: int, now: datetime) -> Iterator[HeldBack]:
        for entry in self.agenda.due(now=now + _FAR, limit=_MOST_WAITING, most_of_a_tenant=_MOST_WAITING):
            envelope = self._message(entry) if entry.is_held and entry.tenant == tenant else None
            if envelope is not None and (envelope.repository_id, envelope.number) == (repository_id, number):
                yield HeldBack(delivery=envelope.delivery, trigger=envelope.trigger.value, due_at=entry.due_at)

    def _message(self, entry: Due) -> Envelope | None:
        try:
            return self.agenda.envelope_of(entry)
        except PermanentError:  # no message of ours, and of no pull request
            return None

    def _of_item(self, item: ReviewItem) -> Iterator[Step]:
        envelope = item.envelope
        if envelope is not None and envelope.received_at:
            received = datetime.fromisoformat(envelope.received_at)
            yield Step(at=received, what=f"accepted {envelope.event}.{envelope.action}", reason=envelope.delivery)
        for each in item.past:
            is_now = each is item.past[-1] and item.state.is_end
            what = f"{each.state.value} after {item.attempts} attempts" if is_now else each.state.value
            yield Step(at=each.at, what=what, reason=each.reason or (item.last_error if is_now else None))
        if item.posting_since is not None:
            yield Step(at=item.posting_since, what="began to post, outcome unknown", reason=item.last_error)
        if item.due_at is not None:
            yield Step(at=item.due_at, what="is to be taken up again", reason=item.reason)

    def _of_objects(self, item: ReviewItem, result: ReviewResult | None) -> Iterator[Step]:
        prefix = answers_prefix(item.key.tenant, item.key.review_id)
        for key, at in self.times.written(prefix):
            yield Step(at=at, what=f"stored an answer of {key.removeprefix(prefix).partition('/')[0]}")
        count = f"{len(result.shown)} findings" if result is not None else None
        for _, at in self.times.written(result_key(item.key.tenant, item.key.review_id)):
            yield Step(at=at, what="stored the result", reason=count)

    def _result(self, item: ReviewItem) -> ReviewResult | None:
        """Read the result; one that cannot be read is no reason to tell nothing."""
        if item.result is None:
            return None
        data = self.objects.get(item.result.key)
        try:
            return decode_result(data) if data is not None else None
        except PermanentError:
            return None


def failed_runs(runs: Sequence[AgentRun]) -> tuple[AgentRun, ...]:
    """Return the runs that have a reason to tell."""
    return tuple(run for run in runs if run.reason is not None)
