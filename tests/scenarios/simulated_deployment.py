"""The deployed system round two tenants: the queue, the function on its batches, and the reconciler of every minute.

It keeps account of what was accepted: every such message is in the queue, a dead letter or held back, until its work is
done or a review with a due time carries it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from codereview.domain.control.audit import AuditEntry
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode
from codereview.domain.parking import Held
from codereview.domain.review import Outcome, Parked
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.sqs import process_batch
from codereview.use_cases.control.redrive import Redrive
from codereview.use_cases.reconcile.revive import ReviveDeadLetters
from tests.scenarios.events import NOW
from tests.scenarios.fake_jobs import MemoryJobs
from tests.scenarios.fake_stores import Clock
from tests.scenarios.faults import Death
from tests.scenarios.simulated_queue import Message, SimulatedQueue
from tests.scenarios.two_tenants import MINUTE, Shared, TenantsWorld
from tests.scenarios.world import FUNCTION_TIMEOUT

LOGGER = function_logger("histories")
LOGGER.setLevel("CRITICAL")


class Context:
    """What of Lambda's context is looked at."""

    def get_remaining_time_in_millis(self) -> int:
        """Say that all of the time is left."""
        return FUNCTION_TIMEOUT // timedelta(milliseconds=1)


@dataclass
class Outbox:
    """The outbox of the audit entries."""

    actions: list[str] = field(default_factory=list)

    def put(self, entry: AuditEntry) -> bool:
        """Keep what was done."""
        self.actions.append(entry.action)
        return True

    def unsent(self, *, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """Find nothing: others test the sending."""
        return []

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        """Do nothing, for the same reason."""


@lru_cache(10_000)
def work_of(body: str) -> UUID:
    """Name the work that a message asks for; its duplicates ask for the same."""
    return Held(envelope=decode(body), reason="", due_at=NOW).id


class SimulatedDeployment:
    """Two tenants with a pull request each; one clock, one queue, one function."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.worlds = [TenantsWorld(1, self.shared), TenantsWorld(2, self.shared)]
        self.queue = SimulatedQueue(now=lambda: self.shared.moment)
        platform = TenantsWorld(0, self.shared)  # the jobs' own, whose ports work
        self.jobs, self.outbox = MemoryJobs(platform), Outbox()
        self.revive = ReviveDeadLetters(clock=Clock(platform), jobs=self.jobs, queue=self.queue)
        self.by_hand = Redrive(queue=self.queue, outbox=self.outbox)
        self.owed: dict[UUID, TenantsWorld] = {}  # accepted, and neither done nor carried by a review

    @property
    def now(self) -> datetime:
        """The time."""
        return self.shared.moment

    def advance(self, duration: timedelta) -> None:
        """Let time pass, in which nothing happens."""
        self.shared.moment += duration

    def accept(self, envelope: Envelope) -> None:
        """Take a message; what a review is sent again for is that review's business."""
        self.queue.send(envelope)
        if envelope.review_id is None:
            self.owed[work_of(self.queue.messages[-1].body)] = self._world_of(envelope)

    def _world_of(self, envelope: Envelope) -> TenantsWorld:
        (world,) = [world for world in self.worlds if envelope.owner_id in world.accounts]
        return world

    @property
    def held(self) -> set[UUID]:
        """The work whose messages are held back."""
        return {UUID(name.removeprefix("held#")) for world in self.worlds for name in world.held}

    def run(self, messages: Sequence[Message]) -> None:
        """Run the function on a batch; in the middle of it, it may be run once more."""
        if not messages:
            return
        event = self.queue.receive(messages)
        were_dead = [world.is_dead for world in self.worlds]
        context: Any = Context()
        outcomes: dict[str, Outcome] = {}  # by the message's body
        with suppress(Death):
            answer = process_batch(
                event, context, handle=partial(self._handle, outcomes), logger=LOGGER, postponement=self.queue
            )
            self.queue.settle(event, answer)
        for world, was_dead in zip(self.worlds, were_dead, strict=True):
            world.is_dead = was_dead
        gone = [message for message in messages if message not in self.queue.messages + self.queue.dead]
        for message, record in zip(messages, event["Records"], strict=True):
            if message in gone and message.handle == record["receiptHandle"]:  # nobody has received it since
                self._note_the_end(message, outcomes.get(message.body))

    def _handle(self, outcomes: dict[str, Outcome], body: str) -> Outcome:
        envelope = decode(body)
        world = self._world_of(envelope)
        outcome = world.worker().handle(envelope, deadline=world.now + FUNCTION_TIMEOUT)
        assert not isinstance(outcome, Parked) or outcome.until in world.due_times, "what waits has no due time"
        outcomes[body] = outcome
        return outcome

    def _note_the_end(self, message: Message, outcome: Outcome | None) -> None:
        """Note that a message was acknowledged: its work is done, or waits in another place."""
        assert outcome is not None, "a message is acknowledged whose work broke off"
        if not isinstance(outcome, Parked) or work_of(message.body) not in self.held:
            self.owed.pop(work_of(message.body), None)

    def reconcile(self) -> None:
        """Be the schedule."""
        for world in self.worlds:
            world.reconcile()
            for envelope in world.queue:
                self.accept(envelope)
            world.queue.clear()
        self.queue.bury()
        self.revive()
        self.queue.go_on_moving()

    def go_on(self, *, until: datetime | None = None) -> None:
        """Let time pass to when something is due, by whole minutes, and work everything off."""
        looks = [world.next_look for world in self.worlds] + [message.visible_at for message in self.queue.messages]
        if self.queue.dead:
            looks.append(self.jobs.next_at[f"dead-letters-{self.queue.name}"])
        if self.queue.is_moving():
            looks.append(self.now)
        wanted = min(looks) if until is None else min(*looks, until)
        self.shared.moment = max(self.now + MINUTE, wanted)
        self.reconcile()
        for message in self.queue.visible():
            if message in self.queue.messages and message.visible_at <= self.now:
                self.run([message])

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is left to do."""
        return not self.queue.messages and not self.queue.dead and all(world.is_at_rest for world in self.worlds)
