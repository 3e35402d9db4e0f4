"""A long queue that is worked off by warm functions while calls fail and workers die: nothing lost, doubled or kept.

Twenty reviewers on a virtual clock. What outlives a message is as in the deployed function: the loop, the logger, the
switches over cached settings, and the circuit round the model. Each pull request has a world of its own, which is
looked at and thrown away when its work has come to rest.
"""

import gc
import heapq
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from codereview.adapters.circuit import Circuit
from codereview.adapters.models.circuit import CircuitModel
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.control.quotas import QuotaSet
from codereview.domain.control.tenants import Tenant
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode, encode
from codereview.domain.review import Outcome, TenantId
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.sqs import process_batch
from codereview.errors import RetryableError
from codereview.use_cases.control.cached_settings import CachedSettings
from codereview.use_cases.control.watch_switches import WatchSwitches
from codereview.use_cases.make_result import Models, PricedModel
from codereview.use_cases.review_pull_request import ReviewPullRequest
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.fake_desk import PRICES, Model, reserving
from tests.scenarios.faults import Death, Mode, Outage
from tests.scenarios.memory_turns import TurnItem
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.world import FUNCTION_TIMEOUT, MAX_RECEIVES, VISIBILITY, World

REVIEWERS = 20
TENANTS = 2_000
A_CALL = timedelta(milliseconds=100)
MINUTE = timedelta(minutes=1)
REPEATED = 0.05  # of all messages come twice
BROKEN = 0.002  # of all calls go wrong: one review in fifteen meets a fault
LOGGER = function_logger("drain")
LOGGER.setLevel("CRITICAL")


@dataclass
class NoSettings:
    """Flags, limits, pauses and tenants that nobody has touched."""

    def load(self, tenant: Any) -> Any:
        raise NotImplementedError

    def holding(self, target: PauseTarget, *, now: datetime) -> Pause | None:
        return None


class NoTenants(NoSettings):
    """No tenant is blocked."""

    def load(self, tenant: TenantId) -> Tenant | None:
        return None


@dataclass
class Warm:
    """What a function keeps from message to message."""

    drain: "Drain"
    switches: WatchSwitches = field(init=False)
    circuit: Circuit = field(init=False)

    def __post_init__(self) -> None:
        flags: Any = _Loading(lambda tenant: FlagSet(tenant=tenant))
        quotas: Any = _Loading(lambda tenant: QuotaSet(tenant=tenant))
        nothing: Any = NoTenants()
        settings = CachedSettings(self.drain, flags, quotas)
        self.switches = WatchSwitches(settings=settings, pauses=nothing, tenants=nothing, agents={})
        self.circuit = Circuit(self.drain, name="the model")


@dataclass
class _Loading:
    make: Any

    def load(self, tenant: TenantId | None) -> Any:
        return self.make(tenant)


class PullRequestWorld(World):
    """One pull request, in the drain's time and with its faults."""

    def __init__(self, drain: "Drain") -> None:
        self.drain = drain
        super().__init__(now=drain.moment, admission=reserving, turns=drain.turns, reviewers=REVIEWERS)
        self.copies = 0
        self.began = self.posted_at = drain.moment

    def reviewer(self) -> ReviewPullRequest:
        worker, warm = super().reviewer(), self.drain.warm
        model = CircuitModel(Model(self), warm.circuit)
        models = Models(usual=PricedModel(model=model, prices=PRICES), mock=worker.make_result.models.mock)
        return replace(
            worker,
            make_result=replace(worker.make_result, models=models, switches=warm.switches),
            publish=replace(worker.publish, switches=warm.switches),
            switches=warm.switches,
        )

    def call[Answer](self, name: str, effect: Any, *, is_write: bool = False) -> Any:
        drain = self.drain
        drain.moment = self.now = self.now + (drain.thinking() if name == "model.answer" else A_CALL)
        if name == "github.create_review":
            self.posted_at = self.now
        if drain.is_out(name, self.now):
            drain.refused += 1
            raise RetryableError(name)
        if drain.chance.random() < drain.broken:
            drain.faults += 1
            self.outages = [Outage(at=len(self.calls), mode=drain.chance.choice(list(Mode)))]
        return super().call(name, effect, is_write=is_write)


class Context:
    """What of Lambda's context is looked at."""

    def get_remaining_time_in_millis(self) -> int:
        return FUNCTION_TIMEOUT // timedelta(milliseconds=1)


