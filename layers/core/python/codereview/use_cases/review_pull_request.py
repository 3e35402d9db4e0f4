"""One message of the review queue, taken one step further: to a review, to a reason why not, or back to the queue.

The races that this module is built around:

- Two workers with messages of one pull request: the lease lets one in, the other comes back when it has run out.
- A worker that dies at any line: the next one finds what was stored and goes on from there. Answers are bought once,
  the result is stored before anything is posted, and a post is preceded by a look for our own marker on GitHub.
- A post without an answer: nothing is posted again until a minute has passed and the marker was looked for.
- A push while the models think: the head is read again right before the post.

Chosen not to handle: GitHub has no way to post a review only if the head is still the same, so a push within the last
moment leaves a review of the older commit, pinned to it by `commit_id` and shown as outdated.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from codereview import messages
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.publication import CheckOutput, Conclusion
from codereview.domain.record import ReviewRecorded
from codereview.domain.review import (
    CHECK_NAME,
    Failed,
    Outcome,
    Posted,
    ReviewKey,
    ReviewState,
    Skipped,
    SkipReason,
    Superseded,
    TenantId,
    tenant_of,
)
from codereview.errors import (
    ForbiddenError,
    LostLeaseError,
    NotFoundError,
    PermanentError,
    RetryableError,
)
from codereview.ports import (
    Busy,
    Clock,
    GitHub,
    Ids,
    Lease,
    PullRequest,
    PullRequestKey,
    RecordQueue,
    Repository,
    ReviewItem,
    ReviewStore,
)
from codereview.use_cases.make_result import MakeResult
from codereview.use_cases.publish_review import PublishReview

# A Lambda is dead at its time-out (300 s), so a longer lease can never have two living owners.
LEASE = timedelta(seconds=360)

# Right after a webhook, GitHub may not know the object yet: https://github.com/rust-lang/highfive/issues/190
_NEW_OBJECT_PAUSE = timedelta(seconds=10)
_NEW_OBJECT_AGE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPullRequest:
    """The use case; `make_result` buys and stores the result, `publish` puts it on GitHub."""

    clock: Clock
    ids: Ids
    github: GitHub
    store: ReviewStore
    record_queue: RecordQueue
    make_result: MakeResult
    publish: PublishReview

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Bring the pull request's review to an end.

        Raises RetryableError where the message has to come back, and lets bugs through for the dead-letter queue.
        """
        if envelope.repository_id is None:
            return Skipped(reason=SkipReason.NOTHING_TO_REVIEW)
        try:
            repository = self.github.repository(envelope.installation_id, envelope.repository_id)
        except ForbiddenError:
            return Skipped(reason=SkipReason.INSTALLATION_GONE)
        except NotFoundError:
            return Skipped(reason=SkipReason.NOT_OURS)
        tenant = tenant_of(envelope.host, repository.identity.owner_id)
        number = self._number(envelope, repository, tenant)
        if number is None:
            return Skipped(reason=SkipReason.NOTHING_TO_REVIEW)
        lease = self._acquire(PullRequestKey(tenant=tenant, repository_id=envelope.repository_id, number=number))
        try:
            return self._review(envelope, repository, lease, deadline)
        finally:
            self._release(lease)

    def _number(self, envelope: Envelope, repository: Repository, tenant: TenantId) -> int | None:
        """Find the pull request; a re-requested check of a fork names only the commit, but our check its review."""
        if envelope.number is not None or envelope.head_sha is None:
            return envelope.number
        for run in repository.check_runs(envelope.head_sha, CHECK_NAME):
            item = self.store.load(UUID(run.external_id)) if _is_uuid(run.external_id) else None
            if item is not None and (item.key.tenant, item.key.repository_id) == (tenant, envelope.repository_id):
                return item.key.number
        return None

    def _acquire(self, pull_request: PullRequestKey) -> Lease:
        now = self.clock.now()
        lease = self.store.acquire(pull_request, owner=self.ids.new(), now=now, until=now + LEASE)
        if isinstance(lease, Busy):
            raise RetryableError("another worker has this pull request", retry_after=lease.until - now)
        return lease

    def _release(self, lease: Lease) -> None:
        """Give the lease back; if that fails it runs out by itself."""
        try:
            self.store.release(lease)
        except (RetryableError, PermanentError):
            return

    def _review(self, envelope: Envelope, repository: Repository, lease: Lease, deadline: datetime) -> Outcome:
        pull_request = self._read(envelope, repository, lease.pull_request.number)
        if pull_request is None:
            return Skipped(reason=SkipReason.PULL_REQUEST_GONE)
        item = self._item(envelope, lease.pull_request, pull_request)
        if item.state.is_final:
            return self._finish(repository, lease, item)
        reason = self._skip_reason(envelope, repository, pull_request)
        if reason is not None:
            return self._finish(repository, lease, replace(item, state=ReviewState.SKIPPED, reason=reason.value))
        item = self._begin(repository, lease, replace(item, installation_id=envelope.installation_id))
        try:
            item = self.make_result(repository, pull_request, lease, item, deadline=deadline)
            item = self.publish(repository, lease, item, deadline=deadline)
        except LostLeaseError as error:
            raise RetryableError(str(error)) from error
        except RetryableError as error:
            self._remember(lease, item, error)
            raise
        except PermanentError as error:
            item = replace(item, state=ReviewState.FAILED, reason=str(error), last_error=repr(error))
        return self._finish(repository, lease, item)

    def _skip_reason(self, envelope: Envelope, repository: Repository, pull_request: PullRequest) -> SkipReason | None:
        reason = skip_reason(envelope, pull_request)
        if reason is None and envelope.trigger is Trigger.COMMAND:
            may_spend = envelope.sender_id is not None and repository.has_write_access(envelope.sender_id)
            return None if may_spend else SkipReason.NOT_PERMITTED
        return reason

    def _read(self, envelope: Envelope, repository: Repository, number: int) -> PullRequest | None:
        """Read the pull request as GitHub has it now, which is what counts, whatever the message says."""
        try:
            return repository.pull_request(number)
        except NotFoundError:
            if self._is_new(envelope):
                raise RetryableError(
                    "GitHub does not know the pull request yet", retry_after=_NEW_OBJECT_PAUSE
                ) from None
            return None

    def _is_new(self, envelope: Envelope) -> bool:
        received = datetime.fromisoformat(envelope.received_at) if envelope.received_at else None
        return received is not None and self.clock.now() - received < _NEW_OBJECT_AGE

    def _item(self, envelope: Envelope, place: PullRequestKey, pull_request: PullRequest) -> ReviewItem:
        """Load the review of the present head, or make it up; a message of an older head arrives there too."""
        kind = kind_of(envelope, pull_request)
        key = ReviewKey(
            tenant=place.tenant,
            repository_id=place.repository_id,
            number=place.number,
            head_sha=pull_request.head_sha,
            kind=kind,
        )
        return self.store.load(key.review_id) or ReviewItem(key=key, state=ReviewState.QUEUED)

    def _begin(self, repository: Repository, lease: Lease, item: ReviewItem) -> ReviewItem:
        """Mark the review as running, and show it as a check run; looked up first, since a retry may have made it."""
        state = item.state if item.state is ReviewState.ANSWERED else ReviewState.RUNNING
        item = replace(item, state=state, reason=None, attempts=item.attempts + 1)
        self.store.save(lease, item, now=self.clock.now())
        if item.check_run_id is not None:
            return item
        review_id = str(item.key.review_id)
        ours = [run for run in repository.check_runs(item.key.head_sha, CHECK_NAME) if run.external_id == review_id]
        run = ours[0] if ours else repository.start_check_run(item.key.head_sha, CHECK_NAME, external_id=review_id)
        item = replace(item, check_run_id=run.id)
        self.store.save(lease, item, now=self.clock.now())
        return item

    def _remember(self, lease: Lease, item: ReviewItem, error: RetryableError) -> None:
        """Keep the last error on the item for whoever looks; failing to is no second problem."""
        try:
            stored = self.store.load(item.key.review_id) or item
            self.store.save(lease, replace(stored, last_error=str(error)), now=self.clock.now())
        except (LostLeaseError, RetryableError, PermanentError):
            return

    def _finish(self, repository: Repository, lease: Lease, item: ReviewItem) -> Outcome:
        """Store the end, end the check run, hand the review to the record; each once, and again after a death."""
        self.store.save(lease, item, now=self.clock.now())
        if item.check_run_id is not None and not item.is_check_finished:
            is_posted = item.state is ReviewState.POSTED
            output = self.publish.check_output(item) if is_posted else check_without_review(item)
            repository.finish_check_run(item.check_run_id, output)
            item = replace(item, is_check_finished=True)
            self.store.save(lease, item, now=self.clock.now())
        if not item.is_recorded:
            self.record_queue.send(recorded(item, lease, finished_at=self.clock.now()))
            self.store.save(lease, replace(item, is_recorded=True), now=self.clock.now())
        return outcome_of(item)


