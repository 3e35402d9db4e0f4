"""One pull request's way through the reviewer, undisturbed and with every single call going wrong."""

from dataclasses import replace
from itertools import count

import pytest

from codereview.domain.envelope import Trigger
from codereview.domain.publication import Conclusion, Publication
from codereview.domain.review import Failed, Parked, Posted, ReviewState, Skipped, SkipReason, Superseded
from codereview.errors import RejectedError, RetryableError
from codereview.github_ports import PostedReview, WriteSlot
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.fake_github import Repository
from tests.scenarios.faults import Mode, Outage
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.world import FUNCTION_TIMEOUT, World


def expect_one_review(world: World, *, head: str = HEAD_A) -> None:
    """Hold the promises: one review, one finished check run, one record that everybody agrees on."""
    ((review, publication),) = world.reviews
    assert review.commit_id == publication.commit_id == head
    assert publication.event == "COMMENT"
    ((run, check_head, output),) = world.checks.values()
    assert (run.status, check_head) == ("completed", head)
    assert output is not None
    (item,) = world.items.values()
    assert item.state is ReviewState.POSTED
    assert item.github_review_id == review.id
    assert item.is_recorded
    assert {message.review_id for message in world.recorded} == {item.key.review_id}
    assert {message.result_sha256 for message in world.recorded} == {item.result.sha256 if item.result else None}


def test_a_pull_request_gets_one_review_one_check_run_and_one_record() -> None:
    world = World()
    outcome = world.deliver(pull_request_event())
    assert isinstance(outcome, Posted)
    expect_one_review(world)
    assert len(world.recorded) == 1
    assert world.model_calls == 1


def test_f9_a_duplicate_message_finds_the_work_done() -> None:
    world = World()
    first = world.deliver(pull_request_event())
    assert world.deliver(pull_request_event()) == first
    expect_one_review(world)
    assert world.model_calls == 1


@pytest.mark.parametrize("mode", list(Mode))
def test_f28_f41_f42_whatever_call_goes_wrong_once_there_is_one_review_in_the_end(mode: Mode) -> None:
    for number in count():
        outage = Outage(at=number, mode=mode)
        world = World(outages=[outage])
        world.deliver(pull_request_event())
        if not outage.has_fired:
            assert number > 20  # the loop did go through the whole life
            return
        expect_one_review(world)
        # A model call that was made and whose answer was lost before it was stored has to be made again, once.
        assert world.model_calls <= 2, world.calls[number]


def test_a_call_that_went_wrong_after_the_answer_was_stored_buys_nothing_again() -> None:
    for number in count():
        outage = Outage(at=number, mode=Mode.DEATH_AFTER)
        world = World(outages=[outage])
        world.deliver(pull_request_event())
        if not outage.has_fired:
            return
        answered_at = world.calls.index("objects.put") if "objects.put" in world.calls else 0
        if number >= answered_at:
            assert world.model_calls == 1, world.calls[number]


def test_f9_a_second_worker_waits_for_the_lease_instead_of_acknowledging() -> None:
    world = World()
    second_opinion: list[Exception] = []

    def intrude() -> None:
        try:
            world.reviewer().handle(pull_request_event(), deadline=world.now + FUNCTION_TIMEOUT)
        except RetryableError as error:
            second_opinion.append(error)

    world.before["model.answer"] = intrude
    world.deliver(pull_request_event())
    (error,) = second_opinion
    assert isinstance(error, RetryableError)
    assert error.retry_after is not None
    expect_one_review(world)


def test_f13_a_worker_that_slept_through_its_lease_posts_nothing() -> None:
    world = World()

    def oversleep() -> None:
        world.now += FUNCTION_TIMEOUT * 2
        world.deliver(pull_request_event())

    world.before["model.answer"] = oversleep
    world.deliver(pull_request_event())
    expect_one_review(world)


def test_f44_a_push_while_the_model_thinks_supersedes_the_review() -> None:
    world = World()

    def push() -> None:
        world.head = HEAD_B

    world.before["model.answer"] = push
    assert world.deliver(pull_request_event()) == Superseded(newer_head_sha=HEAD_B)
    assert world.reviews == []
    ((run, _, output),) = world.checks.values()
    assert run.status == "completed"
    assert output is not None
    assert output.conclusion is Conclusion.CANCELLED


def test_f11_a_message_of_an_older_head_reviews_the_present_one() -> None:
    world = World(head=HEAD_B)
    world.deliver(pull_request_event(HEAD_A))
    expect_one_review(world, head=HEAD_B)


def test_a_head_that_comes_back_is_reviewed_after_it_was_superseded() -> None:
    world = World()

    def push() -> None:
        world.head = HEAD_B

    world.before["model.answer"] = push
    world.deliver(pull_request_event())
    world.head = HEAD_A
    assert isinstance(world.deliver(pull_request_event()), Posted)
    assert [review.commit_id for review, _ in world.reviews] == [HEAD_A]


