"""Waiting: for limits, outages and budgets, as a state that comes to an end by itself and burns no message."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from codereview.domain.parking import (
    GIVE_UP_AFTER,
    LONGEST_PAUSE,
    MAX_STRIKES,
    Admit,
    Degrade,
    Park,
    WaitReason,
    held_id,
    pause,
)
from codereview.domain.publication import Conclusion
from codereview.domain.review import Failed, Parked, Posted, ReviewState
from codereview.errors import HeldError, RetryableError, ThrottledError
from codereview.github_ports import Quota
from tests.scenarios.events import HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.faults import Blackout, Death, Mode, Outage
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.test_life_of_a_review import expect_one_review
from tests.scenarios.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAR = NOW + timedelta(days=30)


def test_f55_a_throttled_model_parks_the_review_and_its_check_run_says_so() -> None:
    world = World(blackouts=[Blackout(prefix="model", until=NOW + timedelta(minutes=3), error=ThrottledError)])
    outcome = world.receive(pull_request_event())
    assert isinstance(outcome, Parked)
    (item,) = world.items.values()
    assert (item.state, item.due_at, item.strikes) == (ReviewState.PARKED, outcome.until, 0)
    ((run, _, _),) = world.checks.values()
    assert run.status == "in_progress"
    ((title, summary),) = world.waiting_notes
    assert title == "Waiting until about 12:01 UTC"
    assert summary == (
        "This review waits. Reason: `a rate limit of GitHub or of the language model`."
        " It is taken up again by itself at about 12:01 UTC."
    )
    assert isinstance(world.settle(), Posted)
    expect_one_review(world)
    assert world.model_calls == 1


@pytest.mark.parametrize("prefix", ["github", "model"])
@pytest.mark.parametrize("error", [RetryableError, ThrottledError])
def test_f19_an_hours_outage_puts_nothing_into_the_dead_letter_queue_and_drains_by_itself(
    prefix: str, error: type[RetryableError]
) -> None:
    blackout = Blackout(prefix=prefix, until=NOW + HOUR, error=error)
    world = World(blackouts=[blackout])
    assert isinstance(world.deliver(pull_request_event()), Posted)
    assert blackout.hits >= 2
    assert blackout.hits <= 12  # the pauses grow: an outage is not made worse by us
    assert world.dead_letters == []
    assert world.now <= NOW + HOUR + LONGEST_PAUSE * 1.25 + timedelta(minutes=2)
    expect_one_review(world)


def test_f60_while_the_control_table_is_out_of_reach_the_message_itself_waits() -> None:
    blackout = Blackout(prefix="store", until=NOW + timedelta(minutes=40))
    world = World(blackouts=[blackout, Blackout(prefix="agenda", until=NOW + timedelta(minutes=40))])
    assert isinstance(world.deliver(pull_request_event()), Posted)
    expect_one_review(world)


def test_f48_a_pull_request_that_github_does_not_know_yet_is_looked_for_again() -> None:
    world = World(is_found=False)

    def appear() -> None:
        world.is_found = True

    assert isinstance(world.receive(pull_request_event()), Parked)
    assert len(world.held) == 1
    world.before["agenda.due"] = appear
    assert isinstance(world.settle(), Posted)
    expect_one_review(world)


def test_what_asks_for_the_same_work_is_held_back_once() -> None:
    world = World(blackouts=[Blackout(prefix="github", until=NOW + HOUR)])
    world.receive(pull_request_event())
    world.receive(replace(pull_request_event(), delivery="00000000-cc78-11e3-81ab-4c9367dc0958"))
    assert len(world.held) == 1
    world.settle()
    expect_one_review(world)


def test_whatever_a_push_or_the_sweep_leaves_about_one_head_is_held_back_once() -> None:
    world = World(blackouts=[Blackout(prefix="github", until=NOW + HOUR)])
    for action in ("opened", "synchronize", "reopened", "swept"):
        world.receive(pull_request_event(action=action))
    assert [held.envelope.action for held in world.held.values()] == ["swept"]
    world.settle()
    expect_one_review(world)


def test_what_asks_for_something_else_is_held_back_for_itself() -> None:
    opened = pull_request_event()
    asked = [
        opened,
        pull_request_event(HEAD_B),
        pull_request_event(action="edited"),
        replace(opened, number=4),
        replace(opened, review_id="72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        command_event(comment=1),
        command_event(comment=2),
    ]
    assert len({held_id(envelope) for envelope in asked}) == len(asked)


def test_a_review_that_is_not_admitted_waits_until_it_is_and_is_told_why() -> None:
    decisions = [Park(reason="the tenant's daily budget", until=NOW + HOUR)]
    world = World()
    world.admission = lambda _: decisions.pop() if decisions else Admit()
    assert world.receive(pull_request_event()) == Parked(reason="the tenant's daily budget", until=NOW + HOUR)
    assert world.model_calls == 0
    assert "the tenant's daily budget" in world.waiting_notes[0][1]
    assert isinstance(world.settle(), Posted)
    assert world.now >= NOW + HOUR
    expect_one_review(world)


def test_a_degraded_review_asks_no_model() -> None:
    world = World(admission=lambda _: Degrade(reason="language models bypassed"))
    world.receive(pull_request_event())
    assert world.model_calls == 0


def test_a_parked_review_whose_head_has_moved_on_is_superseded_and_its_check_ended() -> None:
    world = World(blackouts=[Blackout(prefix="model", until=NOW + HOUR)])
    world.receive(pull_request_event())
    world.head = HEAD_B
    world.receive(pull_request_event(HEAD_B, action="synchronize"))
    world.settle()
    assert [review.commit_id for review, _ in world.reviews] == [HEAD_B]
    assert sorted(item.state for item in world.items.values()) == [ReviewState.POSTED, ReviewState.SUPERSEDED]
    conclusions = [
        output.conclusion for run, _, output in world.checks.values() if output and run.status == "completed"
    ]
    assert len(conclusions) == 2
    assert Conclusion.CANCELLED in conclusions
    assert len(world.recorded) == 2


def test_f50_a_parked_review_of_a_suspended_installation_ends() -> None:
    world = World(blackouts=[Blackout(prefix="model", until=NOW + HOUR)])
    world.receive(pull_request_event())
    world.is_suspended = True
    world.settle()
    (item,) = world.items.values()
    assert (item.state, item.due_at, item.is_recorded) == (ReviewState.SKIPPED, None, True)
    assert world.reviews == []


def test_f50_a_parked_review_of_a_repository_that_changed_hands_ends_and_the_new_owner_gets_one() -> None:
    world = World(blackouts=[Blackout(prefix="model", until=NOW + HOUR)])
    world.receive(pull_request_event())
    world.account = 2
    world.settle()
    states = {item.key.tenant: item.state for item in world.items.values()}
    assert states == {"github.com:1": ReviewState.SKIPPED, "github.com:2": ReviewState.POSTED}
    assert all(item.is_settled for item in world.items.values())
    assert [run.status for run, _, _ in world.checks.values()] == ["completed", "completed"]


def test_what_does_not_work_for_three_days_fails_visibly() -> None:
    world = World(blackouts=[Blackout(prefix="model", until=FAR)])
    world.receive(pull_request_event())
    outcome = world.settle(within=GIVE_UP_AFTER + HOUR)
    assert isinstance(outcome, Failed)
    ((run, _, output),) = world.checks.values()
    assert run.status == "completed"
    assert output is not None
    assert output.conclusion is Conclusion.NEUTRAL
    assert len(world.recorded) == 1


def test_f29_a_review_that_kills_every_worker_ends_as_failed() -> None:
    world = World()
    attempts = 0

    def die() -> None:
        nonlocal attempts
        attempts += 1
        world.before["model.answer"] = die
        world.kill("model.answer")

    world.before["model.answer"] = die
    world.receive(pull_request_event())
    assert isinstance(world.settle(), Failed)
    assert attempts <= 9
    ((run, _, _),) = world.checks.values()
    assert run.status == "completed"
    assert [message.state for message in world.recorded] == [ReviewState.FAILED]


def test_a_bug_is_named_on_its_review_and_its_words_are_not() -> None:
    world = World()

    def break_off() -> None:
        world.before["model.answer"] = break_off
        raise ZeroDivisionError("canary")

    world.before["model.answer"] = break_off
    with pytest.raises(ZeroDivisionError):
        world.receive(pull_request_event())
    (item,) = world.items.values()
    assert item.last_error is not None
    assert re.fullmatch(r"ZeroDivisionError at use_cases/\w+\.py:\d+ \w+", item.last_error)
    assert item.due_at is not None


def test_a_check_run_that_never_ends_keeps_nothing_from_the_record_and_is_let_go_after_days() -> None:
    world = World(blackouts=[Blackout(prefix="github.finish_check_run", until=NOW + 60 * DAY)])
    assert isinstance(world.receive(pull_request_event()), Posted)
    assert [message.state for message in world.recorded] == [ReviewState.POSTED]
    world.settle(within=10 * DAY)
    assert 3 * DAY < world.now - NOW < 4 * DAY
    assert world.calls.count("github.finish_check_run") == 20
    assert len(world.recorded) == 1


def at_each(world: World, call: str, happen: Callable[[], None]) -> None:
    """Let it happen before each such call."""

    def happen_again() -> None:
        world.before[call] = happen_again
        happen()

    world.before[call] = happen_again


def test_f29_a_review_that_kills_every_worker_after_its_post_ends_as_posted() -> None:
    world = World()
    at_each(world, "github.review_comments", lambda: world.kill("the list of its comments"))
    world.receive(pull_request_event())
    assert isinstance(world.settle(), Posted)
    world.dead_letters.clear()
    expect_nothing_lost_or_doubled(world, has_access=False)  # nobody came to list its comments
    assert [run.status for run, _, _ in world.checks.values()] == ["completed"]


def test_f29_an_outage_at_the_last_look_is_waited_for() -> None:
    world, limits = World(), [RetryableError("a limit")]
    at_each(world, "github.review_comments", lambda: world.kill("the list of its comments"))

    def refuse_the_last_look() -> None:
        (item,) = world.items.values()
        if item.strikes > MAX_STRIKES and limits:
            raise limits.pop()

    at_each(world, "github.reviews", refuse_the_last_look)
    world.receive(pull_request_event())
    assert isinstance(world.settle(within=timedelta(days=3)), Posted)
    assert limits == []


def test_f29_a_review_that_kills_every_worker_at_the_look_for_it_ends_as_failed() -> None:
    world = World()
    at_each(world, "github.create_review", lambda: world.kill("the post"))
    world.receive(pull_request_event(), most=1)
    at_each(world, "github.reviews", lambda: world.kill("the look"))
    assert isinstance(world.settle(within=timedelta(days=3)), Failed)
    assert world.calls.count("github.reviews") == MAX_STRIKES + 1


def test_an_end_that_could_not_be_told_is_told_later() -> None:
    world = World(blackouts=[Blackout(prefix="record_queue", until=NOW + HOUR)])
    assert isinstance(world.receive(pull_request_event()), Posted)
    assert world.recorded == []
    world.settle()
    expect_one_review(world)


def test_a_superseded_review_whose_worker_died_has_its_check_run_ended() -> None:
    for number in count():
        outage = Outage(at=number, mode=Mode.DEATH_BEFORE)
        world = World(outages=[outage])

        def push(world: World = world) -> None:
            world.head = HEAD_B

        world.before["model.answer"] = push
        world.deliver(pull_request_event())
        if not outage.has_fired:
            assert number > 15
            return
        assert all(run.status == "completed" for run, _, _ in world.checks.values()), world.calls[number]
        assert all(item.is_settled for item in world.items.values())


@pytest.mark.parametrize("mode", [Mode.ERROR_AFTER, Mode.DEATH_AFTER])
def test_a_check_run_whose_id_was_never_stored_is_ended_when_the_head_has_moved_on(mode: Mode) -> None:
    undisturbed = World()
    undisturbed.receive(pull_request_event())
    outage = Outage(at=undisturbed.calls.index("github.start_check_run"), mode=mode)
    world = World(outages=[outage])
    with suppress(Death):
        world.worker().handle(pull_request_event(), deadline=NOW + HOUR)
    assert outage.has_fired
    world.head = HEAD_B
    world.settle()
    assert [run.status for run, _, _ in world.checks.values()] == ["completed", "completed"]


def parked_world(outages: list[Outage]) -> tuple[World, Blackout]:
    blackout = Blackout(prefix="model", until=NOW + timedelta(minutes=10), error=ThrottledError)
    return World(blackouts=[blackout], outages=outages), blackout


@pytest.mark.parametrize("mode", list(Mode))
def test_f7_f28_whatever_goes_wrong_once_on_the_way_through_parking_there_is_one_review(mode: Mode) -> None:
    for number in count():
        outage = Outage(at=number, mode=mode)
        world, blackout = parked_world([outage])
        world.deliver(pull_request_event())
        if not outage.has_fired:
            assert number > 40
            return
        assert blackout.hits or mode is not Mode.ERROR_BEFORE
        expect_one_review(world)
        assert world.model_calls <= 2, world.calls[number]


def test_a_command_waits_like_a_review_and_is_not_forgotten() -> None:
    world = World(writers={7}, blackouts=[Blackout(prefix="model", until=NOW + HOUR)])
    assert isinstance(world.deliver(command_event()), Posted)
    expect_one_review(world)


class CrowdedWorld(World):
    """Nothing may begin; what has begun may go on."""

    is_crowded = False

    def pace_reviews(self, *, since: datetime | None) -> None:
        if self.is_crowded and since is not None:
            raise HeldError("a crowd", retry_after=timedelta(minutes=1))


def test_a_review_that_finds_a_crowd_comes_again_in_a_minute_or_two_however_long_it_waits() -> None:
    world = CrowdedWorld()
    world.now += 3 * HOUR

    world.is_crowded = True
    outcome = world.reviewer().handle(pull_request_event(), deadline=world.now + HOUR)
    assert outcome == Parked(reason="a crowd", until=world.now + timedelta(minutes=1.5), cause=WaitReason.RATE_LIMIT)
    assert not any(name.startswith("github.") and name != "github.repository" for name in world.calls)
    world.is_crowded = False
    world.settle()
    expect_one_review(world)


def test_a_review_that_was_shown_goes_on_past_the_crowd_that_may_not_begin() -> None:
    world = CrowdedWorld(blackouts=[Blackout(prefix="model", until=NOW + HOUR)])
    world.receive(pull_request_event())
    world.is_crowded = True
    assert isinstance(world.settle(), Posted)
    expect_one_review(world)


def test_a_review_whose_head_has_moved_does_not_let_the_newer_one_begin_past_the_crowd() -> None:
    world = CrowdedWorld(blackouts=[Blackout(prefix="model", until=NOW + HOUR)])
    world.arrive(pull_request_event())
    world.is_crowded, world.head = True, HEAD_B
    begun = len(world.checks)
    for _ in range(120):
        world.now += timedelta(minutes=1)
        world.reconcile()
        while world.queue:
            world.receive(world.queue.pop(0))
    assert [(run.status, len(world.checks)) for run, _, _ in world.checks.values()] == [("completed", begun)]
    world.is_crowded = False
    assert isinstance(world.settle(), Posted)
    assert [review.commit_id for review, _ in world.reviews] == [HEAD_B]


class ScarceWorld(World):
    """GitHub has a number of requests left, until the next hour begins."""

    left = 5_000
    is_told = True

    def quota(self) -> Quota | None:
        if not self.is_told and "github.pull_request" not in self.calls:
            return None
        return Quota(limit=5_000, remaining=self.left if self.now < FULL_AT else 5_000, reset_at=FULL_AT)


FULL_AT = NOW + timedelta(minutes=20)


@pytest.mark.parametrize("is_told", [True, False])
def test_with_few_requests_left_no_review_begins_before_github_has_more(*, is_told: bool) -> None:
    world = ScarceWorld()
    world.left, world.is_told = 499, is_told
    waiting = world.arrive(pull_request_event())
    assert isinstance(waiting, Parked)
    assert FULL_AT <= waiting.until <= FULL_AT + timedelta(minutes=5)
    assert world.checks == {}
    assert isinstance(world.settle(), Posted)
    looks = world.calls[: world.calls.index("github.start_check_run")].count("github.pull_request")
    assert looks == (1 if is_told else 2)
    expect_one_review(world)


def test_a_review_that_has_begun_may_have_the_last_requests() -> None:
    world = ScarceWorld(blackouts=[Blackout(prefix="model", until=NOW + timedelta(minutes=3))])
    world.arrive(pull_request_event())
    world.left = 499
    assert isinstance(world.settle(), Posted)
    assert world.now < FULL_AT
    expect_one_review(world)


class RatedWorld(World):
    """The tenant's rate is used up until a time, which admission says of whoever asks."""

    free_at = NOW + HOUR

    def still_waits(self, reason: str) -> Park | None:
        is_its_reason = reason == "the tenant's rate" and self.now < self.free_at
        return Park(reason=reason, until=self.now + timedelta(minutes=10)) if is_its_reason else None