def kind_of(envelope: Envelope, pull_request: PullRequest) -> str:
    """Name what makes this review another one than the head's automatic one: who asked, or a new base branch."""
    if envelope.trigger is not Trigger.PULL_REQUEST:
        return f"{envelope.trigger}:{envelope.trigger_id}"
    return f"base:{pull_request.base_ref}" if envelope.action == "edited" else "auto"


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def skip_reason(envelope: Envelope, pull_request: PullRequest) -> SkipReason | None:
    """Decide whether the pull request, as it is now, gets a review at all; what somebody asks for, drafts get too."""
    if not pull_request.is_open:
        return SkipReason.CLOSED
    if envelope.trigger is not Trigger.PULL_REQUEST:
        return None
    if pull_request.is_draft:
        return SkipReason.DRAFT
    return SkipReason.BOT_AUTHOR if pull_request.is_author_bot else None


def check_without_review(item: ReviewItem) -> CheckOutput:
    """Say in the check run why there is no review."""
    conclusions = {ReviewState.SUPERSEDED: Conclusion.CANCELLED, ReviewState.SKIPPED: Conclusion.SKIPPED}
    title, summary = messages.ended_without_review(item.state, item.reason)
    return CheckOutput(conclusion=conclusions.get(item.state, Conclusion.NEUTRAL), title=title, summary=summary)


def recorded(item: ReviewItem, lease: Lease, *, finished_at: datetime) -> ReviewRecorded:
    """Write the message to the record; the fence orders all messages of one pull request."""
    return ReviewRecorded(
        key=item.key,
        state=item.state,
        sequence=lease.fence,
        finished_at=finished_at.isoformat(),
        reason=item.reason,
        result_key=item.result.key if item.result else None,
        result_sha256=item.result.sha256 if item.result else None,
        github_review_id=item.github_review_id,
    )


def outcome_of(item: ReviewItem) -> Outcome:
    """Say how the review ended."""
    match item.state:
        case ReviewState.POSTED if item.github_review_id is not None:
            return Posted(github_review_id=item.github_review_id)
        case ReviewState.SUPERSEDED:
            return Superseded(newer_head_sha=item.reason or "")
        case ReviewState.SKIPPED if item.reason is not None:
            return Skipped(reason=SkipReason(item.reason))
        case _:
            return Failed(reason=item.reason or "unknown")
