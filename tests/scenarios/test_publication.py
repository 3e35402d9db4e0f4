"""What becomes of a review that GitHub refuses: it is posted once, and no finding is missing from it."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from itertools import count
from math import log2
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.markers import review_marker_id
from codereview.domain.merging import FindingPolicy
from codereview.domain.publication import Publication, ReviewComment
from codereview.domain.record import Votes
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.domain.stored import encode_result
from codereview.errors import ForbiddenError, RejectedError, RetryableError
from codereview.github_ports import PostedReview, WriteSlot
from codereview.ports import Lease, PullRequestKey, ReviewItem, StoredObject
from codereview.use_cases.end_review import recorded
from codereview.use_cases.publish_review import SETTLING_TIME, PublishReview
from tests.scenarios.events import HEAD_A, HEAD_B
from tests.scenarios.fake_desk import SwitchBoard
from tests.scenarios.fake_github import GitHub, Repository
from tests.scenarios.fake_stores import Clock, Objects, Store
from tests.scenarios.faults import Death, Mode, Outage
from tests.scenarios.world import FUNCTION_TIMEOUT, KEY, VISIBILITY, World

_KEY = ReviewKey(tenant=TenantId("github.com:1"), repository_id=2, number=3, head_sha=HEAD_A, kind="auto")
_PLACE = PullRequestKey(tenant=_KEY.tenant, repository_id=2, number=3)


def _finding(number: int, line: int = 1) -> Finding:
    candidate = Candidate(
        agent="correctness",
        rule="r",
        severity=Severity.HIGH,
        path="a.py",
        quote="b",
        title=f"Nr{number}.",
        body="Body.",
    )
    return Finding(
        candidate=candidate,
        path="a.py",
        placement=Placement.INLINE,
        anchor=Anchor(side=Side.RIGHT, line=line),
        text="b",
        fingerprint=f"{number:064x}",
    )


def _result(findings: list[Finding]) -> ReviewResult:
    return ReviewResult(
        base_sha="0" * 40,
        head_sha=HEAD_A,
        findings=tuple(findings),
        runs=(AgentRun(agent="correctness", status=RunStatus.COMPLETE, engine="model"),),
        coverage=Coverage(reviewed=("a.py",), unreviewed=(), file_count=1),
    )


def _publish(
    world: World, findings: list[Finding], *, key: ReviewKey = _KEY, most: int = 20, most_comments: int = 25
) -> ReviewItem:
    """Publish as the queue does: again after each failure, until it is done."""
    data = encode_result(_result(findings))
    stored = StoredObject(key="results/x", sha256=hashlib.sha256(data).hexdigest())
    world.objects[stored.key] = data
    world.items[key.review_id] = ReviewItem(key=key, state=ReviewState.ANSWERED, result=stored)
    for _ in range(most):
        world.is_dead = False
        try:
            lease = Store(world).acquire(_PLACE, owner=UUID(int=1), now=world.now, until=world.now + FUNCTION_TIMEOUT)
            assert isinstance(lease, Lease)
            publish = PublishReview(
                clock=Clock(world),
                store=Store(world),
                objects=Objects(world),
                marker_key=KEY,
                switches=SwitchBoard(world),
                policy=FindingPolicy(max_comments=most_comments),
            )
            repository = GitHub(world).repository(5, 2)
            item = world.items[key.review_id]
            return publish(repository, lease, item, deadline=world.now + FUNCTION_TIMEOUT)
        except RetryableError as error:
            world.now += error.retry_after if error.retry_after is not None else VISIBILITY
        except Death:
            world.now += VISIBILITY
    raise AssertionError("never published")


def _is(*numbers: int) -> set[str]:
    return {f"Nr{number}." for number in numbers}


def _title(comment: ReviewComment) -> str:
    return next(word for word in comment.body.split() if word.startswith("Nr"))


def _inline(publication: Publication) -> set[str]:
    return set(map(_title, publication.comments))


def _expect_all(world: World, number: int) -> Publication:
    """Hold that there is one review, with each finding in it exactly once."""
    ((review, publication),) = world.reviews
    assert review.commit_id == HEAD_A
    for index in range(number):
        title = f"Nr{index}."
        assert (title in _inline(publication)) + publication.body.count(f"· {title}") == 1, title
    return publication


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_f43_one_comment_that_github_refuses_costs_few_others_their_line(numbers: tuple[int, int]) -> None:
    number, bad = numbers
    world = World(refuses=lambda comment: _title(comment) in _is(bad))
    item = _publish(world, [_finding(index) for index in range(number)])
    publication = _expect_all(world, number)
    assert f"Nr{bad}." not in _inline(publication)
    assert len(_inline(publication)) >= number - number / number.bit_length() - 1
    assert world.calls.count("github.create_review") <= log2(number) + 2
    assert len(item.comment_ids) == len(publication.comments)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.sets(st.integers(0, 24)), st.booleans())
def test_f43_whatever_is_refused_no_finding_is_lost_and_none_posted_twice(
    number: int, bad: set[int], keeps_refused: bool
) -> None:
    world = World(refuses=lambda comment: _title(comment) in _is(*bad), keeps_refused=keeps_refused)
    _publish(world, [_finding(index) for index in range(number)])
    publication = _expect_all(world, number)
    assert _inline(publication).isdisjoint(_is(*bad))
    assert world.calls.count("github.create_review") <= log2(number) + 5


@pytest.mark.usefixtures("rendered_once")
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("keeps_refused", [False, True])
def test_f41_f43_whatever_call_goes_wrong_among_the_tries_each_finding_is_said_once(
    mode: Mode, *, keeps_refused: bool
) -> None:
    for number in count():
        outage = Outage(at=number, mode=mode)
        world = World(
            refuses=lambda comment: _title(comment) in _is(2, 7), keeps_refused=keeps_refused, outages=[outage]
        )
        _publish(world, [_finding(index) for index in range(9)])
        _expect_all(world, 9)
        if not outage.has_fired:
            assert number > 8
            return


def test_b56_a_comment_that_the_diff_has_no_line_for_is_not_even_tried() -> None:
    world = World(refuses=lambda comment: comment.line != 1)
    _publish(world, [_finding(0), _finding(1, line=2), _finding(2)])
    publication = _expect_all(world, 3)
    assert _inline(publication) == _is(0, 2)
    assert world.refusals == 0


def test_a_refusal_that_no_comment_is_the_reason_for_ends_the_review(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    tried: list[int] = []

    def refuse(_: Repository, number: int, publication: Publication, slot: WriteSlot) -> PostedReview:
        tried.append(len(publication.comments))
        raise RejectedError(f"GitHub answered 422 for number {number}")

    monkeypatch.setattr(Repository, "create_review", refuse)
    with pytest.raises(RejectedError):
        _publish(world, [_finding(0), _finding(1)])
    assert tried == [2, 1, 1, 0]


def test_f44_a_push_among_the_tries_ends_them() -> None:
    world = World()

    def refuse_and_push(comment: ReviewComment) -> bool:
        world.head = HEAD_B
        return True

    world.refuses = refuse_and_push
    item = _publish(world, [_finding(index) for index in range(9)])
    assert (item.state, item.reason) == (ReviewState.SUPERSEDED, HEAD_B)
    assert world.reviews == []
    assert world.refusals == 1


def test_f30_a_try_that_takes_all_the_time_leaves_the_next_one_to_the_next_worker() -> None:
    world = World()

    def refuse_slowly(comment: ReviewComment) -> bool:
        world.now += timedelta(seconds=270)
        return _title(comment) == "Nr0."

    world.refuses = refuse_slowly
    _publish(world, [_finding(0)])
    assert _expect_all(world, 1).comments == ()
    assert world.refusals == 1


@pytest.mark.parametrize("lag", [5, 59])
@pytest.mark.parametrize("refused", [{0}, {0, 1, 2, 3}], ids=["one", "all"])
def test_f43_what_github_refused_and_stored_all_the_same_may_be_listed_late(lag: int, refused: set[int]) -> None:
    world = World(
        refuses=lambda comment: _title(comment) in _is(*refused), keeps_refused=True, lag=timedelta(seconds=lag)
    )
    item = _publish(world, [_finding(index) for index in range(4)])
    assert _expect_all(world, 4).comments == ()
    assert world.refusals == 1
    assert item.state is ReviewState.POSTED


def test_f43_after_the_last_try_too_github_gets_the_time_to_list_what_it_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, create, tried = World(lag=timedelta(seconds=30)), Repository.create_review, list[int]()

    def refuse(self: Repository, number: int, publication: Publication, slot: WriteSlot) -> PostedReview:
        tried.append(len(publication.comments))
        if not publication.comments:
            create(self, number, publication, slot)
        raise RejectedError("GitHub answered 422")

    monkeypatch.setattr(Repository, "create_review", refuse)
    assert _publish(world, [_finding(0)]).state is ReviewState.POSTED
    _expect_all(world, 1)
    assert tried == [1, 0]


def test_f45_f41_a_try_without_an_answer_is_looked_for_a_minute_after_it_and_not_before() -> None:
    world = World(refuses=lambda comment: _title(comment) == "Nr0.")
    _publish(world, [_finding(index) for index in range(4)])
    number = [index for index, name in enumerate(world.calls) if name == "github.create_review"][1]
    again = World(refuses=lambda comment: _title(comment) == "Nr0.", outages=[Outage(at=number, mode=Mode.ERROR_AFTER)])
    begun = again.now
    _publish(again, [_finding(index) for index in range(4)])
    _expect_all(again, 4)
    assert again.now - begun >= SETTLING_TIME
    assert again.calls.count("github.create_review") == 2


def test_f41_a_review_that_is_listed_too_late_ends_as_the_one_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub's list lags behind by more than we wait, so that a post without an answer is made again."""
    undisturbed = World()
    _publish(undisturbed, [_finding(0)])
    at = undisturbed.calls.index("github.create_review")
    world = World(lag=SETTLING_TIME * 1.5, outages=[Outage(at=at, mode=Mode.ERROR_AFTER)])
    item = _publish(world, [_finding(0)])
    (first, whole), (second, pointer) = world.reviews
    assert (item.state, item.github_review_id) == (ReviewState.POSTED, first.id)
    assert _inline(whole) == _is(0)
    assert review_marker_id(pointer.body, KEY) == _KEY.review_id
    assert pointer.body.rpartition("\n\n")[0] == snapshot("""\
### AI Code Review: posted twice

GitHub has taken this review twice. [The first one](https://github.com/o/r/pull/3#pullrequestreview-1) counts.\
""")
    assert second.id == 2


