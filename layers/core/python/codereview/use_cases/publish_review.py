"""Puts a stored result on GitHub: at most once, at the head it was made for, and never without looking first."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from codereview.domain.markers import review_marker_id
from codereview.domain.payload import without_comments
from codereview.domain.publication import CheckOutput, Publication
from codereview.domain.rendering import publication
from codereview.domain.result import ReviewResult
from codereview.domain.review import ReviewState, SkipReason
from codereview.domain.stored import decode_result
from codereview.errors import PermanentError, RejectedError, RetryableError, UnknownOutcomeError
from codereview.ports import Clock, Lease, Objects, PostedReview, Repository, ReviewItem, ReviewStore

# GitHub's list of reviews is not promised to show a review at once that was just posted. After a post without an
# answer, the list is believed only when this much time has passed.
SETTLING_TIME = timedelta(seconds=60)

# Less time than this before the function ends is not enough to look, post and store.
LEAST_TIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReview:
    """Posts the review of a stored result."""

    clock: Clock
    store: ReviewStore
    objects: Objects
    marker_key: bytes

    def __call__(self, repository: Repository, lease: Lease, item: ReviewItem, *, deadline: datetime) -> ReviewItem:
        """Post, or adopt what stands there already; returns the item as posted, superseded or skipped.

        Raises RetryableError if it must be tried again, LostLeaseError if somebody else does it.
        """
        if deadline - self.clock.now() < LEAST_TIME:
            raise RetryableError("too little time left to post", retry_after=timedelta())
        result = self._result(item)
        found = self._standing(repository, item)
        if found is None:
            self._wait_for_unknown_post(item)
            ended = self._ended_meanwhile(repository, item)
            if ended is not None:
                return ended
            found, item = self._post(repository, lease, item, self._publication(result, item))
        comment_ids = tuple(comment.id for comment in repository.review_comments(item.key.number, found.id))
        return replace(
            item,
            state=ReviewState.POSTED,
            github_review_id=found.id,
            comment_ids=comment_ids,
            posting_since=None,
            reason=None,
        )

    def check_output(self, item: ReviewItem) -> CheckOutput:
        """Return the check run's text of a review with a result."""
        return self._publication(self._result(item), item).check

    def _publication(self, result: ReviewResult, item: ReviewItem) -> Publication:
        return publication(result, review_id=item.key.review_id, marker_key=self.marker_key)

    def _result(self, item: ReviewItem) -> ReviewResult:
        """Read the stored result; raises PermanentError if it is not what was stored."""
        if item.result is None:
            raise PermanentError("there is no result to publish")
        data = self.objects.get(item.result.key)
        if data is None:
            raise RetryableError("the stored result cannot be read yet")
        if hashlib.sha256(data).hexdigest() != item.result.sha256:
            raise PermanentError("the stored result is not the one that was stored")
        return decode_result(data)

    def _standing(self, repository: Repository, item: ReviewItem) -> PostedReview | None:
        """Look for this review on all pages; remove what was left pending, since it blocks every post."""
        for review in repository.reviews(item.key.number):
            if not review.is_ours:
                continue
            if review.is_pending:
                repository.delete_pending_review(item.key.number, review.id)
            elif review_marker_id(review.body, self.marker_key) == item.key.review_id:
                return review
        return None

    def _wait_for_unknown_post(self, item: ReviewItem) -> None:
        """Refuse to post while an earlier post of unknown outcome may still turn up."""
        if item.posting_since is None:
            return
        settled_at = item.posting_since + SETTLING_TIME
        wait = settled_at - self.clock.now()
        if wait > timedelta():
            raise RetryableError("an earlier post may still appear", retry_after=wait)

    def _ended_meanwhile(self, repository: Repository, item: ReviewItem) -> ReviewItem | None:
        """Read the head once more, right before the post."""
        pull_request = repository.pull_request(item.key.number)
        if pull_request.head_sha != item.key.head_sha:
            return replace(item, state=ReviewState.SUPERSEDED, reason=pull_request.head_sha)
        if not pull_request.is_open:
            return replace(item, state=ReviewState.SKIPPED, reason=SkipReason.CLOSED.value)
        return None

    def _post(
        self, repository: Repository, lease: Lease, item: ReviewItem, wanted: Publication
    ) -> tuple[PostedReview, ReviewItem]:
        """Announce the post under the fence, then post."""
        item = replace(item, posting_since=self.clock.now())
        self.store.save(lease, item, now=self.clock.now())
        try:
            return repository.create_review(item.key.number, wanted), item
        except UnknownOutcomeError as error:
            raise RetryableError(str(error), retry_after=SETTLING_TIME) from error
        except RejectedError:
            # A 422 does not say which comment it is about, and on record are refused reviews that were stored all the
            # same (https://github.com/max-sixty/tend/issues/123): look, then say everything in the body.
            found = self._standing(repository, item)
            if found is not None:
                return found, item
            return repository.create_review(item.key.number, without_comments(wanted)), item
