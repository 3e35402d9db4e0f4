"""A whole world behind the ports: GitHub, the control table, S3, the queues, a model and a clock, in memory.

Every call of a port goes through `World.call`, which can let the n-th one go wrong: an error before or after its
effect, or the worker's death before or after it. A dead worker's later calls are refused, so that no `finally` of ours
can do anything that a killed Lambda could not.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from uuid import UUID

from codereview import ports
from codereview.adapters.models.mock import MockModel
from codereview.control_ports import BudgetLedger
from codereview.domain.change import Change, FileChange, FileStatus
from codereview.domain.control.budgets import Reservation, Room, Spender
from codereview.domain.control.flags import AgentMode, FlagSnapshot
from codereview.domain.control.quotas import Budgets
from codereview.domain.diff import parse_patch
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.envelope_codec import decode, encode
from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.parking import AdmissionDecision, Admit, Held, Park
from codereview.domain.prices import TokenPrices
from codereview.domain.publication import CheckOutput, Publication, ReviewComment
from codereview.domain.reconciling import Due, fair_order
from codereview.domain.record import ReviewRecorded
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus, Usage
from codereview.domain.review import ReviewKey, SkipReason
from codereview.errors import (
    CodeReviewError,
    ForbiddenError,
    LostLeaseError,
    NotFoundError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from codereview.ports import (
    AdmissionRequest,
    Busy,
    CheckRun,
    LanguageModel,
    Lease,
    ModelAnswer,
    ModelRequest,
    PostedComment,
    PostedReview,
    PullRequest,
    PullRequestKey,
    RepositoryIdentity,
    ReviewItem,
    StopReason,
    StoredObject,
    WriteSlot,
)
from codereview.use_cases.drop_overtaken import DropOvertaken
from codereview.use_cases.end_review import EndReview
from codereview.use_cases.hold_busy import HoldBusy
from codereview.use_cases.make_result import Engine, MakeResult, Models, PricedModel
from codereview.use_cases.park_review import ParkReview
from codereview.use_cases.publish_review import PublishReview
from codereview.use_cases.reconcile.release_due import ReleaseDue
from codereview.use_cases.review_pull_request import ReviewPullRequest
from codereview.use_cases.still_held import StillHeld
from codereview.use_cases.take_turns import Review, TakeTurns
from tests.scenarios.memory_turns import TurnItem, TurnTable

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
HEAD_A, HEAD_B = "a" * 40, "b" * 40
KEY = b"marker key"
FUNCTION_TIMEOUT = timedelta(seconds=300)
VISIBILITY = timedelta(seconds=1800)
MAX_RECEIVES = 5
RECONCILER_TIMEOUT = timedelta(seconds=55)
LATEST_READ = timedelta(seconds=2)  # of the head, before a post
PRICES = TokenPrices(read=3.0, cached=0.3, written=15.0)
ALL_ON = FlagSnapshot(agents={}, posting=True, models=True, mock_models=False)


class Death(BaseException):
    """The sandbox is gone; nothing of ours may catch it."""


class Mode(Enum):
    """What goes wrong at one call."""

    ERROR_BEFORE = "error before"
    ERROR_AFTER = "error after"
    DEATH_BEFORE = "death before"
    DEATH_AFTER = "death after"
    PAST_DEADLINE = "past the deadline"  # it works, but so slowly that the function is killed


@dataclass
class Outage:
    """The call that goes wrong, counted from 0 over the whole run, and whether it did."""

    at: int
    mode: Mode
    has_fired: bool = False


@dataclass
class Blackout:
    """Every call whose name starts so goes wrong for some time."""

    prefix: str
    until: datetime
    error: type[RetryableError] = RetryableError
    hits: int = 0


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

    def desk(self) -> "Desk":
        """Make what a worker asks about switches and money, and what makes its results."""
        return Desk(
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
        held = StillHeld(clock=clock, ids=ids, store=Store(self), switches=review.switches, review=turns)
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

    def deliver(self, envelope: Envelope) -> object:
        """Receive a message that comes now, and let everything come to rest; returns the last outcome."""
        outcome = self.receive(replace(envelope, received_at=self.now.isoformat()))
        assert not self.dead_letters, "the message went to the dead-letter queue"
        return self.settle() or outcome


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What rules a review."""

    switches: ports.Switches
    admission: ports.Admission
    ledger: BudgetLedger
    models: Models
    review_change: Engine