def test_two_reviews_of_one_that_are_found_become_one_and_a_pointer_once() -> None:
    world = World()
    item = _publish(world, [_finding(0)])
    ((first, publication),) = world.reviews
    world.reviews.append((replace(first, id=77), publication))
    for _ in range(2):
        assert _publish(world, [_finding(0)]).github_review_id == item.github_review_id
    assert [review.body == publication.body for review, _ in world.reviews] == [True, False]
    assert world.calls.count("github.edit_review") == 1
    assert world.calls.count("github.create_review") == 1


def test_a_double_that_github_does_not_let_us_edit_is_no_reason_to_give_the_review_up() -> None:
    world = World()
    _publish(world, [_finding(0)])
    ((first, publication),) = world.reviews
    world.reviews.append((replace(first, id=77), publication))
    world.before["github.edit_review"] = _refuse_to_edit
    assert _publish(world, [_finding(0)]).github_review_id == first.id


def _refuse_to_edit() -> None:
    raise ForbiddenError("GitHub answered 403")


def test_a_review_that_stands_without_its_comments_is_made_whole_by_an_edit() -> None:
    world = World(refuses=lambda _: True, keeps_refused=True)
    item = _publish(world, [_finding(0), _finding(1)])
    _expect_all(world, 2)
    assert world.calls.count("github.edit_review") == 1
    assert item.state is ReviewState.POSTED
    ((review, publication),) = world.reviews
    world.items[_KEY.review_id] = replace(item, state=ReviewState.ANSWERED)
    _publish(world, [_finding(0), _finding(1)])
    assert world.reviews == [(review, publication)]
    assert world.calls.count("github.edit_review") == 1


