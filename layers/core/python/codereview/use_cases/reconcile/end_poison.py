"""Ends the reviews of letters that were moved back in vain: as failed, with the check run and the record told.

The letters stay where they are, and the alarm with them: what broke is still to be found. A review that a worker has
written on since the last move is alive, and one whose message names no review is for a person to look after.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from codereview.domain.asked import asked_review, asked_review_id
from codereview.domain.control.queues import RawLetter
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode
from codereview.domain.parking import GIVE_UP_AFTER
from codereview.domain.reconciling import MAX_MOVES
from codereview.domain.review import CHECK_NAME, LEASE, ReviewState
from codereview.errors import LostLeaseError, PermanentError, RetryableError
from codereview.github_ports import GitHub, Repository
from codereview.ports import Busy, Clock, Ids, Lease, PullRequestKey, ReviewItem, ReviewStore
from codereview.use_cases.end_review import EndReview, our_check_run

IN_VAIN: Final = f"its message broke off at every attempt, also after it was moved back {MAX_MOVES} times"

# What tells that a pull request wants no review any more is no reason to say that it did not get one.
_ENDS_WORK = frozenset({"closed", "converted_to_draft"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPoison:
    """What becomes of a review in the end, if nothing else could be made of its message."""

    clock: Clock
    ids: Ids
    github: GitHub
    store: ReviewStore
    end: EndReview

    def __call__(self, letter: RawLetter, *, moved_at: datetime) -> bool:
        """End the letter's review, if it is one to end; raises RetryableError where that has to wait."""
        try:
            envelope = decode(letter.body)
        except PermanentError:
            return False
        review_id = asked_review_id(envelope)
        if review_id is None or envelope.action in _ENDS_WORK or not self._is_old(letter, envelope):
            return False
        known = self.store.load(review_id)
        item = known or _made_up(envelope)
        if item is None or not _is_left_over(item, moved_at):
            return False
        repository = self._open(envelope, item)
        if repository is None and known is None:
            return False  # of a repository that is not ours, or somebody else's by now: nobody waits for it
        return self._end(repository, item, moved_at)

    def _is_old(self, letter: RawLetter, envelope: Envelope) -> bool:
        """Whether there was time for all the moves; a letter of yesterday lies here for another one's sake."""
        began = datetime.fromisoformat(envelope.received_at) if envelope.received_at else letter.sent_at
        return began is not None and self.clock.now() - began > GIVE_UP_AFTER

    def _open(self, envelope: Envelope, item: ReviewItem) -> Repository | None:
        """Open the repository, and prove with it whose it is."""
        try:
            repository = self.github.repository(envelope.installation_id, item.key.repository_id)
        except PermanentError:
            return None
        return repository if repository.identity.owner_id == envelope.owner_id else None

    def _end(self, repository: Repository | None, item: ReviewItem, moved_at: datetime) -> bool:
        key, now = item.key, self.clock.now()
        place = PullRequestKey(tenant=key.tenant, repository_id=key.repository_id, number=key.number)
        lease = self.store.acquire(place, owner=self.ids.new(), now=now, until=now + LEASE)
        if isinstance(lease, Busy):
            return False
        try:
            item = self.store.load(key.review_id) or item
            if not _is_left_over(item, moved_at):
                return False
            self.end(repository, lease, self._failed(repository, item))
        except LostLeaseError:
            return False
        finally:
            self._release(lease)
        return True

    def _failed(self, repository: Repository | None, item: ReviewItem) -> ReviewItem:
        check_run_id = item.check_run_id
        if check_run_id is None and repository is not None:
            check_run_id = _shown(repository, item)
        return replace(
            item,
            state=ReviewState.FAILED,
            reason=IN_VAIN,
            check_run_id=check_run_id,
            is_check_finished=False,
            is_recorded=False,
        )

    def _release(self, lease: Lease) -> None:
        """Give the lease back; if that fails it runs out by itself."""
        try:
            self.store.release(lease)
        except (RetryableError, PermanentError):
            return


def _made_up(envelope: Envelope) -> ReviewItem | None:
    """Make the item that no worker came to make, where the message alone says which review it is."""
    key = asked_review(envelope)
    if key is None:
        return None
    return ReviewItem(
        key=key,
        state=ReviewState.QUEUED,
        installation_id=envelope.installation_id,
        envelope=replace(envelope, review_id=str(key.review_id)),
    )


def _is_left_over(item: ReviewItem, moved_at: datetime) -> bool:
    """Whether no worker has written on it since the last move; or whether it was ended here, and that was not told."""
    if item.is_settled or (item.state.is_end and item.reason != IN_VAIN):
        return False
    return item.reason == IN_VAIN or item.updated_at is None or item.updated_at < moved_at


def _shown(repository: Repository, item: ReviewItem) -> int | None:
    """Show the review, so that its end can be seen; one whose commit is gone is seen in the API alone."""
    try:
        found = our_check_run(repository, item)
        if found is not None:
            return found
        review_id = str(item.key.review_id)
        return repository.start_check_run(item.key.head_sha, CHECK_NAME, external_id=review_id).id
    except PermanentError:
        return None