@dataclass
class Clock:
    world: World

    def now(self) -> datetime:
        return self.world.now

    def sleep(self, duration: timedelta) -> None:
        self.world.now += duration


@dataclass
class Ids:
    world: World

    def new(self) -> UUID:
        return UUID(int=self.world.next_id())


@dataclass
class Model:
    world: World
    name: str = "model"
    is_mock: bool = False

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        return self.world.call("model.answer", self._answer)

    def _answer(self) -> ModelAnswer:
        self.world.model_calls += 1
        return ModelAnswer(text="{}", stop=StopReason.COMPLETE, usage=Usage(calls=1), model="model")


def review_change(
    world: World,
    change: Change,
    *,
    model: LanguageModel,
    head_files: object,
    attributes: object,
    deadline: datetime,
    modes: Mapping[str, AgentMode],
) -> ReviewResult:
    """Stand for the engine: ask the model once, find one thing on the changed line."""
    world.results += 1
    answer = model.answer(
        ModelRequest(agent="correctness", rules="r", change=change.head_sha, task="t", schema={}),
        deadline=timedelta(seconds=1),
    )
    candidate = Candidate(
        agent="correctness",
        rule="r",
        severity=Severity.HIGH,
        path="a.py",
        quote="b",
        title=f"Title {world.results}." if world.is_fickle else "Title",
        body="Body.",
    )
    finding = Finding(
        candidate=candidate,
        path="a.py",
        placement=Placement.INLINE,
        anchor=Anchor(side=Side.RIGHT, line=1),
        text="b",
        fingerprint="f" * 32,
    )
    run = AgentRun(agent="correctness", status=RunStatus.COMPLETE, engine=answer.model, usage=answer.usage, findings=1)
    return ReviewResult(
        base_sha=change.base_sha,
        head_sha=change.head_sha,
        findings=(finding,),
        runs=(run,),
        coverage=Coverage(reviewed=("a.py",), unreviewed=(), file_count=1),
    )


@dataclass
class Store:
    world: World

    def acquire(self, pull_request: PullRequestKey, *, owner: UUID, now: datetime, until: datetime) -> Lease | Busy:
        return self.world.call("store.acquire", lambda: self._acquire(pull_request, owner, now, until))

    def _acquire(self, pull_request: PullRequestKey, owner: UUID, now: datetime, until: datetime) -> Lease | Busy:
        fence, holder, ends = self.world.leases.get(pull_request, (0, None, now))
        if holder not in (None, owner) and ends > now:
            return Busy(until=ends)
        self.world.leases[pull_request] = (fence + 1, owner, until)
        return Lease(pull_request=pull_request, owner=owner, fence=fence + 1, until=until)

    def release(self, lease: Lease, *, looked_at: datetime | None = None) -> None:
        self.world.call("store.release", lambda: self._release(lease, looked_at))

    def _release(self, lease: Lease, looked_at: datetime | None = None) -> None:
        if self._holds(lease):
            self.world.leases[lease.pull_request] = (lease.fence, None, lease.until)
            if looked_at is not None:
                self.world.looks[lease.pull_request] = looked_at

    def looked_at(self, pull_request: PullRequestKey) -> datetime | None:
        return self.world.call("store.looked_at", lambda: self.world.looks.get(pull_request))

    def _holds(self, lease: Lease) -> bool:
        fence, holder, _ = self.world.leases[lease.pull_request]
        return (fence, holder) == (lease.fence, lease.owner)

    def load(self, review_id: UUID) -> ReviewItem | None:
        return self.world.call("store.load", lambda: self.world.items.get(review_id))

    def save(self, lease: Lease, item: ReviewItem, *, now: datetime) -> None:
        self.world.call("store.save", lambda: self._save(lease, item.remembering(now=now)))

    def _save(self, lease: Lease, item: ReviewItem) -> None:
        if not self._holds(lease):
            self.world.refused_writes += 1
            raise LostLeaseError("a newer lease exists")
        latest, _, _ = self.world.leases[lease.pull_request]
        self.world.stale_writes += lease.fence < latest
        self.world.items[item.key.review_id] = item


