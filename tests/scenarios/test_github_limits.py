"""A thousand pull requests of one installation at once: ten reviewers, one hour's allowance, and nobody is refused.

Reviewers are threads of which one runs at a time: whoever's virtual time is the earliest. GitHub's limits are the
stand-in's own meters, fed by every call of every reviewer.
"""

import heapq
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from codereview.domain.envelope import Envelope
from codereview.domain.limits import Decision, Granted, Take, advanced, decide
from codereview.domain.reconciling import Due, fair_order
from codereview.domain.review import ReviewState
from codereview.domain.turns import RELEASES_FOR_EACH_REVIEWER
from codereview.errors import RetryableError, ThrottledError
from codereview.github_ports import Quota
from codereview.use_cases.control.pace_github import PaceReviews, PaceWrites
from codereview.use_cases.review_pull_request import ReviewPullRequest
from local.github.meters import Ceilings, Meter
from local.github.state import Limits
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.world import FUNCTION_TIMEOUT, VISIBILITY, World

REVIEWERS = 10
A_CALL = timedelta(milliseconds=200)
AN_ANSWER = timedelta(seconds=20)
A_LOOK = timedelta(seconds=5)
INSTALLATION = 1
LISTS = ("github.changed_files", "github.check_runs", "github.reviews", "github.review_comments")
FULL = Quota(limit=Limits().requests_per_hour, remaining=Limits().requests_per_hour, reset_at=NOW)
RELEASED_IN_A_MINUTE = REVIEWERS * RELEASES_FOR_EACH_REVIEWER