def test_a_review_that_waits_for_its_tenants_rate_is_looked_at_without_github() -> None:
    world = RatedWorld(admission=lambda _: Park(reason="the tenant's rate", until=NOW + timedelta(minutes=10)))
    world.arrive(pull_request_event())
    world.calls.clear()
    world.admission = lambda _: Admit()
    assert isinstance(world.settle(), Posted)
    first = next(at for at, name in enumerate(world.calls) if name.startswith("github."))
    assert world.calls[:first].count("agenda.due") > 5
    assert len(world.waiting_notes) == 1
    expect_one_review(world)


def test_a_duplicate_message_of_a_parked_review_neither_doubles_nor_loses_it() -> None:
    world = World(blackouts=[Blackout(prefix="model", until=NOW + HOUR)])
    for _ in range(3):
        world.receive(pull_request_event())
    assert isinstance(world.settle(), Posted)
    expect_one_review(world)


def test_pauses_grow_with_the_wait_within_their_bounds_and_are_never_shorter_than_asked_for() -> None:
    def wait(minutes: float, asked: float | None = None, jitter: float = 0.0) -> float:
        return (
            pause(
                timedelta(minutes=minutes), asked=None if asked is None else timedelta(minutes=asked), jitter=jitter
            ).total_seconds()
            / 60
        )

    assert [wait(waited) for waited in (-5, 0, 1, 4, 20, 60, 1000)] == [1, 1, 1, 2, 10, 30, 30]
    assert wait(0, asked=45) == 45
    assert wait(0, asked=0) == 1
    assert wait(60, asked=5) == 30
    assert wait(0, jitter=1.0) == 1.25
