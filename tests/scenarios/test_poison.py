"""Poison: a message that breaks every attempt, over two weeks of real time between its queue and the dead letters."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count, pairwise

import pytest

from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode
from codereview.domain.parking import GIVE_UP_AFTER
from codereview.domain.publication import Conclusion
from codereview.domain.reconciling import MAX_MOVES, POISON_ROUND
from codereview.domain.review import ReviewState
from codereview.errors import RetryableError
from codereview.ports import JobState, ReviewItem
from codereview.use_cases.control.redrive import ReadDeadLetters
from codereview.use_cases.end_review import EndReview
from codereview.use_cases.reconcile.end_poison import IN_VAIN, EndPoison
from codereview.use_cases.reconcile.revive import ReviveDeadLetters
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.fake_github import GitHub
from tests.scenarios.fake_jobs import MemoryJobs
from tests.scenarios.fake_stores import Clock as WorldClock
from tests.scenarios.fake_stores import Ids, RecordQueue, Store
from tests.scenarios.faults import Death, Mode, Outage
from tests.scenarios.simulated_queue import SimulatedQueue
from tests.scenarios.world import FUNCTION_TIMEOUT, MAX_RECEIVES, World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Deployment:
    """A reviewer that breaks on what is poison, its queue, and the reconciler's job over the dead letters."""

    world: World = field(default_factory=World)
    is_poison: Callable[[Envelope], bool] = lambda _: True
    runs: int = 0

    def __post_init__(self) -> None:
        self.queue = SimulatedQueue(now=lambda: self.world.now)
        clock, store = WorldClock(self.world), Store(self.world)
        end = EndReview(clock=clock, store=store, record_queue=RecordQueue(self.world), publish=None)
        self.end = EndPoison(clock=clock, ids=Ids(self.world), github=GitHub(self.world), store=store, end=end)
        self.jobs = MemoryJobs(self.world)
        self.revive = ReviveDeadLetters(
            clock=clock,
            jobs=self.jobs,
            queue=self.queue,
            end=lambda letter, moved_at: self.end(letter, moved_at=moved_at),
        )

    def pass_time(self, duration: timedelta) -> None:
        ends_at = self.world.now + duration
        while self.world.now < ends_at:
            self.world.now += MINUTE
            self.queue.bury()
            for message in self.queue.visible():
                event = self.queue.receive([message])
                self.runs += 1
                envelope = decode(message.body)
                if not self.is_poison(envelope):
                    self.world.worker().handle(envelope, deadline=self.world.now + FUNCTION_TIMEOUT)
                    self.queue.settle(event, None)
            self.world.reconcile()
            for envelope in self.world.queue:
                self.queue.send(envelope)
            self.world.queue.clear()
            self.world.is_dead = False
            self.revive()
            self.queue.go_on_moving()

    def item(self) -> ReviewItem | None:
        return next(iter(self.world.items.values()), None)

    def reasons(self) -> list[str | None]:
        """Tell what the list of dead letters does, of the API and the command line."""
        self.world.now += MINUTE  # since the job has looked
        read = ReadDeadLetters(store=Store(self.world))
        return [letter.reason for letter in read(self.queue.letters(limit=10))]


def event(**changes: object) -> Envelope:
    return replace(pull_request_event(), received_at=NOW.isoformat(), **changes)  # type: ignore[arg-type]


def test_poison_comes_round_ever_less_often_and_its_review_fails_in_the_end_for_all_to_see() -> None:
    deployment = Deployment()
    deployment.queue.send(event())
    deployment.pass_time(14 * DAY)
    moves = [task.started_at for task in reversed(deployment.queue.tasks)]
    gaps = [later - earlier for earlier, later in pairwise(moves)]
    assert len(moves) == MAX_MOVES
    assert deployment.runs == (MAX_MOVES + 1) * MAX_RECEIVES
    assert gaps == sorted(gaps)
    assert gaps[0] >= POISON_ROUND
    assert gaps[-1] >= DAY
    assert moves[-1] - NOW >= GIVE_UP_AFTER
    item = deployment.item()
    assert item is not None
    assert (item.state, item.reason, item.is_settled, item.due_at) == (ReviewState.FAILED, IN_VAIN, True, None)
    ((run, head, output),) = deployment.world.checks.values()
    assert (run.status, head, run.external_id) == ("completed", HEAD_A, str(item.key.review_id))
    assert output is not None
    assert (output.conclusion, output.title) == (Conclusion.NEUTRAL, "Could not review")
    assert IN_VAIN in output.summary
    assert [message.state for message in deployment.world.recorded] == [ReviewState.FAILED]
    # The letter stays, and with it the alarm.
    assert len(deployment.queue.dead) == 1
    assert deployment.reasons() == [IN_VAIN]


def test_until_then_the_list_of_dead_letters_says_where_to_look() -> None:
    deployment = Deployment()
    deployment.queue.send(event(head_sha=None, trigger=command_event().trigger, trigger_id=9, command="review"))
    deployment.pass_time(13 * DAY)
    # Which head a command is for, GitHub alone knows: no review of it can be ended, nor is one made up.
    assert len(deployment.queue.tasks) == MAX_MOVES
    assert deployment.world.items == {}
    (reason,) = deployment.reasons()
    assert reason is not None
    assert f"see delivery {event().delivery} in the reviewer's log" in reason