@dataclass
class Copy:
    """A message; its body is made when it is received."""

    number: int
    envelope: Envelope | None = None
    receives: int = 0


@dataclass
class Arrival:
    """A message that comes at its time."""

    number: int


@dataclass
class Drain:
    """The queue, the reviewers and the reconciler; also the clock of what is warm."""

    messages: int
    broken: float = BROKEN
    outages: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)
    moment: datetime = NOW
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    numbers: Iterator[int] = field(default_factory=count)
    due: "list[tuple[datetime, int, Copy | Arrival | int]]" = field(default_factory=list)  # int: a pull request
    worlds: dict[int, PullRequestWorld] = field(default_factory=dict)
    postponed: list[timedelta] = field(default_factory=list)
    posted: int = 0
    dead: int = 0
    faults: int = 0
    refused: int = 0
    ended_at: datetime = NOW
    most_worlds: int = 0
    busy: timedelta = timedelta()  # of all reviewers together
    every: timedelta | None = None  # a message comes; None: all are there from the beginning
    waits: list[timedelta] = field(default_factory=list)  # from the message to the post
    sizes: list[int] = field(default_factory=list)
    turns: TurnItem = field(default_factory=TurnItem)

    def __post_init__(self) -> None:
        self.warm = Warm(self)

    # --- what the functions see

    def now(self) -> datetime:
        return self.moment

    def sleep(self, duration: timedelta) -> None:
        self.moment += duration

    def postpone(self, receipt_handle: str, delay: timedelta) -> None:
        self.postponed.append(delay)

    def thinking(self) -> timedelta:
        return timedelta(seconds=self.chance.uniform(10, 30))

    def is_out(self, name: str, now: datetime) -> bool:
        return any(name.startswith(prefix) and begin <= now < end for prefix, (begin, end) in self.outages.items())

    # --- what happens

    def run(self) -> None:
        """Work everything off."""
        free = [(NOW, number) for number in range(REVIEWERS)]
        numbers = range(1, self.messages + 1)
        source = iter(numbers if self.every is None else ())
        if self.every is not None:
            for number in numbers:
                self._at(NOW + number * self.every, Arrival(number))
        waiting: Copy | None = self._next(source)
        while waiting is not None or self.due:
            begins, reviewer = heapq.heappop(free)
            copy = self._due_copy(begins)
            if copy is None and waiting is not None:
                copy, waiting = waiting, self._next(source)
            if copy is None:
                heapq.heappush(free, (max(begins, self.due[0][0]) if self.due else begins, reviewer))
                continue
            heapq.heappush(free, (self._review(copy, begins), reviewer))
        assert not self.worlds

    def _due_copy(self, now: datetime) -> Copy | None:
        """Do what is due by now, up to the first message that a reviewer has to take."""
        while self.due and self.due[0][0] <= now:
            copy = self._arrived(heapq.heappop(self.due), now)
            if copy is not None:
                return copy
        return None

    def _next(self, source: Iterator[int]) -> Copy | None:
        number = next(source, None)
        return None if number is None else self._open(number)

    def _open(self, number: int) -> Copy:
        """Make the pull request of a message, which may come twice."""
        self.worlds[number] = PullRequestWorld(self)
        self.worlds[number].copies = 1
        self.most_worlds = max(self.most_worlds, len(self.worlds))
        if self.chance.random() < REPEATED:
            self.worlds[number].copies += 1
            self._at(self.moment + MINUTE * self.chance.uniform(0, 60), Copy(number))
        if number % max(self.messages // 10, 1) == 0:
            gc.collect()
            self.sizes.append(int(Path("/proc/self/statm").read_text().split()[1]))
        return Copy(number)

    def _at(self, moment: datetime, what: "Copy | Arrival | int") -> None:
        heapq.heappush(self.due, (moment, next(self.numbers), what))

    def _arrived(self, entry: "tuple[datetime, int, Copy | Arrival | int]", now: datetime) -> Copy | None:
        """Return a message, or be the reconciler to a pull request that is due."""
        _, _, what = entry
        if isinstance(what, Arrival):
            self.moment = entry[0]
            return self._open(what.number)
        if isinstance(what, Copy):
            return what
        world = self.worlds.get(what)
        if world is None or min(world.due_times, default=now) > now:
            return None
        self.moment = world.now = now
        world.reconcile()
        for envelope in world.queue:
            world.copies += 1
            self._at(now, Copy(what, envelope))
        world.queue.clear()
        self._look(what, world)
        return None

    def _review(self, copy: Copy, begins: datetime) -> datetime:
        """Be one run of the function; returns when it ends."""
        world = self.worlds[copy.number]
        self.moment = world.now = begins
        copy.receives += 1
        envelope = copy.envelope or replace(
            pull_request_event(), number=copy.number, owner_id=copy.number % TENANTS + 1, received_at=begins.isoformat()
        )
        world.account = copy.number % TENANTS + 1
        record = {"messageId": "m", "receiptHandle": "r", "body": encode(envelope), "eventSource": "aws:sqs"}
        context: Any = Context()
        self.postponed.clear()
        is_done = False
        with suppress(Death):
            answer = process_batch(
                {"Records": [record]}, context, handle=self._handle, logger=LOGGER, postponement=self
            )
            is_done = not answer["batchItemFailures"]
        self.busy += world.now - begins
        world.copies -= 1
        if not is_done and copy.receives >= MAX_RECEIVES:
            self.dead += 1
        elif not is_done:
            world.copies += 1
            self._at(world.now + next(iter(self.postponed), VISIBILITY), copy)
        self._look(copy.number, world)
        return world.now

    def _handle(self, body: str) -> Outcome:
        envelope = decode(body)
        world = self.worlds[envelope.number or 0]
        return world.worker().handle(envelope, deadline=world.now + FUNCTION_TIMEOUT)

    def _look(self, number: int, world: PullRequestWorld) -> None:
        """Put the pull request on the reconciler's list, or count and forget it once all is at rest."""
        if world.waits:
            self._at(max(min(world.due_times), world.now) + MINUTE * self.chance.random(), number)
        elif world.copies == 0:
            expect_nothing_lost_or_doubled(world)
            self.posted += len(world.reviews)
            assert len(world.reviews) == 1
            assert world.model_calls <= 1 + len([call for call in world.calls if call == "store.acquire"])
            if self.every is not None:  # kept for a hundred thousand it would be what grows
                self.waits.append(world.posted_at - world.began)
            self.ended_at = max(self.ended_at, world.now)
            del self.worlds[number]


def drain(messages: int, **options: Any) -> Drain:
    """Work it off, and hold that each message became one review."""
    result = Drain(messages, **options)
    result.run()
    assert (result.posted, result.dead) == (messages, 0)
    return result


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def shortest(messages: int) -> timedelta:
    """Say how long it takes at least: twenty seconds of the model, and some thirty calls, at each reviewer."""
    return messages * (timedelta(seconds=20) + 30 * A_CALL) / REVIEWERS


def test_a_thousand_messages_drain_without_loss_or_double_whatever_breaks() -> None:
    result = drain(1_000)
    assert result.faults > 50
    # No reviewer is idle while there is work. The last copy comes an hour later; half an hour more, if its worker dies.
    assert result.ended_at - NOW <= 1.1 * result.busy / REVIEWERS + timedelta(hours=1.5)


@pytest.mark.parametrize("prefix", [pytest.param("github", marks=pytest.mark.long), "model"])
def test_f19_an_outage_of_half_an_hour_leaves_no_dead_letter_and_is_made_up_for(prefix: str) -> None:
    begin, end = NOW + 5 * MINUTE, NOW + 35 * MINUTE
    result = drain(800, broken=0.0, outages={prefix: (begin, end)})
    assert result.refused > 10
    assert result.most_worlds > 400  # all that waited
    if prefix == "model":
        assert result.refused < 50  # the circuit spared it the others
    # Whoever waited longest does so in steps of half an hour and a bit; the backlog is gone within twice the outage.
    assert result.ended_at <= end + 2 * (end - begin) + 0.1 * shortest(800)


@pytest.mark.long
def test_at_a_constant_load_half_the_reviews_are_posted_within_a_minute_and_most_within_five() -> None:
    # Three quarters of what the reviewers can do.
    result = drain(1_000, every=shortest(1_000) / 750)
    waits = sorted(result.waits)
    assert waits[500] <= MINUTE
    assert waits[950] <= 5 * MINUTE


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_a_hundred_thousand_messages_drain_in_flat_memory() -> None:
    before = threading.active_count(), open_files()
    result = drain(100_000)
    assert result.faults > 5_000
    assert result.ended_at - NOW <= 1.1 * result.busy / REVIEWERS
    assert (threading.active_count(), open_files()) == before
    warm = result.sizes[1:]
    assert max(warm) <= 1.05 * min(warm), result.sizes
    assert result.most_worlds < 5_000
