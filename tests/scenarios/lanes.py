"""Workers side by side in one world, in an order that the test chooses: each runs so many calls of ports, then another.

Each is a thread, of which one runs at a time; it stops right before a call.
"""

import threading
from typing import TYPE_CHECKING

from codereview.domain.envelope import Envelope
from codereview.errors import RetryableError
from tests.scenarios.faults import Death
from tests.scenarios.world import FUNCTION_TIMEOUT, VISIBILITY, World

if TYPE_CHECKING:
    from datetime import timedelta


# GitHub knows no fence: what keeps a worker from these after its time is Lambda's time-out, which is shorter than the
# lease. Everywhere else not even a worker that outlives it can do harm.
GITHUBS_WRITES = (
    "github.create_review",
    "github.delete_pending_review",
    "github.edit_review",
    "github.finish_check_run",
    "github.start_check_run",
    "github.update_check_run",
)


class Lane:
    """One worker with one message."""

    def __init__(self, lanes: "Lanes", envelope: Envelope) -> None:
        self.envelope = envelope
        self.outcome: object = None
        self.comes_back_after: timedelta | None = None
        self.trouble: BaseException | None = None
        self.next_call: str | None = "the first"
        self._lanes = lanes
        self._deadline = lanes.world.now
        self._left = 0
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._work, daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether it has nothing left to call."""
        return self.next_call is None

    def run(self, calls: int) -> None:
        """Go on for so many calls, or to the end."""
        if self.has_ended:
            return
        self._left = calls
        self._lanes.running = self
        self._go.release()
        self._stopped.acquire()
        self._lanes.running = None

    def step(self, name: str) -> None:
        """Wait for the turn to make a call."""
        while self._left == 0:
            self.next_call = name
            self._stopped.release()
            self._go.acquire()
        self._left -= 1
        if name in GITHUBS_WRITES and self._lanes.world.now >= self._deadline:
            raise Death(name)

    def _work(self) -> None:
        self._go.acquire()
        world = self._lanes.world
        self._deadline = world.now + FUNCTION_TIMEOUT
        try:
            self.outcome = world.worker().handle(self.envelope, deadline=self._deadline)
        except RetryableError as error:
            self.comes_back_after = error.retry_after if error.retry_after is not None else VISIBILITY
        except Death:
            self.comes_back_after = VISIBILITY
        except BaseException as error:  # noqa: BLE001 -- a thread's failure is the test's
            self.trouble = error
        self.next_call = None
        self._stopped.release()


class Lanes:
    """The workers of a world; what no lane calls, such as the test itself, never waits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.running: Lane | None = None
        world.step = self._step

    def _step(self, name: str) -> None:
        if self.running is not None:
            self.running.step(name)

    def start(self, envelope: Envelope) -> Lane:
        """Start a worker, which waits before it does anything."""
        return Lane(self, envelope)


ALL = 1_000_000  # calls, more than any worker makes


def come_to_rest(world: World, *lanes: Lane) -> None:
    """Let the lanes end, their messages come back, and the reconciler do the rest."""
    for lane in lanes:
        lane.run(ALL)
    for lane in lanes:
        if lane.trouble is not None:
            raise lane.trouble
        if lane.comes_back_after is not None:
            world.now += lane.comes_back_after
            world.receive(lane.envelope)
    world.settle()
