"""Dead letters that are moved back: while work goes on, cancelled anywhere, started twice, whatever they are by now."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request
from codereview.domain.control.queues import MoveStatus, MoveTask, QueueDepth, RawLetter
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode
from codereview.domain.review import Outcome, ReviewState
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.sqs import process_batch
from codereview.errors import ConflictError
from codereview.use_cases.control.redrive import Redrive
from tests.scenarios.events import HEAD_B, NOW, pull_request_event
from tests.scenarios.promises import expect_nothing_lost_or_doubled
from tests.scenarios.simulated_queue import SimulatedQueue
from tests.scenarios.test_fairness import MINUTE, SECOND, Deployment, event
from tests.scenarios.world import FUNCTION_TIMEOUT, MAX_RECEIVES, World

BY_HAND = Request(actor=Actor(kind=ActorKind.PERSON, id="github.com:7"), id="r", at=NOW)
LOGGER = function_logger("dead-letters")
LOGGER.setLevel("CRITICAL")


@dataclass
class Outbox:
    """What is audited."""

    entries: list[AuditEntry] = field(default_factory=list)

    def put(self, entry: AuditEntry) -> bool:
        self.entries.append(entry)
        return True

    def unsent(self, *, now: datetime, limit: int) -> Sequence[AuditEntry]:
        raise NotImplementedError

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        raise NotImplementedError


# --- what becomes of each letter, wherever the move stops


def _nothing(_world: World, _number: int) -> None:
    pass


def _posted(world: World, number: int) -> None:
    world.deliver(replace(pull_request_event(), number=number))


def _moved_on(world: World, number: int) -> None:
    world.head = HEAD_B
    world.deliver(replace(pull_request_event(HEAD_B), number=number))


def _set(**values: object) -> Callable[[World, int], None]:
    def put(world: World, _number: int) -> None:
        for name, value in values.items():
            setattr(world, name, value)

    return put


# What became of the pull requests while their letters lay there, and whether they get a review by these.
FATES: tuple[tuple[Callable[[World, int], None], int], ...] = (
    (_nothing, 1),
    (_posted, 1),
    (_moved_on, 1),
    (_set(is_open=False), 0),
    (_set(is_draft=True), 0),
    (_set(is_suspended=True), 0),
    (_set(is_known=False), 0),
    (_nothing, 1),
)


class Context:
    """What of Lambda's context is looked at."""

    def get_remaining_time_in_millis(self) -> int:
        return FUNCTION_TIMEOUT // timedelta(milliseconds=1)


@dataclass
class Function:
    """The reviewer over a queue, with a world for each pull request."""

    worlds: list[World]
    queue: SimulatedQueue

    def handle(self, body: str) -> Outcome:
        envelope = decode(body)
        world = self.worlds[(envelope.number or 0) - 1]
        return world.worker().handle(envelope, deadline=world.now + FUNCTION_TIMEOUT)

    def run(self) -> None:
        """Work off what is visible, in batches of ten."""
        context: Any = Context()
        while visible := self.queue.visible():
            batch = self.queue.receive(visible[:10])
            answer = process_batch(batch, context, handle=self.handle, logger=LOGGER, postponement=self.queue)
            self.queue.settle(batch, answer)


def letters_of_all_fates() -> Function:
    """Fill a dead-letter queue: each fate twice, since a message may have come twice."""
    worlds = [World() for _ in FATES]
    queue = SimulatedQueue(now=lambda: max(world.now for world in worlds))
    for number, (befall, _) in enumerate(FATES):
        befall(worlds[number], number + 1)
        for _ in range(2):
            queue.send(replace(pull_request_event(), number=number + 1))
    for message in queue.messages:
        message.receives = MAX_RECEIVES
    queue.bury()
    assert (len(queue.dead), queue.messages) == (2 * len(FATES), [])
    return Function(worlds, queue)


@pytest.mark.parametrize("moved", range(2 * len(FATES) + 1))
def test_f25_f27_a_move_that_is_cancelled_after_any_letter_is_finished_by_the_next(moved: int) -> None:
    function, outbox = letters_of_all_fates(), Outbox()
    queue = function.queue
    Redrive(queue=queue, outbox=outbox).start(messages_per_second=50, request=BY_HAND)
    queue.go_on_moving(most=moved)
    if queue.is_moving():
        # Another process: how far the move is stands with the service, and nowhere else.
        Redrive(queue=queue, outbox=outbox).cancel(request=BY_HAND)
    assert len(queue.dead) == 2 * len(FATES) - moved
    assert len(queue.messages) == moved
    function.run()
    if queue.dead:
        Redrive(queue=queue, outbox=outbox).start(messages_per_second=50, request=BY_HAND)
        queue.go_on_moving(most=100)
    function.run()
    assert (queue.dead, queue.messages) == ([], [])
    assert queue.moves()[0].status is MoveStatus.COMPLETED
    for world, (_, reviews) in zip(function.worlds, FATES, strict=True):
        world.settle()
        expect_nothing_lost_or_doubled(world, has_access=not world.is_suspended)
        assert len(world.reviews) == reviews
        assert all(item.state is ReviewState.POSTED for item in world.items.values()) or reviews == 0
    assert outbox.entries[0].action == "redrive.start"