class Time:
    """Virtual time; threads take turns, the earliest first."""

    def __init__(self) -> None:
        self.moment = NOW
        self._numbers = count()
        self._waiting: list[tuple[datetime, int, threading.Semaphore]] = []
        self._turn = threading.Semaphore(0)
        self.trouble: list[BaseException] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, duration: timedelta) -> None:
        self._wait(self.moment + duration)

    def _wait(self, until: datetime) -> None:
        own = threading.Semaphore(0)
        heapq.heappush(self._waiting, (until, next(self._numbers), own))
        self._turn.release()
        own.acquire()

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Run all to their ends."""
        threads = [threading.Thread(target=self._work, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
            self._turn.acquire()  # it waits for its first turn
        while self._waiting and not self.trouble:
            until, _, sleeper = heapq.heappop(self._waiting)
            self.moment = max(self.moment, until)
            sleeper.release()
            self._turn.acquire()
        assert not self.trouble, self.trouble

    def _work(self, work: Callable[[], None]) -> None:
        self._wait(self.moment)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 -- a thread's failure is the test's
            self.trouble.append(error)
        self._turn.release()


@dataclass
class Buckets:
    """The control table's buckets."""

    tats: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision:
        micros = int(now.timestamp() * 1_000_000)
        held = {take.name: self.tats.get((owner, take.name), micros) for take in takes}
        decision = decide(takes, held, now=micros)
        if isinstance(decision, Granted):
            self.tats |= {(owner, take.name): advanced(take, held[take.name], micros) for take in takes}
        return decision

    def look(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision:
        micros = int(now.timestamp() * 1_000_000)
        return decide(takes, {take.name: self.tats.get((owner, take.name), micros) for take in takes}, now=micros)


@dataclass
class Installation:
    """What the pull requests of one installation share."""

    time: Time = field(default_factory=Time)
    buckets: Buckets = field(default_factory=Buckets)
    meter: Meter = field(default_factory=Meter)
    quota: Quota = field(default_factory=lambda: FULL)
    is_paced: bool = True
    pages_each: int = 1  # of a list
    violations: list[str] = field(default_factory=list)
    is_over: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    numbers: Iterator[int] = field(default_factory=count)
    queue: list[tuple[datetime, int, "PullRequestWorld", Envelope]] = field(default_factory=list)
    worlds: list["PullRequestWorld"] = field(default_factory=list)

    def open(self, pull_requests: int, *, apart: timedelta) -> None:
        self.worlds = [PullRequestWorld(self, opened_at=NOW + apart * number) for number in range(pull_requests)]
        for world in self.worlds:
            event = replace(pull_request_event(), received_at=world.opened_at.isoformat())
            self.send(world.opened_at, world, event)

    def send(self, visible_at: datetime, world: "PullRequestWorld", envelope: Envelope) -> None:
        heapq.heappush(self.queue, (visible_at, next(self.numbers), world, envelope))

    def charge(self, name: str, *, is_write: bool) -> None:
        """Be GitHub's limiter."""
        for _ in range(self.pages_each if name in LISTS else 1):
            self._count(name)
        self.meter.running += 1
        # More than is content counts as content here: every write, not only what creates something.
        excess = self.meter.charge(
            self.time.now().timestamp(), is_read=not is_write, is_content=is_write, ceilings=Ceilings()
        )
        self.time.sleep(A_CALL)
        self.meter.running -= 1
        if excess is not None:
            self.violations.append(f"{excess.limit}: {name}")
            raise ThrottledError(name, retry_after=timedelta(seconds=excess.wait))

    def _count(self, name: str) -> None:
        """Count against GitHub's hour, which begins with the first request after the last one's end."""
        if self.time.now() >= self.quota.reset_at:
            self.quota = replace(FULL, reset_at=self.time.now() + timedelta(hours=1))
        if self.quota.remaining == 0:
            self.violations.append(f"requests_per_hour: {name}")
        self.quota = replace(self.quota, remaining=max(self.quota.remaining - 1, 0))

    def review(self) -> None:
        """Be one reviewer."""
        while not self.is_over:
            if not self.queue or self.queue[0][0] > self.time.now():
                self.time.sleep(A_LOOK)
                continue
            _, _, world, envelope = heapq.heappop(self.queue)
            try:
                world.worker().handle(envelope, deadline=self.time.now() + FUNCTION_TIMEOUT)
            except RetryableError as error:
                back = error.retry_after if error.retry_after is not None else VISIBILITY
                self.send(self.time.now() + back, world, envelope)

    def reconcile(self) -> None:
        """Be the schedule, until nothing is left to do."""
        while self.queue or any(world.waits for world in self.worlds):
            now = self.time.now()
            assert now < NOW + timedelta(days=3), "it does not end"
            due = [entry for number, world in enumerate(self.worlds) for entry in world.due(number, now)]
            for entry in fair_order(due, most=RELEASED_IN_A_MINUTE):
                world = self.worlds[int(entry.id)]
                with suppress(RetryableError):
                    world.reconcile()
                for envelope in world.queue:
                    self.send(now + timedelta(minutes=1) * self.chance.random(), world, envelope)
                world.queue.clear()
            self.time.sleep(timedelta(minutes=1))
        self.is_over = True


class PullRequestWorld(World):
    """One pull request; its time, GitHub's limits and the pace of writing are its installation's."""

    def __init__(self, installation: Installation, *, opened_at: datetime) -> None:
        self.installation = installation
        self.opened_at = opened_at
        self.posted_at = datetime.max.replace(tzinfo=UTC)
        self.pace = PaceWrites(clock=installation.time, buckets=installation.buckets)
        self.pace_of_reviews = PaceReviews(clock=installation.time, buckets=installation.buckets)
        super().__init__()

    @property
    def now(self) -> datetime:
        return self.installation.time.now()

    @now.setter
    def now(self, value: datetime) -> None:
        if value > self.now:
            self.installation.time.sleep(value - self.now)

    def due(self, number: int, now: datetime) -> Iterator[Due]:
        """Say what the reconciler finds of this one: its message or its review, hardly ever both."""
        times = {True: [held.due_at for held in self.held.values()]}
        times[False] = [item.due_at for item in self.items.values() if item.due_at is not None]
        for is_held, moments in times.items():
            if moments and min(moments) <= now:
                yield Due(id=f"{number:04}", tenant=str(INSTALLATION), due_at=min(moments), is_held=is_held)

    def reviewer(self) -> ReviewPullRequest:
        return replace(super().reviewer(), jitter=self.installation.chance.random)

    def quota(self) -> Quota | None:
        return self.installation.quota if self.installation.is_paced else None

    def pace_reviews(self, *, since: datetime | None) -> None:
        if self.installation.is_paced:
            self.pace_of_reviews(INSTALLATION, since=since)

    def call[Answer](self, name: str, effect: Callable[[], Answer], *, is_write: bool = False) -> Answer:
        # A token is kept for an hour, so that to open the repository is no request.
        if self.installation.is_paced and (is_write or name == "pacing.slot") and name != "github.create_review":
            self.pace(INSTALLATION, is_ahead=not is_write)
        if name.startswith("github.") and name != "github.repository":
            self.installation.charge(name, is_write=is_write)
        if name == "model.answer":
            self.installation.time.sleep(AN_ANSWER)
        if name == "github.create_review":
            self.posted_at = self.now
        return super().call(name, effect, is_write=is_write)


def run(
    pull_requests: int, *, apart: timedelta = timedelta(), is_paced: bool = True, pages_each: int = 1
) -> Installation:
    installation = Installation(is_paced=is_paced, pages_each=pages_each)
    installation.open(pull_requests, apart=apart)
    installation.time.run([installation.reconcile, *(installation.review for _ in range(REVIEWERS))])
    for world in installation.worlds:
        assert [item.state for item in world.items.values()] == [ReviewState.POSTED]
        assert len(world.reviews) == 1
        assert world.hasty_posts == []
        assert [check.status for check, _, _ in world.checks.values()] == ["completed"]
        assert world.model_calls == 1
    return installation


def broken_limits(installation: Installation) -> set[str]:
    return {violation.partition(":")[0] for violation in installation.violations}


def writes_within_the_limits(installation: Installation, pull_requests: int) -> None:
    """Each review writes three times; the hour's allowance says how long that takes at least."""
    peaks = installation.meter.peaks
    assert peaks["content_per_hour"] <= 500
    assert peaks["content_per_minute"] <= 80
    assert installation.meter.hasty_writes == 0
    assert installation.time.now() - NOW >= timedelta(hours=max(0, 3 * pull_requests - 500) / 500)


def test_sixty_pull_requests_at_once_break_no_limit() -> None:
    installation = run(60)
    assert installation.violations == []
    writes_within_the_limits(installation, 60)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_thousand_pull_requests_of_one_installation_at_once_break_no_limit() -> None:
    installation = run(1_000)
    assert installation.violations == []
    writes_within_the_limits(installation, 1_000)
    # What we allow ourselves is four writes in five of GitHub's hour; no more time than that takes is lost.
    assert installation.time.now() - NOW <= 1.1 * timedelta(hours=(3 * 1_000 - 100) / 400)


def test_reviews_that_read_long_lists_leave_githubs_requests_of_the_hour_to_those_that_have_begun() -> None:
    assert run(150, pages_each=15).violations == []


@pytest.mark.long
def test_where_more_comes_than_may_be_written_what_came_first_is_posted_first() -> None:
    """Twice as many as fit into the hour, for two hours. By lot, some are overtaken by what came two hours later."""
    installation = run(500, apart=timedelta(seconds=14))
    assert installation.violations == []
    last_opened, ahead = NOW, []
    for world in sorted(installation.worlds, key=lambda world: world.posted_at):
        last_opened = max(last_opened, world.opened_at)
        ahead.append(last_opened - world.opened_at)
    assert max(ahead) <= timedelta(hours=1)


def test_without_the_pace_the_same_pull_requests_break_limits_of_writing() -> None:
    assert broken_limits(run(60, is_paced=False)) >= {"content_per_minute"}
