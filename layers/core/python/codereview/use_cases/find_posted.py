"""Looks for what of ours stands on a pull request already, and lets nothing of it stand twice."""

from collections.abc import Iterable
from contextlib import suppress

from codereview import messages
from codereview.domain.markers import review_marker, review_marker_id
from codereview.errors import PermanentError
from codereview.github_ports import PostedReview, Repository
from codereview.ports import ReviewItem


def find_posted(
    repository: Repository, item: ReviewItem, *, marker_key: bytes
) -> tuple[PostedReview | None, list[PostedReview]]:
    """Look for this review on all pages, and for our others of the same pull request.

    What was left pending is removed, since it blocks every post. Where the review stands twice, the first is returned,
    and the others say where it is: a submitted review can be edited, but not deleted.
    """
    standing: list[PostedReview] = []
    others: list[PostedReview] = []
    for review in repository.reviews(item.key.number):
        if not review.is_ours:
            continue
        review_id = review_marker_id(review.body, marker_key)
        if review.is_pending:
            repository.delete_pending_review(item.key.number, review.id)
        elif review_id == item.key.review_id:
            standing.append(review)
        elif review_id is not None:
            others.append(review)
    known = item.github_review_id
    if known is not None and known not in [review.id for review in standing]:
        standing.append(_unlisted(item, known))
    if not standing:
        return None, others
    first, *doubles = standing
    _lead_to(first, doubles, repository, item, marker_key)
    return first, others


def _unlisted(item: ReviewItem, review_id: int) -> PostedReview:
    """Stand for a review that GitHub's answer named and its list does not show yet."""
    return PostedReview(id=review_id, body="", commit_id=item.key.head_sha, is_ours=True, is_pending=False)


def _lead_to(
    first: PostedReview, doubles: Iterable[PostedReview], repository: Repository, item: ReviewItem, marker_key: bytes
) -> None:
    """Leave a pointer in the place of each double, with the marker, so that its comments are still known as ours."""
    host, _, _ = item.key.tenant.rpartition(":")
    place = f"{repository.identity.owner}/{repository.identity.name}/pull/{item.key.number}"
    text = messages.posted_twice(f"https://{host}/{place}#pullrequestreview-{first.id}")
    body = f"{text}\n\n{review_marker(item.key.review_id, marker_key)}"
    for double in doubles:
        if double.body.rstrip() != body:
            with suppress(PermanentError):  # it stands twice then, which is no reason to give the review up
                repository.edit_review(item.key.number, double.id, body)