def test_f24_a_second_move_is_refused_while_one_runs_and_so_is_the_end_of_none() -> None:
    queue = letters_of_all_fates().queue
    first, second = (Redrive(queue=queue, outbox=Outbox()) for _ in range(2))
    with pytest.raises(ConflictError):
        second.cancel(request=BY_HAND)
    first.start(messages_per_second=1, request=BY_HAND)
    with pytest.raises(ConflictError):
        second.start(messages_per_second=1, request=BY_HAND)
    assert len(queue.moves()) == 1


# --- thousands of letters while others work

LETTERS = 5_000
LIVE_EVERY = timedelta(seconds=20)
LIVE = 150  # pull requests, of thirty tenants
LIVE_TENANTS = 30


@dataclass
class Redriven(Deployment):
    """A deployment whose letters may take another time than what is new."""

    seconds_of_letters: Callable[[], float] = lambda: 20.0
    current: Envelope | None = None
    ended: dict[tuple[str, int], datetime] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.seconds_of = self._seconds

    def _begin(self, tenant: str, envelope: Envelope) -> None:
        self.current = envelope
        super()._begin(tenant, envelope)

    def _seconds(self) -> float:
        assert self.current is not None
        is_letter = (self.current.number or 0) > LIVE
        return self.seconds_of_letters() if is_letter else self.chance.uniform(10, 30)


@dataclass
class Letters:
    """The deployment's dead letters, moved as fast as they were asked to be."""

    deployment: Redriven
    envelopes: list[Envelope]
    tasks: list[MoveTask] = field(default_factory=list)
    name: str = "reviews"

    def move(self, *, messages_per_second: int) -> None:
        now = self.deployment.now
        for number, envelope in enumerate(self.envelopes):
            self._arrive(now + SECOND * number / messages_per_second, envelope)
        self.tasks.append(MoveTask(status=MoveStatus.COMPLETED, started_at=now, moved=len(self.envelopes)))

    def _arrive(self, moment: datetime, envelope: Envelope) -> None:
        self.deployment.at(moment, lambda: self.deployment.arrive(envelope))

    def moves(self) -> Sequence[MoveTask]:
        return self.tasks

    def stop(self) -> None:
        raise NotImplementedError

    def depth(self) -> QueueDepth:
        raise NotImplementedError

    def letters(self, *, limit: int) -> Sequence[RawLetter]:
        raise NotImplementedError


def latencies(deployment: Redriven, letters: Letters | None, *, rate: int) -> list[float]:
    """Let work come in at a constant rate, with the letters or without; returns what 95 of 100 waited at most."""
    sent = dict[tuple[str, int], datetime]()
    for number in range(1, LIVE + 1):
        account, moment = 2 + number % LIVE_TENANTS, NOW + LIVE_EVERY * number
        sent[f"github.com:{account}", number] = moment
        arrive = event(account, number)
        deployment.at(moment, lambda arrive=arrive: deployment.arrive(arrive))  # type: ignore[misc]
    if letters is not None:
        start = Redrive(queue=letters, outbox=Outbox()).start
        deployment.at(NOW + MINUTE, lambda: start(messages_per_second=rate, request=BY_HAND))
    wanted = len(sent) + (len(letters.envelopes) if letters else 0)
    deployment.run(lambda: len(deployment.started) == wanted)
    assert deployment.doubles == 0
    assert deployment.held == {}
    return sorted((deployment.started[key] - moment).total_seconds() + 20 for key, moment in sent.items())


def p95(values: list[float]) -> float:
    return values[int(len(values) * 0.95)]


def test_f23_five_thousand_letters_of_one_tenant_do_not_double_others_waits() -> None:
    quiet = p95(latencies(Redriven(), None, rate=50))
    deployment = Redriven()
    letters = Letters(deployment, [event(1, LIVE + 1 + number) for number in range(LETTERS)])
    assert p95(latencies(deployment, letters, rate=50)) <= 2 * quiet


def test_f23_five_thousand_letters_whose_reviews_have_ended_do_not_double_their_own_tenants_waits() -> None:
    quiet = p95(latencies(Redriven(), None, rate=20))
    # Every review has a due time, so that most letters find it done: half a dozen calls, and no model.
    deployment = Redriven(seconds_of_letters=lambda: 0.3)
    letters = Letters(deployment, [event(2 + number % LIVE_TENANTS, LIVE + 1 + number) for number in range(LETTERS)])
    assert p95(latencies(deployment, letters, rate=20)) <= 2 * quiet


def test_the_test_can_see_letters_that_take_all_reviewers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codereview.domain.turns.share", lambda reviewers: reviewers)
    quiet = p95(latencies(Redriven(), None, rate=50))
    deployment = Redriven(seconds_of_letters=lambda: 250.0)
    letters = Letters(deployment, [event(1, LIVE + 1 + number) for number in range(300)])
    assert p95(latencies(deployment, letters, rate=50)) > 2 * quiet