@dataclass
class Agenda:
    world: World

    def hold(self, held: Held) -> None:
        def put() -> None:
            self.world.held[f"held#{held.id}"] = held

        self.world.call("agenda.hold", put)

    def due(self, *, now: datetime, limit: int, most_of_a_tenant: int) -> list[Due]:
        return self.world.call("agenda.due", lambda: fair_order(self._due(now), most=most_of_a_tenant)[:limit])

    def _due(self, now: datetime) -> list[Due]:
        held = [
            Due(id=name, tenant=entry.tenant, due_at=entry.due_at, is_held=True)
            for name, entry in self.world.held.items()
        ]
        reviews = [
            Due(id=str(item.key.review_id), tenant=item.key.tenant, due_at=item.due_at, is_held=False)
            for item in self.world.items.values()
            if item.due_at is not None
        ]
        return sorted((entry for entry in held + reviews if entry.due_at <= now), key=lambda entry: entry.due_at)

    def envelope_of(self, entry: Due) -> Envelope | None:
        return self.world.call("agenda.envelope_of", lambda: self._envelope_of(entry))

    def _envelope_of(self, entry: Due) -> Envelope | None:
        if entry.is_held:
            held = self.world.held.get(entry.id)
            return held.envelope if held is not None and held.due_at == entry.due_at else None
        item = self.world.items[UUID(entry.id)]
        return item.envelope if item.due_at == entry.due_at else None

    def move_on(self, entry: Due, *, until: datetime) -> None:
        def move() -> None:
            item = self.world.items[UUID(entry.id)]
            if item.due_at == entry.due_at:
                self.world.items[UUID(entry.id)] = replace(item, due_at=until)

        self.world.call("agenda.move_on", move)

    def drop(self, entry: Due) -> None:
        def forget() -> None:
            if self._envelope_of(entry) is not None:
                del self.world.held[entry.id]

        self.world.call("agenda.drop", forget)


@dataclass
class ReviewQueue:
    world: World

    def send(self, envelope: Envelope, *, delay: timedelta = timedelta()) -> None:
        # As the codec would: what cannot be sent must not seem to be.
        self.world.call("review_queue.send", lambda: self.world.queue.append(decode(encode(envelope))))


@dataclass
class Admission:
    world: World

    def admit(self, request: AdmissionRequest, *, now: datetime) -> AdmissionDecision:
        return self.world.call("admission.admit", lambda: self.world.admission(request))


@dataclass
class SwitchBoard:
    world: World

    def holding(self, key: ReviewKey, *, now: datetime) -> Park | SkipReason | None:
        return self.world.call("switches.holding", lambda: self.world.holding(self.world.now))

    def flags(self, key: ReviewKey) -> FlagSnapshot:
        return self.world.call("switches.flags", lambda: self.world.flags)


@dataclass
class Ledger:
    """Counts what is spent; reserving is the admission's business."""

    world: World

    def room(self, spender: Spender, budgets: Budgets) -> Room:
        return Room(left={})

    def held(self, spender: Spender) -> Reservation | None:
        return None

    def reserve(self, spender: Spender, budgets: Budgets, *, amount: int, until: datetime) -> Reservation:
        return Reservation(spender=spender, left=amount, spent=0, until=until)

    def spend(self, reservation: Reservation, *, call: str, amount: int) -> Reservation:
        return self.world.call("ledger.spend", lambda: self._spend(reservation, call, amount))

    def _spend(self, reservation: Reservation, call: str, amount: int) -> Reservation:
        self.world.spent[call] = amount
        return reservation

    def settle(self, reservation: Reservation) -> None:
        self.world.call("ledger.settle", lambda: self.world.settled.append(reservation))

    def expire(self, *, now: datetime, limit: int) -> int:
        return 0