def test_a_pull_request_that_is_closed_while_the_model_thinks_gets_no_review() -> None:
    world = World()

    def close() -> None:
        world.is_open = False

    world.before["model.answer"] = close
    assert world.deliver(pull_request_event()) == Skipped(reason=SkipReason.CLOSED)
    assert world.reviews == []
    assert all(run.status == "completed" for run, _, _ in world.checks.values())


def test_a_draft_is_skipped_and_reviewed_once_it_is_ready() -> None:
    world = World(is_draft=True)
    assert world.deliver(pull_request_event()) == Skipped(reason=SkipReason.DRAFT)
    assert world.model_calls == 0
    world.is_draft = False
    assert isinstance(world.deliver(pull_request_event(action="ready_for_review")), Posted)


def test_a_writer_may_ask_for_a_review_of_a_draft_and_for_a_second_one() -> None:
    world = World(is_draft=True, writers={7})
    assert isinstance(world.deliver(command_event(comment=98)), Posted)
    assert isinstance(world.deliver(command_event(comment=99)), Posted)
    assert len(world.reviews) == 2


def test_what_a_writer_asked_for_goes_on_to_the_head_that_was_pushed_meanwhile() -> None:
    world = World(writers={7}, is_draft=True)
    world.before["model.answer"] = lambda: setattr(world, "head", HEAD_B)
    assert isinstance(world.deliver(command_event()), Posted)
    assert world.deliver(pull_request_event(HEAD_B, action="synchronize")) == Skipped(reason=SkipReason.DRAFT)
    assert [review.commit_id for review, _ in world.reviews] == [HEAD_B]
    expect_nothing_lost_or_doubled(world)


def test_b46_a_stranger_may_not_start_a_review() -> None:
    world = World()
    assert world.deliver(command_event(sender_id=8)) == Skipped(reason=SkipReason.NOT_PERMITTED)
    assert world.model_calls == 0


def test_f50_a_suspended_installation_ends_quietly() -> None:
    world = World(is_suspended=True)
    assert world.deliver(pull_request_event()) == Skipped(reason=SkipReason.INSTALLATION_GONE)
    assert world.items == {}


def test_b30_a_repository_of_another_installation_is_not_touched() -> None:
    world = World(is_known=False)
    assert world.deliver(pull_request_event()) == Skipped(reason=SkipReason.NOT_OURS)
    assert world.items == {}


def test_a_new_base_branch_is_a_new_review_of_the_same_head() -> None:
    world = World()
    world.deliver(pull_request_event())
    edited = pull_request_event(action="edited")
    world.deliver(edited)
    assert world.deliver(edited) == world.deliver(edited)
    assert len(world.reviews) == 2


def test_a_re_requested_check_of_a_fork_finds_its_pull_request_by_our_check_run() -> None:
    world = World()
    world.deliver(pull_request_event())
    again = replace(pull_request_event(), trigger=Trigger.RERUN, number=None, trigger_id=5)
    assert isinstance(world.deliver(again), Posted)
    assert len(world.reviews) == 2


def test_f45_a_review_that_was_left_pending_is_removed_first() -> None:
    world = World()
    other = World()
    other.deliver(pull_request_event())
    world.reviews.append((pending_review(), other.reviews[0][1]))
    world.deliver(pull_request_event())
    expect_one_review(world)


def pending_review() -> PostedReview:
    return PostedReview(id=999, body="", commit_id=HEAD_A, is_ours=True, is_pending=True)


@pytest.mark.parametrize("is_stored", [False, True])
def test_f43_a_rejected_review_is_posted_in_its_body_unless_github_kept_it(
    monkeypatch: pytest.MonkeyPatch, *, is_stored: bool
) -> None:
    world = World()
    create = Repository.create_review

    def reject(self: Repository, number: int, publication: Publication, slot: WriteSlot) -> PostedReview:
        monkeypatch.setattr(Repository, "create_review", create)
        if is_stored:
            create(self, number, replace(publication, comments=()), slot)
        raise RejectedError("GitHub answered 422")

    monkeypatch.setattr(Repository, "create_review", reject)
    world.deliver(pull_request_event())
    expect_one_review(world)
    ((_, publication),) = world.reviews
    assert publication.comments == ()


def test_a_copied_marker_in_somebody_elses_review_proves_nothing() -> None:
    world = World()
    world.deliver(pull_request_event())
    ((review, publication),) = world.reviews
    other = World()
    other.reviews.append((replace(review, is_ours=False), publication))
    other.deliver(pull_request_event())
    assert len(other.reviews) == 2


def test_f30_too_little_time_to_post_leaves_the_result_for_the_next_worker() -> None:
    world = World()
    assert isinstance(world.worker().handle(pull_request_event(), deadline=NOW), Parked)
    assert world.reviews == []
    world.settle()
    expect_one_review(world)
    assert world.model_calls == 1


def test_a_result_that_was_altered_is_never_posted() -> None:
    world = World()
    world.worker().handle(pull_request_event(), deadline=NOW)
    (key,) = [key for key in world.objects if key.startswith("results/")]
    world.objects[key] += b" "
    assert isinstance(world.deliver(pull_request_event()), Failed)
    assert world.reviews == []
    assert all(run.status == "completed" for run, _, _ in world.checks.values())
