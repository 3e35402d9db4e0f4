"""A whole world behind the ports: GitHub, the control table, S3, the queues, a model and a clock, in memory.

Every call of a port goes through `World.call`, which can let the n-th one go wrong: an error before or after its
effect, or the worker's death before or after it. A dead worker's later calls are refused, so that no `finally` of ours
can do anything that a killed Lambda could not.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from codereview.adapters.models.mock import MockModel
from codereview.domain.control.budgets import Reservation
from codereview.domain.control.flags import FlagSnapshot
from codereview.domain.envelope import Envelope
from codereview.domain.parking import AdmissionDecision, Admit, Held, Park
from codereview.domain.publication import CheckOutput, Publication, ReviewComment
from codereview.domain.record import ReviewRecorded
from codereview.domain.review import SkipReason
from codereview.errors import CodeReviewError, ForbiddenError, NotFoundError, RetryableError, UnknownOutcomeError
from codereview.github_ports import CheckRun, PostedReview, Quota
from codereview.ports import AdmissionRequest, PullRequestKey, ReviewItem
from codereview.use_cases.drop_overtaken import DropOvertaken
from codereview.use_cases.end_review import EndReview
from codereview.use_cases.hold_busy import HoldBusy
from codereview.use_cases.make_result import MakeResult, Models, PricedModel
from codereview.use_cases.park_review import ParkReview
from codereview.use_cases.publish_review import PublishReview
from codereview.use_cases.reconcile.release_due import ReleaseDue
from codereview.use_cases.review_pull_request import ReviewPullRequest
from codereview.use_cases.still_held import StillHeld
from codereview.use_cases.take_turns import Review, TakeTurns
from tests.scenarios.events import HEAD_A, NOW
from tests.scenarios.fake_desk import ALL_ON, PRICES, Admission, Desk, Ledger, Model, Pace, SwitchBoard, review_change
from tests.scenarios.fake_github import GitHub
from tests.scenarios.fake_stores import Agenda, Clock, Ids, Objects, RecordQueue, ReviewQueue, Store
from tests.scenarios.faults import Blackout, Death, Mode, Outage
from tests.scenarios.memory_turns import TurnItem, TurnTable

KEY = b"marker key"
FUNCTION_TIMEOUT = timedelta(seconds=300)
VISIBILITY = timedelta(seconds=1800)
MAX_RECEIVES = 5
RECONCILER_TIMEOUT = timedelta(seconds=55)


@dataclass
class World:
    """All state outside the worker, which outlives it."""

    now: datetime = NOW
    account: int = 1
    head: str = HEAD_A
    path: str = "a.py"
    patch: bytes = b"@@ -1 +1 @@\n-a\n+b"
    is_open: bool = True
    is_draft: bool = False
    is_suspended: bool = False
    is_known: bool = True
    was_shut_out: bool = False  # something was asked of GitHub while we had no access
    is_found: bool = True
    writers: set[int] = field(default_factory=set)
    reviews: list[tuple[PostedReview, Publication]] = field(default_factory=list)
    checks: dict[int, tuple[CheckRun, str, CheckOutput | None]] = field(default_factory=dict)
    leases: dict[PullRequestKey, tuple[int, UUID | None, datetime]] = field(default_factory=dict)
    looks: dict[PullRequestKey, datetime] = field(default_factory=dict)
    items: dict[UUID, ReviewItem] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    recorded: list[ReviewRecorded] = field(default_factory=list)
    model_calls: int = 0
    is_fickle: bool = False  # the engine says it otherwise each time, as if flags or files had changed since
    results: int = 0  # that the engine has made
    calls: list[str] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    blackouts: list[Blackout] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    queue: list[Envelope] = field(default_factory=list)  # sent by the reconciler
    dead_letters: list[Envelope] = field(default_factory=list)
    admission: Callable[[AdmissionRequest], AdmissionDecision] = lambda _: Admit()
    holding: Callable[[datetime], Park | SkipReason | None] = lambda _: None  # the switches, by the time
    flags: FlagSnapshot = ALL_ON
    turns: TurnItem = field(default_factory=TurnItem)
    reviewers: int = 10  # that may work at the same time
    refused_writes: int = 0  # of workers whose lease had been given away
    stale_writes: int = 0  # of such workers, that were accepted all the same
    spent: dict[str, int] = field(default_factory=dict)
    settled: list[Reservation] = field(default_factory=list)
    is_dead: bool = False
    before: dict[str, Callable[[], None]] = field(default_factory=dict)  # what happens in the world before a call
    happenings: dict[int, Callable[[], None]] = field(default_factory=dict)  # the same, by the call's number
    step: Callable[[str], None] = lambda _: None  # where a worker may have to wait for others
    ids: int = 0
    refuses: Callable[[ReviewComment], bool] = lambda _: False  # for one such comment GitHub refuses the whole review
    keeps_refused: bool = False  # a refused review is stored all the same, without its comments
    refusals: int = 0
    lag: timedelta = timedelta()  # of the list of reviews behind what was posted
    listed_from: dict[int, datetime] = field(default_factory=dict)  # when the list shows a review, by its id
    thumbs: dict[int, tuple[int, int]] = field(default_factory=dict)  # up and down, by the comment's id
    waiting_notes: list[tuple[str, str]] = field(default_factory=list)
    read_at: tuple[datetime, str] = (NOW, "")  # when the pull request was read the last time, and its head then
    hasty_posts: list[str] = field(default_factory=list)  # whose head was not read right before

    def call[Answer](self, name: str, effect: Callable[[], Answer], *, is_write: bool = False) -> Answer:
        """Let the outside world do something, or go wrong."""
        if self.is_dead:
            raise Death(f"a dead worker called {name}")
        self.step(name)
        number = len(self.calls)
        self.calls.append(name)
        for happening in (self.before.pop(name, None), self.happenings.pop(number, None)):
            if happening is not None:
                happening()
        outage = next((entry for entry in self.outages if entry.at == number), None)
        if outage is None:
            self._refuse(name)
            self._black_out(name)
            return effect()
        outage.has_fired = True
        if outage.mode in (Mode.ERROR_AFTER, Mode.DEATH_AFTER, Mode.PAST_DEADLINE):
            with suppress(CodeReviewError):  # a refusal is an answer that nobody hears
                self._refuse(name)
                effect()
        if outage.mode is Mode.PAST_DEADLINE:
            self.now += FUNCTION_TIMEOUT
        if outage.mode in (Mode.DEATH_BEFORE, Mode.DEATH_AFTER, Mode.PAST_DEADLINE):
            self.is_dead = True
            raise Death(name)
        raise UnknownOutcomeError(name) if is_write else RetryableError(name)

    def _refuse(self, name: str) -> None:
        """Be GitHub to an installation that has ended: a token is no good any more, and there is no other."""
        if not name.startswith("github."):
            return
        self.was_shut_out = self.was_shut_out or self.is_suspended or not self.is_known
        if self.is_suspended:
            raise ForbiddenError("This installation has been suspended")
        if not self.is_known:
            raise NotFoundError("not part of the installation")

    def _black_out(self, name: str) -> None:
        for blackout in self.blackouts:
            if name.startswith(blackout.prefix) and self.now < blackout.until:
                blackout.hits += 1
                raise blackout.error(name)

    def kill(self, name: str) -> None:
        """End the worker that makes a call."""
        self.is_dead = True
        raise Death(name)

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    def pace_reviews(self, *, since: datetime | None) -> None:
        """Let every review begin; worlds with limits do not."""

    def still_waits(self, reason: str) -> Park | None:
        """Let every review be admitted that waited to be; worlds with limits do not."""
        return None

    def quota(self) -> Quota | None:
        """Say how many requests are left; worlds with limits do."""
        return None

    def desk(self) -> "Desk":
        """Make what a worker asks about switches and money, and what makes its results."""
        return Desk(
            pace_reviews=Pace(self),
            switches=SwitchBoard(self),
            admission=Admission(self),
            ledger=Ledger(self),
            models=Models(usual=PricedModel(model=Model(self), prices=PRICES), mock=MockModel()),
            review_change=partial(review_change, self),
        )

    def worker(self) -> Review:
        """Start a new worker, with all that stands before a review as deployed."""
        self.is_dead = False
        review, clock, ids = self.reviewer(), Clock(self), Ids(self)
        turns = TakeTurns(
            clock=clock,
            ids=ids,
            table=TurnTable(self),
            agenda=Agenda(self),
            review=HoldBusy(clock=clock, agenda=Agenda(self), review=review, jitter=lambda: 0.5),
            reviewers=self.reviewers,
            jitter=lambda: 0.5,
        )
        held = StillHeld(
            clock=clock,
            ids=ids,
            store=Store(self),
            switches=review.switches,
            admission=review.make_result.admission,
            review=turns,
        )
        return DropOvertaken(clock=clock, store=Store(self), review=held)

    def reviewer(self) -> ReviewPullRequest:
        """Make the review itself: nothing of an earlier one is left but what it stored."""
        clock, store, objects, desk = Clock(self), Store(self), Objects(self), self.desk()
        switches = desk.switches
        publish = PublishReview(clock=clock, store=store, objects=objects, marker_key=KEY, switches=switches)
        end = EndReview(clock=clock, store=store, record_queue=RecordQueue(self), publish=publish)
        return ReviewPullRequest(
            clock=clock,
            ids=Ids(self),
            github=GitHub(self),
            store=store,
            agenda=Agenda(self),
            make_result=MakeResult(
                clock=clock,
                store=store,
                objects=objects,
                models=desk.models,
                review_change=desk.review_change,
                switches=switches,
                admission=desk.admission,
                ledger=desk.ledger,
            ),
            pace_reviews=desk.pace_reviews,
            switches=switches,
            publish=publish,
            park=ParkReview(clock=clock, store=store, end=end, jitter=lambda: 0.5),
            end=end,
            jitter=lambda: 0.5,
        )

    def receive(self, envelope: Envelope, *, most: int = MAX_RECEIVES) -> object:
        """Be the queue: hand the message to workers until one acknowledges it; returns the outcome."""
        for _ in range(most):
            try:
                return self.worker().handle(envelope, deadline=self.now + FUNCTION_TIMEOUT)
            except RetryableError as error:
                self.now += error.retry_after if error.retry_after is not None else VISIBILITY
            except Death:
                self.now += VISIBILITY
        self.dead_letters.append(envelope)
        return None

    def reconcile(self) -> None:
        """Be the schedule: run the reconciler once; what goes wrong in it is forgotten until the next minute."""
        self.is_dead = False
        release = ReleaseDue(clock=Clock(self), agenda=Agenda(self), queue=ReviewQueue(self))
        with suppress(RetryableError, Death):
            release(deadline=self.now + RECONCILER_TIMEOUT)

    def settle(self, *, within: timedelta = timedelta(hours=12)) -> object:
        """Let time pass, with a reconciler every minute, until nothing is left to do; returns the last outcome."""
        outcome: object = None
        ends_at = self.now + within
        while self.waits:
            assert self.now < ends_at, "work is left over"
            self.now = max(self.now + timedelta(minutes=1), min(self.due_times, default=self.now))
            self.reconcile()
            while self.queue:
                outcome = self.receive(self.queue.pop(0))
        return outcome

    @property
    def due_times(self) -> list[datetime]:
        """When the waiting work is due."""
        reviews = [item.due_at for item in self.items.values() if item.due_at is not None]
        return reviews + [held.due_at for held in self.held.values()]

    @property
    def waits(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.due_times or self.queue)

    def arrive(self, envelope: Envelope) -> object:
        """Receive a message whose webhook comes now; returns the outcome."""
        return self.receive(replace(envelope, received_at=self.now.isoformat()))

    def deliver(self, envelope: Envelope) -> object:
        """Receive such a message, and let everything come to rest; returns the last outcome."""
        outcome = self.arrive(envelope)
        assert not self.dead_letters, "the message went to the dead-letter queue"
        return self.settle() or outcome
