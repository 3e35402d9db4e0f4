"""Puts a stored result on GitHub: at most once, at the head it was made for, and never without looking first.

GitHub refuses a whole review for one comment that it cannot place, and does not say which. What the diff says to be
unplaceable goes to the body before the first try; after a refusal, other comments do before the next one. Whatever
stands in the end, no finding is missing from it.

A try without an answer may be stored, and so may one that is refused, without its comments
(https://github.com/max-sixty/tend/issues/123). GitHub's list does not promise to show it at once. So a worker tries
once, and the next one looks a minute later before it tries again. That costs a refused review a minute or two a try,
which few ever see, since most of what is unplaceable never gets there. If the list was later still, and the review is
posted after all, it is looked for once more, and the later one becomes a pointer to the first.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

from codereview.domain.change import Change
from codereview.domain.finding import Placement
from codereview.domain.markers import finding_marker_fingerprint
from codereview.domain.merging import DEFAULT_POLICY, FindingPolicy
from codereview.domain.parking import Park, WaitReason
from codereview.domain.payload import move_to_body, tries, unplaceable
from codereview.domain.publication import CheckOutput, Publication
from codereview.domain.record import Votes
from codereview.domain.rendering import MAX_COMMENTS, publication
from codereview.domain.result import ReviewResult
from codereview.domain.review import ReviewState, SkipReason
from codereview.domain.stored import decode_result
from codereview.errors import HeldError, PermanentError, RejectedError, RetryableError, UnknownOutcomeError
from codereview.github_ports import PostedComment, PostedReview, PullRequest, Repository
from codereview.ports import Clock, Lease, Objects, ReviewItem, ReviewStore, Switches
from codereview.use_cases.find_posted import find_posted

# GitHub's list of reviews is not promised to show a review at once that was just posted. After a post without an
# answer, or with a refusal, the list is believed only when this much time has passed.
SETTLING_TIME = timedelta(seconds=60)

# Less time than this before the function ends is not enough to look, post and store.
LEAST_TIME = timedelta(seconds=60)

# Of more reviews of one pull request the comments are not read again.
_MOST_EARLIER = 30

# Of more problems the votes are not told to the record, whose messages have bounds.
_MOST_VOTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReview:
    """Posts the review of a stored result."""

    clock: Clock
    store: ReviewStore
    objects: Objects
    marker_key: bytes
    switches: Switches
    policy: FindingPolicy = DEFAULT_POLICY

    def __call__(self, repository: Repository, lease: Lease, item: ReviewItem, *, deadline: datetime) -> ReviewItem:
        """Post, or adopt what stands there already; returns the item as posted, superseded or skipped.

        Raises RetryableError if it must be tried again, LostLeaseError if somebody else does it.
        """
        if deadline - self.clock.now() < LEAST_TIME:
            raise RetryableError("too little time left to post", retry_after=timedelta())
        result = self._result(item)
        found, earlier = self._standing(repository, item)
        said = self._said(repository, item, result, earlier)
        wanted = self._publication(result, item, frozenset(fingerprint for fingerprint, _ in said))
        if found is None:
            self._wait_for_unknown_post(item)
            posted = self._post(repository, lease, item, wanted)
            if isinstance(posted, ReviewItem):
                return posted
            found, is_whole = posted
        else:
            is_whole = found.id == item.github_review_id
        comments = self._comments(repository, item, found)
        if not is_whole and comments is not None:
            self._complete(repository, item, found, comments, wanted)
        return replace(
            item,
            state=ReviewState.POSTED,
            github_review_id=found.id,
            comment_ids=tuple(comment.id for comment in comments or ()),
            votes=_voted(said),
            posting_since=None,
            reason=None,
        )

    def adopt(self, repository: Repository, item: ReviewItem) -> ReviewItem | None:
        """Return the review as posted if it stands; nothing is done but the look, for one that no worker survives."""
        found, _ = self._standing(repository, item)
        if found is None:
            return None
        return replace(item, state=ReviewState.POSTED, github_review_id=found.id, posting_since=None, reason=None)

    def _comments(
        self, repository: Repository, item: ReviewItem, found: PostedReview
    ) -> tuple[PostedComment, ...] | None:
        """List the comments of a review that stands; it does so even where GitHub does not let us in any more."""
        try:
            return tuple(repository.review_comments(item.key.number, found.id))
        except PermanentError:
            return None

    def check_output(self, item: ReviewItem) -> CheckOutput:
        """Return the check run's text of a review with a result."""
        return self._publication(self._result(item), item).check

    def _publication(self, result: ReviewResult, item: ReviewItem, said: frozenset[str] = frozenset()) -> Publication:
        return publication(
            result,
            review_id=item.key.review_id,
            marker_key=self.marker_key,
            max_comments=min(self.policy.max_comments, MAX_COMMENTS),
            standing=said,
        )

    def _said(
        self, repository: Repository, item: ReviewItem, result: ReviewResult, earlier: list[PostedReview]
    ) -> tuple[tuple[str, PostedComment], ...]:
        """Return the comments of our earlier reviews, each with the finding that it is about: none gets a second one.

        The comments are listed review by review, since only so it is certain that they are ours.
        """
        if not any(finding.placement is Placement.INLINE for finding in result.shown):
            return ()
        return tuple(
            (fingerprint, comment)
            for review in earlier[-_MOST_EARLIER:]
            for comment in repository.review_comments(item.key.number, review.id)
            if (fingerprint := finding_marker_fingerprint(comment.body, self.marker_key)) is not None
        )

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

    def _standing(self, repository: Repository, item: ReviewItem) -> tuple[PostedReview | None, list[PostedReview]]:
        return find_posted(repository, item, marker_key=self.marker_key)

    def _wait_for_unknown_post(self, item: ReviewItem) -> None:
        """Refuse to post while an earlier post of unknown outcome may still turn up."""
        if item.posting_since is None:
            return
        settled_at = item.posting_since + SETTLING_TIME
        wait = settled_at - self.clock.now()
        if wait > timedelta():
            raise RetryableError("an earlier post may still appear", retry_after=wait)

    def _ended_meanwhile(self, item: ReviewItem, pull_request: PullRequest) -> ReviewItem | None:
        """Tell whether the pull request, read right before the post, no longer wants it."""
        if pull_request.head_sha != item.key.head_sha:
            return replace(item, state=ReviewState.SUPERSEDED, reason=pull_request.head_sha)
        if not pull_request.is_open:
            return replace(item, state=ReviewState.SKIPPED, reason=SkipReason.CLOSED.value)
        return None

    def _stopped(self, item: ReviewItem) -> ReviewItem | None:
        """Look at switches and pauses at the last moment; raises HeldError where the post has to wait."""
        now = self.clock.now()
        held = self.switches.holding(item.key, now=now)
        if isinstance(held, Park):
            raise HeldError(held.reason, retry_after=held.until - now, ends=held.ends)
        return replace(item, state=ReviewState.SKIPPED, reason=held.value) if held is not None else None

    def _post(
        self, repository: Repository, lease: Lease, item: ReviewItem, wanted: Publication
    ) -> tuple[PostedReview, bool] | ReviewItem:
        """Try once; returns the review, and whether it is known to be whole, or the item if it is not to be posted now.

        The try is announced under the fence. The head is read last of all, when nothing is left to wait for.
        """
        pull_request = repository.pull_request(item.key.number)
        ended = self._ended_meanwhile(item, pull_request)
        if ended is not None:
            return ended
        moved = self._next_try(repository, item, pull_request, wanted)
        slot = repository.write_slot()
        stopped = self._stopped(item)
        if stopped is not None:
            return stopped
        posting = replace(item, posting_since=self.clock.now())
        self.store.save(lease, posting, now=self.clock.now())
        ended = self._ended_meanwhile(item, repository.pull_request(item.key.number))
        if ended is not None:
            return ended
        try:
            posted = repository.create_review(item.key.number, move_to_body(wanted, moved), slot)
        except UnknownOutcomeError as error:
            raise RetryableError(str(error), retry_after=SETTLING_TIME) from error
        except RejectedError as error:
            is_last = len(moved) == len(wanted.comments)
            return self._refused(repository, lease, replace(posting, is_refused=is_last, last_error=str(error)))
        if item.posting_since is not None:
            self._let_settle(lease, replace(posting, github_review_id=posted.id))
        return posted, True

    def _refused(self, repository: Repository, lease: Lease, item: ReviewItem) -> tuple[PostedReview, bool]:
        """Go on with what GitHub has stored all the same, or keep in mind that this try was none."""
        found, _ = self._standing(repository, item)
        if found is None:
            self._let_settle(lease, replace(item, refusals=item.refusals + 1))
        return found, False

    def _let_settle(self, lease: Lease, item: ReviewItem) -> NoReturn:
        """Give GitHub's list the time to show what may stand there; then the review is looked for again."""
        now = self.clock.now()
        self.store.save(lease, replace(item, posting_since=now), now=now)
        raise HeldError(WaitReason.SETTLING, retry_after=SETTLING_TIME)

    def _next_try(
        self, repository: Repository, item: ReviewItem, pull_request: PullRequest, wanted: Publication
    ) -> frozenset[int]:
        """Choose the comments to move to the body; raises RejectedError if GitHub took it in no way."""
        if item.is_refused:
            raise RejectedError(item.last_error or "GitHub refuses the review")
        every = tuple(tries(wanted, self._unplaceable(repository, pull_request, wanted)))
        return every[min(item.refusals, len(every) - 1)]

    def _unplaceable(self, repository: Repository, pull_request: PullRequest, wanted: Publication) -> frozenset[int]:
        """Hold the comments against the diff as GitHub has it now: the base may have moved since the result was made.

        A diff that cannot be read any more tells nothing; the tries will.
        """
        if not wanted.comments:
            return frozenset()
        try:
            files = repository.changed_files(pull_request)
        except PermanentError:
            return frozenset()
        change = Change(
            base_sha=pull_request.base_sha,
            head_sha=pull_request.head_sha,
            files=files,
            file_count=pull_request.changed_files,
        )
        return unplaceable(wanted, change)

    def _complete(
        self,
        repository: Repository,
        item: ReviewItem,
        found: PostedReview,
        comments: tuple[PostedComment, ...],
        wanted: Publication,
    ) -> None:
        """Say in the body of a review that was found what its comments should say and do not."""
        standing = {finding_marker_fingerprint(comment.body, self.marker_key) for comment in comments}
        missing = {
            index
            for index, comment in enumerate(wanted.comments)
            if finding_marker_fingerprint(comment.body, self.marker_key) not in standing
        }
        whole = move_to_body(wanted, missing).body
        if missing and whole != found.body:
            repository.edit_review(item.key.number, found.id, whole)


def _voted(said: Iterable[tuple[str, PostedComment]]) -> tuple[Votes, ...]:
    """Sum up what people think of the findings, by their thumbs; the latest comments first, so that all fit."""
    votes = dict[str, Votes]()
    for fingerprint, comment in reversed(tuple(said)):
        before = votes.get(fingerprint, Votes(fingerprint=fingerprint, up=0, down=0))
        up, down = before.up + comment.thumbs_up, before.down + comment.thumbs_down
        votes[fingerprint] = Votes(fingerprint=fingerprint, up=up, down=down)
    return tuple(each for each in votes.values() if each.up or each.down)[:_MOST_VOTES]