@dataclass
class Objects:
    world: World

    def put(self, key: str, data: bytes) -> StoredObject:
        return self.world.call("objects.put", lambda: self._put(key, data))

    def _put(self, key: str, data: bytes) -> StoredObject:
        self.world.objects[key] = data
        return StoredObject(key=key, sha256=hashlib.sha256(data).hexdigest())

    def get(self, key: str) -> bytes | None:
        return self.world.call("objects.get", lambda: self.world.objects.get(key))


@dataclass
class RecordQueue:
    world: World

    def send(self, message: ReviewRecorded) -> None:
        self.world.call("record_queue.send", lambda: self.world.recorded.append(message))


@dataclass
class GitHub:
    world: World

    def repository(self, installation_id: int, repository_id: int) -> "Repository":
        return self.world.call("github.repository", lambda: self._open(repository_id))

    def _open(self, repository_id: int) -> "Repository":
        return Repository(
            self.world, RepositoryIdentity(id=repository_id, owner_id=self.world.account, owner="o", name="r")
        )


@dataclass
class Repository:
    world: World
    identity: RepositoryIdentity

    def pull_request(self, number: int) -> PullRequest:
        return self.world.call("github.pull_request", lambda: self._pull_request(number))

    def _pull_request(self, number: int) -> PullRequest:
        self.world.read_at = (self.world.now, self.world.head)
        if not self.world.is_found:
            raise NotFoundError("no such pull request")
        return PullRequest(
            number=number,
            head_sha=self.world.head,
            base_sha="0" * 40,
            base_ref="main",
            is_open=self.world.is_open,
            is_draft=self.world.is_draft,
            title="T",
            description="",
            changed_files=1,
            author_id=7,
            is_author_bot=False,
        )

    def has_write_access(self, account_id: int) -> bool:
        return self.world.call("github.has_write_access", lambda: account_id in self.world.writers)

    def changed_files(self, pull_request: PullRequest) -> tuple[FileChange, ...]:
        hunks = parse_patch(self.world.patch)
        file = FileChange(path=self.world.path, status=FileStatus.MODIFIED, hunks=hunks)
        return self.world.call("github.changed_files", lambda: (file,))

    def content(self, path: str, ref: str) -> bytes | None:
        return self.world.call("github.content", lambda: None)

    def contents(self, paths: Sequence[str], ref: str) -> Mapping[str, bytes | None]:
        return self.world.call("github.contents", lambda: dict.fromkeys(paths))

    def reviews(self, number: int) -> Iterator[PostedReview]:
        yield from self.world.call("github.reviews", self._listed)

    def _listed(self) -> list[PostedReview]:
        world = self.world
        return [review for review, _ in world.reviews if world.listed_from.get(review.id, world.now) <= world.now]

    def review_comments(self, number: int, review_id: int) -> Iterator[PostedComment]:
        yield from self.world.call("github.review_comments", lambda: self._comments(review_id))

    def _comments(self, review_id: int) -> list[PostedComment]:
        return [
            PostedComment(id=number, body=comment.body, path=comment.path, thumbs_up=up, thumbs_down=down)
            for review, posted in self.world.reviews
            if review.id == review_id
            for index, comment in enumerate(posted.comments)
            for number in [review.id * 100 + index]
            for up, down in [self.world.thumbs.get(number, (0, 0))]
        ]

    def write_slot(self) -> WriteSlot:
        return self.world.call("pacing.slot", WriteSlot)

    def create_review(self, number: int, publication: Publication, slot: WriteSlot) -> PostedReview:
        return self.world.call("github.create_review", lambda: self._create(publication), is_write=True)

    def _create(self, publication: Publication) -> PostedReview:
        read_at, head = self.world.read_at
        if self.world.now - read_at > LATEST_READ or publication.commit_id != head:
            self.world.hasty_posts.append(publication.commit_id)
        is_refused = any(map(self.world.refuses, publication.comments))
        if is_refused and self.world.keeps_refused:
            publication = replace(publication, comments=())
        review = PostedReview(
            id=self.world.next_id(),
            body=publication.body,
            commit_id=publication.commit_id,
            is_ours=True,
            is_pending=False,
        )
        if is_refused:
            self.world.refusals += 1
        if not is_refused or self.world.keeps_refused:
            self.world.reviews.append((review, publication))
            self.world.listed_from[review.id] = self.world.now + self.world.lag
        if is_refused:
            raise RejectedError("GitHub answered 422")
        return review

    def edit_review(self, number: int, review_id: int, body: str) -> None:
        def edit() -> None:
            self.world.reviews = [
                (replace(review, body=body), replace(publication, body=body)) if review.id == review_id else entry
                for entry in self.world.reviews
                for review, publication in [entry]
            ]

        self.world.call("github.edit_review", edit, is_write=True)

    def delete_pending_review(self, number: int, review_id: int) -> None:
        def delete() -> None:
            self.world.reviews = [entry for entry in self.world.reviews if entry[0].id != review_id]

        self.world.call("github.delete_pending_review", delete, is_write=True)

    def check_runs(self, head_sha: str, name: str) -> Iterator[CheckRun]:
        yield from self.world.call(
            "github.check_runs", lambda: [run for run, head, _ in self.world.checks.values() if head == head_sha]
        )

    def start_check_run(self, head_sha: str, name: str, *, external_id: str) -> CheckRun:
        return self.world.call("github.start_check_run", lambda: self._start(head_sha, external_id), is_write=True)

    def _start(self, head_sha: str, external_id: str) -> CheckRun:
        run = CheckRun(id=self.world.next_id(), external_id=external_id, status="in_progress")
        self.world.checks[run.id] = (run, head_sha, None)
        return run

    def update_check_run(self, check_run_id: int, *, title: str, summary: str) -> None:
        def update() -> None:
            run, head, output = self.world.checks[check_run_id]
            self.world.checks[check_run_id] = (replace(run, status="in_progress"), head, output)
            self.world.waiting_notes.append((title, summary))

        self.world.call("github.update_check_run", update, is_write=True)

    def finish_check_run(self, check_run_id: int, output: CheckOutput) -> None:
        self.world.call("github.finish_check_run", lambda: self._finish(check_run_id, output), is_write=True)

    def _finish(self, check_run_id: int, output: CheckOutput) -> None:
        run, head, _ = self.world.checks[check_run_id]
        self.world.checks[check_run_id] = (replace(run, status="completed"), head, output)


def reserving(request: AdmissionRequest) -> Admit:
    """Admit with a reservation, so that each call of the model is counted and the end settles it."""
    spender = Spender(key=request.key, month="2026-03")
    return Admit(reservation=Reservation(spender=spender, left=1_000_000, spent=0, until=NOW + timedelta(days=1)))


def pull_request_event(head: str = HEAD_A, *, action: str = "opened") -> Envelope:
    """Make the message that a `pull_request` webhook leaves."""
    return Envelope(
        delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958",
        event="pull_request",
        action=action,
        host="github.com",
        installation_id=5,
        owner_id=1,
        trigger=Trigger.PULL_REQUEST,
        repository_id=2,
        number=3,
        head_sha=head,
        sender_id=7,
        received_at=NOW.isoformat(),
    )


def command_event(sender_id: int = 7, *, comment: int = 99) -> Envelope:
    """Make the message that `/review` leaves."""
    return replace(
        pull_request_event(),
        event="issue_comment",
        action="created",
        trigger=Trigger.COMMAND,
        head_sha=None,
        trigger_id=comment,
        command="review",
        sender_id=sender_id,
    )