def test_what_broke_in_an_outage_is_moved_back_once_and_the_next_trouble_begins_anew() -> None:
    deployment = Deployment()
    deployment.is_poison = lambda _: deployment.world.now < NOW + 3 * HOUR
    deployment.queue.send(event())
    deployment.pass_time(2 * DAY)
    assert (len(deployment.queue.tasks), len(deployment.world.reviews)) == (1, 1)
    begins = deployment.world.now
    deployment.is_poison = lambda _: deployment.world.now < begins + 3 * HOUR
    deployment.queue.send(event(head_sha=HEAD_B))
    deployment.world.head = HEAD_B
    deployment.pass_time(3 * HOUR)
    assert len(deployment.queue.tasks) == 2
    assert deployment.queue.tasks[0].started_at - begins <= POISON_ROUND + 16 * MINUTE


def test_a_letter_that_came_late_is_not_given_up_for_anothers_sake() -> None:
    deployment = Deployment()
    deployment.queue.send(event(number=77))
    deployment.pass_time(8 * DAY)
    assert len(deployment.world.items) == 1
    late = replace(event(), received_at=deployment.world.now.isoformat())
    deployment.queue.send(late)
    deployment.pass_time(DAY)
    assert len(deployment.queue.dead) == 2
    assert len(deployment.world.items) == 1
    deployment.pass_time(GIVE_UP_AFTER)
    assert [item.reason for item in deployment.world.items.values()] == [IN_VAIN, IN_VAIN]


def test_letters_that_are_moved_by_hand_in_vain_do_not_begin_another_round() -> None:
    deployment = Deployment()
    deployment.queue.send(event())
    deployment.pass_time(8 * DAY)
    deployment.queue.move()
    deployment.pass_time(5 * DAY)
    assert len(deployment.queue.tasks) == MAX_MOVES + 1
    assert len(deployment.queue.dead) == 1


@pytest.mark.parametrize("change", [{"action": "closed"}, {"owner_id": 99}, {"action": "edited"}])
def test_a_review_that_nobody_waits_for_or_nobody_can_name_is_not_made_up(change: dict[str, object]) -> None:
    deployment = Deployment()
    deployment.queue.send(event(**change))
    deployment.pass_time(8 * DAY)
    assert (deployment.world.items, deployment.world.checks) == ({}, {})
    assert len(deployment.queue.dead) == 1


def test_a_suspended_installations_letter_is_left_alone() -> None:
    deployment = Deployment(World(is_suspended=True))
    deployment.queue.send(event())
    deployment.pass_time(8 * DAY)
    assert deployment.world.items == {}


LETTER_ENDS = NOW + 8 * DAY


def broken_off(world: World) -> ReviewItem:
    """Let a worker die on the way, and its message become a letter that is moved in vain."""
    world.before["model.answer"] = lambda: world.kill("model.answer")
    with pytest.raises(Death):
        world.worker().handle(event(), deadline=NOW + FUNCTION_TIMEOUT)
    (item,) = world.items.values()
    world.is_dead = False
    return item


@pytest.mark.parametrize(
    ("changes", "is_ended"),
    [
        ({"updated_at": NOW}, True),
        ({"updated_at": LETTER_ENDS - HOUR}, False),  # after the last move: somebody is at it
        ({"updated_at": NOW, "state": ReviewState.SKIPPED, "reason": "draft"}, False),
        ({"updated_at": NOW, "state": ReviewState.POSTED, "github_review_id": 1}, False),
    ],
    ids=["broken off", "alive", "skipped", "posted"],
)
def test_of_reviews_that_began_only_those_are_ended_that_nobody_came_to_since(
    changes: dict[str, object], *, is_ended: bool
) -> None:
    deployment = Deployment()
    world = deployment.world
    item = broken_off(world)
    world.items[item.key.review_id] = replace(item, **changes)  # type: ignore[arg-type]
    world.now = LETTER_ENDS
    deployment.queue.send(event())
    deployment.queue.dead, deployment.queue.messages = deployment.queue.messages, []
    (letter,) = deployment.queue.letters(limit=10)
    assert deployment.end(letter, moved_at=LETTER_ENDS - DAY) == is_ended
    after = world.items[item.key.review_id]
    assert (after.reason == IN_VAIN) == is_ended
    statuses = [run.status for run, _, _ in world.checks.values()]
    assert statuses == (["completed"] if is_ended else ["in_progress"])


def given_up(outages: list[Outage]) -> Deployment:
    """Begin where the last move was in vain."""
    deployment = Deployment(World(outages=outages, now=LETTER_ENDS))
    deployment.queue.send(event())
    deployment.queue.dead, deployment.queue.messages = deployment.queue.messages, []
    state = JobState(since=LETTER_ENDS - DAY, seen_at=LETTER_ENDS, generation=MAX_MOVES)
    deployment.jobs.states["dead-letters-reviews"] = state
    return deployment


@pytest.mark.parametrize("mode", list(Mode))
def test_whatever_goes_wrong_once_while_poison_is_ended_it_ends_and_is_told(mode: Mode) -> None:
    for number in count():
        outage = Outage(at=number, mode=mode)
        deployment = given_up([outage])
        for _ in range(4 * 60):
            deployment.world.is_dead = False
            with suppress(RetryableError, Death):
                deployment.pass_time(MINUTE)
        item = deployment.item()
        assert item is not None
        assert (item.state, item.reason, item.is_settled) == (ReviewState.FAILED, IN_VAIN, True)
        assert [run.status for run, _, _ in deployment.world.checks.values()] == ["completed"]
        assert {message.state for message in deployment.world.recorded} == {ReviewState.FAILED}
        if "jobs.finish" in deployment.world.calls[:number]:
            assert number > 12
            return
        assert outage.has_fired
