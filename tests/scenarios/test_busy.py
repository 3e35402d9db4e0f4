"""Messages of one pull request that come at once: each has its turn, none is lost, and none becomes a dead letter."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from codereview.domain.envelope_codec import decode
from codereview.domain.review import Outcome
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.sqs import process_batch
from codereview.use_cases.reconcile.release_due import ReleaseDue
from tests.scenarios.events import NOW, command_event
from tests.scenarios.fake_stores import Agenda, Clock
from tests.scenarios.faults import Blackout, Death, Mode, Outage
from tests.scenarios.simulated_queue import Message, SimulatedQueue
from tests.scenarios.test_dead_letters import Context
from tests.scenarios.world import FUNCTION_TIMEOUT, RECONCILER_TIMEOUT, World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
A_REVIEW = 2 * MINUTE
LOGGER = function_logger("busy")
LOGGER.setLevel("CRITICAL")


@dataclass
class OnePullRequest:
    """Reviewers side by side over a real queue's model: while one of them works, the others take what is visible."""

    world: World = field(default_factory=lambda: World(writers={7}))
    queue: SimulatedQueue = field(init=False)
    is_held: bool = True

    def __post_init__(self) -> None:
        self.queue = SimulatedQueue(now=lambda: self.world.now)
        self._think_again()

    def send(self, commands: int) -> None:
        for number in range(1, commands + 1):
            self.queue.send(command_event(comment=number))

    def run(self, *, within: timedelta) -> None:
        """Let time pass until nothing is left, a minute at a time."""
        ends_at = self.world.now + within
        while self.queue.messages or self.world.waits:
            assert self.world.now < ends_at, "work is left over"
            self._pass_a_minute()

    def _think_again(self) -> None:
        self.world.before["model.answer"] = self._think

    def _think(self) -> None:
        ends_at = self.world.now + A_REVIEW
        while self.world.now < ends_at:
            self._pass_a_minute()
        self._think_again()

    def _pass_a_minute(self) -> None:
        self.queue.bury()
        for message in self.queue.visible():
            if message in self.queue.visible():  # and nobody took it meanwhile
                self._work(message)
        self.world.now += MINUTE
        release = ReleaseDue(clock=Clock(self.world), agenda=Agenda(self.world), queue=self.queue)
        release(deadline=self.world.now + RECONCILER_TIMEOUT)

    def _work(self, message: Message) -> None:
        """Be one invocation; a death leaves the message to the queue."""
        event, context = self.queue.receive([message]), Context()
        lambda_context: Any = context
        try:
            answer = process_batch(event, lambda_context, handle=self._handle, logger=LOGGER, postponement=self.queue)
            self.queue.settle(event, answer)
        except Death:
            self.world.is_dead = False

    def _handle(self, body: str) -> Outcome:
        deadline = self.world.now + FUNCTION_TIMEOUT
        worker, reviewer = self.world.worker(), self.world.reviewer()
        return (worker if self.is_held else reviewer).handle(decode(body), deadline=deadline)

    def expect_all_reviewed(self, commands: int) -> None:
        assert self.queue.dead == []
        assert len(self.world.reviews) == commands
        assert all(item.is_settled for item in self.world.items.values())


def test_twenty_commands_on_one_pull_request_at_once_are_all_reviewed_and_none_is_a_dead_letter() -> None:
    at_once = OnePullRequest()
    at_once.send(20)
    at_once.run(within=4 * HOUR)
    at_once.expect_all_reviewed(20)
    assert at_once.world.model_calls == 20
    # One after the other, and not a lease after the other: each waits two or three minutes for the reconciler's run.
    assert at_once.world.now - NOW <= 20 * (A_REVIEW + 3 * MINUTE)


def test_the_test_can_see_that_waiting_in_the_queue_makes_dead_letters_of_them() -> None:
    at_once = OnePullRequest(is_held=False)
    at_once.send(20)
    at_once.run(within=12 * HOUR)
    assert at_once.queue.dead != []


def test_f9_a_message_that_cannot_be_held_back_stays_in_the_queue_until_the_lease_has_run_out() -> None:
    at_once = OnePullRequest()
    at_once.world.blackouts.append(Blackout(prefix="agenda.hold", until=NOW + HOUR))
    at_once.send(2)
    at_once.run(within=4 * HOUR)
    at_once.expect_all_reviewed(2)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.PAST_DEADLINE])
def test_f9_f28_whatever_goes_wrong_while_a_message_is_held_back_it_is_neither_lost_nor_done_twice(mode: Mode) -> None:
    undisturbed = OnePullRequest()
    undisturbed.send(3)
    undisturbed.run(within=4 * HOUR)
    holds = [number for number, name in enumerate(undisturbed.world.calls) if name == "agenda.hold"]
    assert len(holds) >= 2
    for number in holds:
        outage = Outage(at=number, mode=mode)
        at_once = OnePullRequest(World(writers={7}, outages=[outage]))
        at_once.send(3)
        at_once.run(within=4 * HOUR)
        assert outage.has_fired
        at_once.expect_all_reviewed(3)


def test_what_asks_for_the_same_twice_at_once_is_reviewed_once() -> None:
    at_once = OnePullRequest()
    at_once.send(1)
    at_once.queue.repeat(0)
    at_once.run(within=4 * HOUR)
    at_once.expect_all_reviewed(1)
    assert at_once.world.model_calls == 1
