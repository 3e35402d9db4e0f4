"""One message of the review queue, taken one step further: to a review, to a reason why not, or back to the queue.

The races that this module is built around:

- Two workers with messages of one pull request: the lease lets one in, the other comes back when it has run out.
- A worker that dies at any line: the next one finds what was stored and goes on from there. Answers are bought once,
  the result is stored before anything is posted, and a post is preceded by a look for our own marker on GitHub.
- A post without an answer: nothing is posted again until a minute has passed and the marker was looked for.
- A push while the models think: the head is read again right before the post.
- An outage or a limit: the review is parked, as a state with a due time, and its message acknowledged. What cannot even
  be named without GitHub is held back as a message. From its first save on, a review that has not ended has a due time,
  so that the reconciler takes it up again whatever becomes of its messages; a message that it sends names its review,
  which is ended first if the pull request has moved on.

Chosen not to handle: GitHub has no way to post a review only if the head is still the same, so a push within the last
moment leaves a review of the older commit, pinned to it by `commit_id` and shown as outdated.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.parking import MAX_STRIKES, Park
from codereview.domain.raising import raised_at
from codereview.domain.review import (
    AUTOMATIC,
    CHECK_NAME,
    LEASE,
    Outcome,
    ReviewKey,
    ReviewState,
    Skipped,
    SkipReason,
    Superseded,
    TenantId,
    tenant_of,
)
from codereview.errors import (
    BusyError,
    CodeReviewError,
    ForbiddenError,
    HeldError,
    LostLeaseError,
    NotFoundError,
    PermanentError,
    RetryableError,
)
from codereview.github_ports import GitHub, PullRequest, Repository
from codereview.ports import Agenda, Busy, Clock, Ids, Lease, PullRequestKey, ReviewItem, ReviewStore, Switches
from codereview.use_cases.end_review import EndReview, ended, our_check_run
from codereview.use_cases.hold_message import hold
from codereview.use_cases.make_result import MakeResult
from codereview.use_cases.park_review import ParkReview
from codereview.use_cases.publish_review import PublishReview

# Right after a webhook, GitHub may not know the object yet: https://github.com/rust-lang/highfive/issues/190
_NEW_OBJECT_AGE = timedelta(minutes=5)

# With less time than this before the function ends no other review is begun: models would not be asked any more.
_TIME_FOR_A_REVIEW = timedelta(seconds=180)
TOO_LATE = "too little time was left for the newer head"

FEW_REQUESTS = "few of GitHub's requests of this hour are left for this installation"

# How much later than the end of its lease a broken-off review is taken up again, doubled with each such attempt.
_STRIKE_PAUSE = timedelta(minutes=1)

# Messages of one pull request that meet at its lease come back spread over this time, not all at once again.
_BUSY_SPREAD = timedelta(minutes=1)


class PaceOfReviews(Protocol):
    """Keeps an installation's reviews from reading what no write is left for."""

    def __call__(self, installation_id: int, *, since: datetime | None) -> None:
        """Return if the review may read now, asked for then, or begun: None; raises HeldError if it may not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPullRequest:
    """The use case; `make_result` buys and stores the result, `publish` puts it on GitHub."""

    clock: Clock
    ids: Ids
    github: GitHub
    store: ReviewStore
    agenda: Agenda
    make_result: MakeResult
    publish: PublishReview
    park: ParkReview
    end: EndReview
    switches: Switches
    jitter: Callable[[], float]  # 0..1
    pace_reviews: PaceOfReviews

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Bring the pull request's review to an end, or to a state in which it waits.

        Raises BusyError where another worker has the pull request and the message has to come back, RetryableError
        where not even the waiting could be stored, and lets bugs through for the dead-letter queue.
        """
        if envelope.repository_id is None:
            return Skipped(reason=SkipReason.NOTHING_TO_REVIEW)
        try:
            return self._handle(envelope, envelope.repository_id, deadline)
        except BusyError:
            raise
        except RetryableError as error:
            return self._hold(envelope, error)
        except ForbiddenError:  # by a token that was good when the repository was opened
            return self._end_without_github(envelope, SkipReason.INSTALLATION_GONE)
        except NotFoundError:
            return self._end_without_github(envelope, SkipReason.NOT_OURS)

    def _handle(self, envelope: Envelope, repository_id: int, deadline: datetime) -> Outcome:
        try:
            repository = self.github.repository(envelope.installation_id, repository_id)
        except ForbiddenError:
            return self._end_without_github(envelope, SkipReason.INSTALLATION_GONE)
        except NotFoundError:
            return self._end_without_github(envelope, SkipReason.NOT_OURS)
        tenant = tenant_of(envelope.host, repository.identity.owner_id)
        number = self._number(envelope, repository, tenant)
        if number is None:
            return Skipped(reason=SkipReason.NOTHING_TO_REVIEW)
        lease = self._acquire(PullRequestKey(tenant=tenant, repository_id=repository_id, number=number))
        begun_at, looked_at = self.clock.now(), None
        try:
            outcome, kind = self._review(envelope, repository, lease, deadline)
            if kind == AUTOMATIC and not isinstance(outcome, Superseded):
                looked_at = begun_at
        except LostLeaseError as error:
            raise BusyError(str(error), retry_after=LEASE) from error
        finally:
            self._release(lease, looked_at=looked_at)
        return outcome

    def _end_without_github(self, envelope: Envelope, reason: SkipReason) -> Outcome:
        """End the review that a message was sent for again; its check run is out of our reach, and stays as it is."""
        item = self.store.load(UUID(envelope.review_id)) if envelope.review_id else None
        if item is not None:
            self._end_in_its_place(None, item, reason)
        return Skipped(reason=reason)

    def _end_in_its_place(self, repository: Repository | None, item: ReviewItem, reason: SkipReason) -> None:
        """End a review under the lease of its own pull request."""
        if item.is_settled and item.due_at is None:
            return
        lease = self._acquire(_place_of(item.key))
        try:
            item = self.store.load(item.key.review_id) or item
            if item.state.is_end:
                self.end.again(repository, lease, item)
            else:
                self.end(repository, lease, ended(item, ReviewState.SKIPPED, reason.value))
        except LostLeaseError as error:
            raise BusyError(str(error), retry_after=LEASE) from error
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
            wait = lease.until - now + _BUSY_SPREAD * self.jitter()
            raise BusyError("another worker has this pull request", retry_after=wait)
        return lease

    def _release(self, lease: Lease, *, looked_at: datetime | None = None) -> None:
        """Give the lease back; if that fails it runs out by itself."""
        try:
            self.store.release(lease, looked_at=looked_at)
        except (RetryableError, PermanentError):
            return

    def _review(
        self, envelope: Envelope, repository: Repository, lease: Lease, deadline: datetime
    ) -> tuple[Outcome, str | None]:
        """Review; returns also of which kind the review is that the present head has got, None where it got none."""
        resumed = self._resumed(envelope, repository, lease.pull_request)
        if resumed is not None:
            outcome = self._without_a_look(envelope, repository, lease, resumed)
            if outcome is not None:
                return outcome, None
            resumed = None if resumed.state.is_end else resumed
        has_begun = resumed is not None and resumed.check_run_id is not None
        pull_request = self._read(envelope, repository, lease.pull_request.number, has_begun=has_begun)
        has_moved = resumed is not None and pull_request is not None and pull_request.head_sha != resumed.key.head_sha
        if resumed is not None and (has_moved or pull_request is None):
            self._leave_behind(repository, pull_request, lease, resumed, deadline)
        if pull_request is None:
            return Skipped(reason=SkipReason.PULL_REQUEST_GONE), None
        if has_moved:
            return self._go_on(envelope, repository, lease, deadline)
        item = resumed or self._item(envelope, lease.pull_request, pull_request)
        if item.state.is_final:
            return self.end.again(repository, lease, item), item.key.kind
        is_maybe_posted = item.posting_since is not None  # then it is looked for, before anything else is decided
        reason = None if is_maybe_posted else self._skip_reason(envelope, repository, pull_request)
        if reason is not None:
            return self.end(repository, lease, ended(item, ReviewState.SKIPPED, reason.value)), item.key.kind
        outcome = self._work(repository, pull_request, lease, item, deadline)
        goes_on = _goes_on(envelope, outcome)
        return self._go_on(envelope, repository, lease, deadline) if goes_on else (outcome, item.key.kind)

    def _go_on(
        self, envelope: Envelope, repository: Repository, lease: Lease, deadline: datetime
    ) -> tuple[Outcome, str | None]:
        """Review the head that the pull request has moved on to, of which nothing has begun.

        Until that review is saved the message itself keeps what was asked for; it waits where time or room is missing.
        """
        asked = replace(envelope, review_id=None)
        if deadline - self.clock.now() < _TIME_FOR_A_REVIEW:
            return self._hold(asked, HeldError(TOO_LATE, retry_after=timedelta())), None
        try:
            return self._review(asked, repository, lease, deadline)
        except HeldError as error:
            return self._hold(asked, error), None

    def _hold(self, envelope: Envelope, error: RetryableError) -> Outcome:
        return hold(envelope, error, agenda=self.agenda, now=self.clock.now(), jitter=self.jitter())

    def _without_a_look(
        self, envelope: Envelope, repository: Repository, lease: Lease, resumed: ReviewItem
    ) -> Outcome | None:
        """Tell of an end, or wait on; None where the pull request has to be read."""
        if resumed.state.is_end:
            outcome = self.end.again(repository, lease, resumed)
            return None if _goes_on(envelope, outcome) else outcome
        if resumed.state is ReviewState.PARKED:
            # Before GitHub is asked: a review that is paused for days is looked at every minute.
            held = self.switches.holding(resumed.key, now=self.clock.now())
            paused = replace(resumed, waiting_since=None)
            return self.park(repository, lease, paused, held) if isinstance(held, Park) else None
        return None

    def _work(
        self, repository: Repository, pull_request: PullRequest, lease: Lease, item: ReviewItem, deadline: datetime
    ) -> Outcome:
        """Make and publish the result; what may work later parks the review, what never will ends it."""
        item = self._begin(lease, item)
        if item.strikes > MAX_STRIKES:
            return self._break_off(repository, lease, item)
        try:
            item = self._show(repository, lease, item)
            stopped = self._stopped(repository, lease, item)
            if stopped is not None:
                return stopped
            made = self.make_result(repository, pull_request, lease, item, deadline=deadline)
            if isinstance(made, Park):
                return self.park(repository, lease, replace(item, waiting_since=None), made)
            item = self.publish(repository, lease, made, deadline=deadline)
        except HeldError as error:
            item = self.store.load(item.key.review_id) or item
            until = self.clock.now() + (error.retry_after or timedelta())
            held = Park(reason=str(error), until=until, ends=error.ends)
            return self.park(repository, lease, replace(item, waiting_since=None), held)
        except RetryableError as error:
            return self.park.after(repository, lease, item, error)
        except PermanentError as error:
            item = self._given_up(self.store.load(item.key.review_id) or item, error)
        except LostLeaseError:
            raise
        except Exception as error:
            self._note(lease, item, error)
            raise
        return self.end(repository, lease, item)

    def _note(self, lease: Lease, item: ReviewItem, bug: Exception) -> None:
        """Have the review tell what broke it off, and where, in none of the bug's words: they may quote the change."""
        said = f"{type(bug).__name__} at {raised_at(bug)}"
        with suppress(CodeReviewError):
            item = self.store.load(item.key.review_id) or item
            self.store.save(lease, replace(item, last_error=said), now=self.clock.now())

    def _break_off(self, repository: Repository, lease: Lease, item: ReviewItem) -> Outcome:
        """End what no worker survives; one that may stand on GitHub is looked for first, once, or as GitHub lets us."""
        reason = f"{item.strikes - 1} attempts in a row broke off"
        failed, posted = replace(item, state=ReviewState.FAILED, reason=reason), None
        if item.posting_since is not None and item.strikes == MAX_STRIKES + 1:
            try:
                posted = self.publish.adopt(repository, item)
            except RetryableError as error:
                return self.park.after(repository, lease, item, error)
            except PermanentError as error:
                failed = replace(failed, last_error=repr(error))
        return self.end(repository, lease, posted or failed)

    def _given_up(self, item: ReviewItem, error: PermanentError) -> ReviewItem:
        item, gone = replace(item, last_error=repr(error)), self._gone(item, error)
        if gone is not None:
            return ended(item, ReviewState.SKIPPED, gone.value)
        return replace(item, state=ReviewState.FAILED, reason=str(error))

    def _gone(self, item: ReviewItem, error: PermanentError) -> SkipReason | None:
        """Ask whether what was refused is gone as a whole, which may come back; anything else is a failure for ever."""
        if not isinstance(error, ForbiddenError | NotFoundError):
            return None
        try:
            repository = self.github.repository(item.installation_id, item.key.repository_id)
        except ForbiddenError:
            return SkipReason.INSTALLATION_GONE
        except NotFoundError:
            return SkipReason.NOT_OURS
        try:
            repository.pull_request(item.key.number)
        except NotFoundError:
            return SkipReason.PULL_REQUEST_GONE
        except ForbiddenError:
            return None
        return None

    def _stopped(self, repository: Repository, lease: Lease, item: ReviewItem) -> Outcome | None:
        """Look at switches and pauses before the work; what may stand on GitHub already is looked for all the same."""
        held = self.switches.holding(item.key, now=self.clock.now()) if item.posting_since is None else None
        if isinstance(held, Park):
            return self.park(repository, lease, replace(item, waiting_since=None), held)
        if held is not None:
            return self.end(repository, lease, ended(item, ReviewState.SKIPPED, held.value))
        return None

    def _leave_behind(
        self,
        repository: Repository,
        pull_request: PullRequest | None,
        lease: Lease,
        item: ReviewItem,
        deadline: datetime,
    ) -> None:
        """End a review that the pull request has moved on from; one that may stand on GitHub is looked for first."""
        if pull_request is None:
            self.end(repository, lease, ended(item, ReviewState.SKIPPED, SkipReason.PULL_REQUEST_GONE.value))
        elif item.posting_since is not None:
            self._work(repository, pull_request, lease, item, deadline)
        else:
            self.end(repository, lease, ended(item, ReviewState.SUPERSEDED, pull_request.head_sha))

    def _resumed(self, envelope: Envelope, repository: Repository, place: PullRequestKey) -> ReviewItem | None:
        """Load the review that the message was sent again for; one of an account that has it no more ends here."""
        item = self.store.load(UUID(envelope.review_id)) if envelope.review_id else None
        if item is None or _place_of(item.key) == place:
            return item
        self._end_in_its_place(repository, item, SkipReason.NOT_OURS)
        return None

    def _skip_reason(self, envelope: Envelope, repository: Repository, pull_request: PullRequest) -> SkipReason | None:
        reason = skip_reason(envelope, pull_request)
        if reason is None and envelope.trigger is Trigger.COMMAND:
            may_spend = envelope.sender_id is not None and repository.has_write_access(envelope.sender_id)
            return None if may_spend else SkipReason.NOT_PERMITTED
        return reason

    def _read(self, envelope: Envelope, repository: Repository, number: int, *, has_begun: bool) -> PullRequest | None:
        """Read the pull request as GitHub has it now, which is what counts, whatever the message says.

        A review that has not begun leaves what GitHub has left for the installation to those that have.
        """
        if not has_begun:
            self._expect_requests(repository)
        since = None if has_begun else _received(envelope) or self.clock.now()
        self.pace_reviews(envelope.installation_id, since=since)
        try:
            found = repository.pull_request(number)
        except NotFoundError:
            if self._is_new(envelope):
                raise RetryableError("GitHub does not know the pull request yet") from None
            return None
        if not has_begun:
            self._expect_requests(repository)
        return found

    def _expect_requests(self, repository: Repository) -> None:
        """Raise HeldError, until GitHub's next hour, if the latest answer that was had said that few are left."""
        quota, now = repository.quota(), self.clock.now()
        if quota is not None and quota.is_scarce and quota.reset_at > now:
            raise HeldError(FEW_REQUESTS, retry_after=quota.reset_at - now)

    def _is_new(self, envelope: Envelope) -> bool:
        received = _received(envelope)
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
        item = self.store.load(key.review_id) or ReviewItem(key=key, state=ReviewState.QUEUED)
        return replace(
            item,
            installation_id=envelope.installation_id,
            envelope=replace(
                envelope,
                number=key.number,
                head_sha=key.head_sha,
                owner_id=_account_of(key),
                review_id=str(key.review_id),
            ),
        )

    def _begin(self, lease: Lease, item: ReviewItem) -> ReviewItem:
        """Mark the review as running, and as due when this worker can no longer be alive.

        One that is taken up again after it had ended begins anew: what it waited for, and how often it was tried to
        tell of its end, was another life's.
        """
        if item.state.is_end:
            item = replace(item, waiting_since=None, strikes=0)
        item = replace(
            item,
            state=ReviewState.ANSWERED if item.result is not None else ReviewState.RUNNING,
            reason=None,
            # A review that is taken up again after it had ended ends once more, for everybody to hear.
            is_check_finished=False,
            is_recorded=False,
            attempts=item.attempts + 1,
            strikes=item.strikes + 1,
            due_at=lease.until + _STRIKE_PAUSE * (2**item.strikes - 1),
        ).remembering(now=self.clock.now())  # here too, or the next save would not know that it ran
        self.store.save(lease, item, now=self.clock.now())
        return item

    def _show(self, repository: Repository, lease: Lease, item: ReviewItem) -> ReviewItem:
        """Show the review as a check run; looked up first, since a retry may have made it."""
        if item.check_run_id is not None:
            return item
        check_run_id = our_check_run(repository, item)
        if check_run_id is None:
            review_id = str(item.key.review_id)
            check_run_id = repository.start_check_run(item.key.head_sha, CHECK_NAME, external_id=review_id).id
        item = replace(item, check_run_id=check_run_id)
        self.store.save(lease, item, now=self.clock.now())
        return item


def _goes_on(envelope: Envelope, outcome: Outcome) -> bool:
    """Whether somebody asked for the review, and not for one of a head that is the pull request's no more."""
    return isinstance(outcome, Superseded) and envelope.trigger is not Trigger.PULL_REQUEST


def _received(envelope: Envelope) -> datetime | None:
    return datetime.fromisoformat(envelope.received_at) if envelope.received_at else None


def _place_of(key: ReviewKey) -> PullRequestKey:
    return PullRequestKey(tenant=key.tenant, repository_id=key.repository_id, number=key.number)


def kind_of(envelope: Envelope, pull_request: PullRequest) -> str:
    """Name what makes this review another one than the head's automatic one: who asked, or a new base branch."""
    if envelope.trigger is not Trigger.PULL_REQUEST:
        return f"{envelope.trigger}:{envelope.trigger_id}"
    return AUTOMATIC if envelope.is_automatic else f"base:{pull_request.base_ref}"


def _account_of(key: ReviewKey) -> int:
    """Return the account's number out of the tenant, which GitHub has confirmed, unlike the message's."""
    return int(key.tenant.rpartition(":")[2])


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