def test_what_is_beyond_the_cap_is_listed_in_the_body() -> None:
    world = World()
    _publish(world, [_finding(index) for index in range(14)], most_comments=10)
    assert _inline(_expect_all(world, 14)) == _is(*range(10))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sets(st.integers(0, 12)), min_size=1, max_size=4), st.sampled_from([3, 25]), st.booleans())
def test_a_finding_gets_one_comment_however_many_reviews_find_it(
    rounds: list[set[int]], most_comments: int, has_refusals: bool
) -> None:
    world = World(refuses=lambda comment: has_refusals and _title(comment) in _is(2))
    for number, found in enumerate(rounds):
        key = replace(_KEY, kind=f"comment:{number}")
        _publish(world, [_finding(index) for index in sorted(found)], key=key, most_comments=most_comments)
        _, publication = world.reviews[-1]
        for index in found:
            assert (f"Nr{index}." in _inline(publication)) + publication.body.count(f"· Nr{index}.") == 1
    commented = [title for _, publication in world.reviews for title in _inline(publication)]
    assert len(commented) == len(set(commented))


def test_a_strangers_copy_of_our_comments_hides_no_finding() -> None:
    world = World()
    _publish(world, [_finding(0)])
    ((review, publication),) = world.reviews
    other = World(reviews=[(replace(review, is_ours=False), publication)])
    _publish(other, [_finding(0)])
    assert [_inline(posted) for _, posted in other.reviews] == [_is(0), _is(0)]


def test_what_people_think_of_earlier_comments_goes_into_the_record_with_the_next_review() -> None:
    world = World()
    first = _publish(world, [_finding(0), _finding(1), _finding(2)])
    assert first.votes == ()
    liked, disliked, _ = first.comment_ids
    world.thumbs |= {liked: (2, 1), disliked: (0, 3)}
    requests = len(world.calls)
    second = _publish(world, [_finding(1), _finding(3)], key=replace(_KEY, kind="comment:2"))
    assert set(second.votes) == {
        Votes(fingerprint=_finding(0).fingerprint, up=2, down=1),
        Votes(fingerprint=_finding(1).fingerprint, up=0, down=3),
    }
    # They come with the list of comments that is read anyway.
    assert world.calls[requests:].count("github.review_comments") == 2
    lease = Lease(pull_request=_PLACE, owner=UUID(int=1), fence=9, until=world.now)
    assert recorded(second, lease, finished_at=world.now).votes == second.votes
