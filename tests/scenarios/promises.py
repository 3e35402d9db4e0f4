"""What holds of every world that has come to rest, whatever happened in it."""

from codereview.domain.markers import review_marker_id
from codereview.domain.review import ReviewState
from codereview.domain.stored import decode_result
from tests.scenarios.world import KEY, World


def reviews_by_id(world: World) -> dict[str, str]:
    """Name the reviews that stand on GitHub by their markers, each with its commit; none may stand twice."""
    standing = [(str(review_marker_id(review.body, KEY)), review.commit_id or "") for review, _ in world.reviews]
    assert len(dict(standing)) == len(standing), "a review is posted twice"
    return dict(standing)


def expect_nothing_lost_or_doubled(world: World, *, has_access: bool = True) -> None:
    """Hold that all work has ended, that everybody was told its last state, and that nothing unknown stands on GitHub.

    Without access to GitHub no check run can be ended.
    """
    assert world.dead_letters == [], "a message went to the dead-letter queue"
    assert not world.waits, "work is left over"
    assert all(item.is_settled for item in world.items.values()), "an end was not told"
    told = {message.review_id: message for message in sorted(world.recorded, key=lambda told: told.sequence)}
    assert {key: item.state for key, item in world.items.items()} == {key: at.state for key, at in told.items()}
    if has_access:
        assert all(run.status == "completed" for run, _, _ in world.checks.values()), "a check run has no end"
    posted = [item for item in world.items.values() if item.state is ReviewState.POSTED]
    known, standing = {item.github_review_id for item in posted}, {review.id for review, _ in world.reviews}
    assert known == standing, "a review stands that nobody knows of"
    assert reviews_by_id(world).keys() == {str(item.key.review_id) for item in posted}
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
