"""What holds of every world that has come to rest, whatever happened in it."""

from collections import Counter
from collections.abc import Collection
from functools import lru_cache

from codereview.domain.markers import finding_marker_fingerprint, review_marker_id
from codereview.domain.review import ReviewState, SkipReason
from codereview.domain.stored import decode_result
from codereview.ports import ReviewItem
from tests.scenarios.world import KEY, World

# Signatures of the same few texts, looked at thousands of times.
_review_of = lru_cache(10_000)(lambda body: review_marker_id(body, KEY))
_finding_of = lru_cache(10_000)(lambda body: finding_marker_fingerprint(body, KEY))


def reviews_by_id(world: World) -> dict[str, str]:
    """Name the reviews that stand on GitHub by their markers, each with its commit; none may stand twice."""
    standing = [(str(_review_of(review.body)), review.commit_id or "") for review, _ in world.reviews]
    assert len(dict(standing)) == len(standing), "a review is posted twice"
    return dict(standing)


def expect_nothing_lost_or_doubled(world: World, *, has_access: bool = True, gone: Collection[SkipReason] = ()) -> None:
    """Hold that all work has ended, that everybody was told its last state, and that nothing unknown stands on GitHub.

    Without access to GitHub no check run can be ended. What was posted without an answer, right before the repository
    was out of our reach for one of the reasons in `gone`, is not looked for any more.
    """
    assert world.dead_letters == [], "a message went to the dead-letter queue"
    assert not world.waits, "work is left over"
    assert all(item.is_settled for item in world.items.values()), "an end was not told"
    assert world.stale_writes == 0, "an old fence was good for a write"
    told = {message.review_id: message for message in sorted(world.recorded, key=lambda told: told.sequence)}
    assert {key: item.state for key, item in world.items.items()} == {key: at.state for key, at in told.items()}
    if has_access:
        assert all(run.status == "completed" for run, _, _ in world.checks.values()), "a check run has no end"
    posted = [item for item in world.items.values() if item.state is ReviewState.POSTED]
    known, standing = {str(item.key.review_id) for item in posted}, reviews_by_id(world).keys()
    left = {str(item.key.review_id) for item in world.items.values() if item.posting_since and item.reason in gone}
    assert known == standing - left, "a review stands that nobody knows of"
    ids = {str(_review_of(review.body)): review.id for review, _ in world.reviews}
    assert all(item.github_review_id == ids[str(item.key.review_id)] for item in posted)
    for item in posted:
        assert told[item.key.review_id].result_key == (item.result.key if item.result else None), "another result"
        expect_every_finding_once(world, item, has_access=has_access)
    assert len(world.checks) == len({run.external_id for run, _, _ in world.checks.values()}), "two check runs of one"


def expect_what_stands_is_what_is_on_record(world: World) -> None:
    """Hold that each posted review says what its stored result says, which is what the record will hold."""
    texts = {
        review.id: "\n".join([posted.body, *(comment.body for comment in posted.comments)])
        for review, posted in world.reviews
    }
    for item in world.items.values():
        if item.state is ReviewState.POSTED and item.result is not None and item.github_review_id is not None:
            for finding in decode_result(world.objects[item.result.key]).findings:
                assert finding.candidate.title in texts[item.github_review_id], "the record says something else"


def expect_every_finding_once(world: World, item: ReviewItem, *, has_access: bool = True) -> None:
    """Hold that whatever is recorded of a review stands in it: as one comment, or listed in its body.

    The comments of a review that was posted right before we were shut out cannot be listed any more.
    """
    assert item.result is not None
    result = decode_result(world.objects[item.result.key])
    (publication,) = [posted for review, posted in world.reviews if review.id == item.github_review_id]
    comments = Counter(_finding_of(comment.body) for comment in publication.comments)
    assert comments.total() == len(item.comment_ids) or not (item.comment_ids or has_access)
    for finding in result.shown:
        listed = publication.body.count(finding.candidate.title)
        assert comments[finding.fingerprint] + listed == 1, "a finding is not said once"
