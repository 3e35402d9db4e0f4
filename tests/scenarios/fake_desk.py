"""What rules a review, and what makes its result: switches, money and a model, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from codereview import ports
from codereview.control_ports import BudgetLedger
from codereview.domain.change import Change
from codereview.domain.control.budgets import Reservation, Room, Spender
from codereview.domain.control.flags import AgentMode, FlagSnapshot
from codereview.domain.control.quotas import Budgets
from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.parking import AdmissionDecision, Admit, Park
from codereview.domain.prices import TokenPrices
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus, Usage
from codereview.domain.review import ReviewKey, SkipReason
from codereview.model_ports import LanguageModel, ModelAnswer, ModelRequest, StopReason
from codereview.ports import AdmissionRequest
from codereview.use_cases.make_result import Engine, Models
from codereview.use_cases.review_pull_request import PaceOfReviews
from tests.scenarios.events import NOW

if TYPE_CHECKING:
    from tests.scenarios.world import World

PRICES = TokenPrices(read=3.0, cached=0.3, written=15.0)
ALL_ON = FlagSnapshot(agents={}, posting=True, models=True, mock_models=False)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What rules a review."""

    pace_reviews: PaceOfReviews
    switches: ports.Switches
    admission: ports.Admission
    ledger: BudgetLedger
    models: Models
    review_change: Engine


@dataclass
class Model:
    world: "World"
    name: str = "model"
    is_mock: bool = False

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        return self.world.call("model.answer", self._answer)

    def _answer(self) -> ModelAnswer:
        self.world.model_calls += 1
        return ModelAnswer(text="{}", stop=StopReason.COMPLETE, usage=Usage(calls=1), model="model")


def review_change(
    world: "World",
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
class Pace:
    world: "World"

    def __call__(self, installation_id: int, *, since: datetime | None) -> None:
        self.world.call("pacing.begin", lambda: self.world.pace_reviews(since=since))


@dataclass
class Admission:
    world: "World"

    def admit(self, request: AdmissionRequest, *, now: datetime) -> AdmissionDecision:
        return self.world.call("admission.admit", lambda: self.world.admission(request))

    def still_waits(self, key: ReviewKey, reason: str, *, now: datetime) -> Park | None:
        return self.world.still_waits(reason)


@dataclass
class SwitchBoard:
    world: "World"

    def holding(self, key: ReviewKey, *, now: datetime) -> Park | SkipReason | None:
        return self.world.call("switches.holding", lambda: self.world.holding(self.world.now))

    def flags(self, key: ReviewKey) -> FlagSnapshot:
        return self.world.call("switches.flags", lambda: self.world.flags)


@dataclass
class Ledger:
    """Counts what is spent; reserving is the admission's business."""

    world: "World"

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


def reserving(request: AdmissionRequest) -> Admit:
    """Admit with a reservation, so that each call of the model is counted and the end settles it."""
    spender = Spender(key=request.key, month="2026-03")
    return Admit(reservation=Reservation(spender=spender, left=1_000_000, spent=0, until=NOW + timedelta(days=1)))
