"""The scenarios' world with the control plane as it is deployed: the real wiring, on the control table."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.ledger import DynamoBudgetLedger
from codereview.adapters.dynamodb.control.pauses import DynamoPauses
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.models.mock import MockModel
from codereview.adapters.system import RandomIds
from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
from codereview.bootstrap.reviewer_control import ReviewerControl, reviewer_control
from codereview.domain.change import Change
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request, audited
from codereview.domain.control.budgets import Reservation, Room, Spender, month_of
from codereview.domain.control.flags import AgentFlag, AgentMode, FlagSet
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.control.quotas import Budgets, QuotaSet
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.finding import Candidate, Severity
from codereview.domain.parking import AdmissionDecision, Park
from codereview.domain.prices import TokenPrices
from codereview.domain.result import ReviewResult, Usage
from codereview.domain.review import ReviewKey, TenantId
from codereview.domain.stored import decode_result
from codereview.model_ports import (
    AnalyzerReport,
    HeadFiles,
    LanguageModel,
    ModelAnswer,
    ModelRequest,
    SourceFile,
    StopReason,
)
from codereview.ports import Admission, AdmissionRequest, ReviewItem
from codereview.use_cases.make_result import Models, PricedModel
from codereview.use_cases.review_change import ReviewChange
from tests.scenarios.events import NOW
from tests.scenarios.fake_desk import PRICES, Desk, Pace
from tests.scenarios.fake_stores import Clock
from tests.scenarios.world import World

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TENANT = TenantId("github.com:1")
CHEAP_PRICES = TokenPrices(read=0.3, cached=0.03, written=1.5)
OPERATOR = Actor(kind=ActorKind.PERSON, id="github.com:77")
ASKED = {"correctness", "security", "performance", "concurrency", "maintainability", "verifier"}
ANALYZERS = {"ruff", "secrets", "unicode"}
AGENTS = [*(agent.name for agent in MODEL_AGENTS), *(agent.name for agent in ANALYZER_AGENTS)]
_APART = 20  # lines: claims that are nearer are taken for one
CODE = [f"value_{AGENTS[at // _APART]} = {at}" if at % _APART == 0 else "" for at in range(_APART * len(AGENTS))]

_USAGE = Usage(calls=1, input_tokens=1_000, output_tokens=100)
_FILE = "\n".join(CODE).encode()


@dataclass(kw_only=True)
class LimitedWorld(World):
    """One pull request whose file has a line for each agent to find something in."""

    client: "DynamoDBClient"
    table: str
    patch: bytes = "\n".join([f"@@ -0,0 +1,{len(CODE)} @@", *(f"+{line}" for line in CODE)]).encode()
    asked: list[tuple[str, str]] = field(default_factory=list)  # model, agent
    requests: list[AdmissionRequest] = field(default_factory=list)
    usage: Usage = _USAGE  # of each call
    warm: ReviewerControl | None = None  # of a sandbox that has reviewed before; None: each worker begins anew

    def control(self) -> ReviewerControl:
        """Wire the control plane as a new sandbox of the reviewer does."""
        return reviewer_control(self.client, self.table, Clock(self), prices=PRICES, cheaper_prices=CHEAP_PRICES)

    def desk(self) -> Desk:
        control = self.warm or self.control()
        return Desk(
            pace_reviews=Pace(self),
            switches=control.switches,
            admission=WatchedAdmission(self, control.admission),
            ledger=WatchedLedger(self, control.ledger),
            models=Models(
                usual=PricedModel(model=Speaker(self, "usual"), prices=PRICES),
                cheaper=PricedModel(model=Speaker(self, "cheap"), prices=CHEAP_PRICES),
                mock=MockModel(),
            ),
            review_change=Engine(self),
        )

    def entry(self) -> AuditEntry:
        request = Request(actor=OPERATOR, id=str(RandomIds().new()), at=self.now)
        return audited(request, tenant=TENANT, action="test", target="test")

    def switch(
        self,
        tenant: TenantId | None = TENANT,
        *,
        posting: bool = True,
        models: bool = True,
        mock_models: bool = False,
        agents: Mapping[str, AgentFlag] | None = None,
    ) -> None:
        """Change the flags, as the API does."""
        flags = DynamoFlags(self.client, self.table)
        version = flags.load(tenant).version
        changed = FlagSet(
            tenant=tenant, posting=posting, models=models, mock_models=mock_models, agents=agents or {}, version=version
        )
        flags.save(changed, audit=self.entry())

    def limit(self, quotas: QuotaSet) -> None:
        """Set limits and budgets for the first time."""
        DynamoQuotas(self.client, self.table).save(quotas, audit=self.entry())

    def budget(self, budgets: Budgets) -> None:
        self.limit(QuotaSet(tenant=TENANT, budgets=budgets))

    def pause(self, target: PauseTarget, *, until: datetime | None = None) -> None:
        pause = Pause(target=target, reason="a release", by=OPERATOR, since=self.now, until=until)
        DynamoPauses(self.client, self.table).pause(pause, audit=self.entry())

    def resume(self, target: PauseTarget) -> None:
        pauses = DynamoPauses(self.client, self.table)
        pause = pauses.load(target)
        assert pause is not None
        pauses.resume(pause, audit=self.entry())

    def block(self, *, is_blocked: bool, version: int) -> None:
        tenant = Tenant(
            host="github.com",
            account_id=1,
            login="acme",
            installation_id=5,
            status=TenantStatus.ACTIVE,
            generation=1,
            proven_at=NOW,
            began_at=NOW,
            is_blocked=is_blocked,
            version=version,
        )
        DynamoTenants(self.client, self.table).save(tenant, audit=self.entry())

    def ledger(self) -> DynamoBudgetLedger:
        return DynamoBudgetLedger(self.client, self.table)

    def reservation(self) -> Reservation:
        """Return what is set aside for the only review, and spent."""
        (item,) = self.items.values()
        held = self.ledger().held(Spender(key=item.key, month=month_of(NOW)))
        assert held is not None
        return held

    def item(self) -> ReviewItem:
        (item,) = self.items.values()
        return item

    def result(self, item: ReviewItem | None = None) -> ReviewResult:
        """Return the stored result of a review."""
        item = item or self.item()
        assert item.result is not None
        return decode_result(self.objects[item.result.key])

    @property
    def posted(self) -> str:
        """All that the only review says, on its lines and above."""
        ((_, publication),) = self.reviews
        return "\n".join([publication.body, *(comment.body for comment in publication.comments)])

    def agents(self, model: str = "usual") -> set[str]:
        """Name the agents that a model was asked for."""
        return {agent for name, agent in self.asked if name == model}


@dataclass(kw_only=True)
class PacedWorld(LimitedWorld):
    """The same, where writes to GitHub wait for their installation's turn."""

    def pace_reviews(self, *, since: datetime | None) -> None:
        self.control().pace_reviews(5, since=since)

    def call[Answer](self, name: str, effect: Callable[[], Answer], *, is_write: bool = False) -> Answer:
        if (is_write or name == "pacing.slot") and name != "github.create_review":
            self.control().pace(5, is_ahead=not is_write)
        return super().call(name, effect, is_write=is_write)


@dataclass
class Speaker:
    """A model that finds something on each agent's own line, and refutes nothing."""

    world: LimitedWorld
    name: str
    is_mock: bool = False

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        return self.world.call("model.answer", lambda: self._answer(request))

    def _answer(self, request: ModelRequest) -> ModelAnswer:
        self.world.asked.append((self.name, request.agent))
        own = [line for line in CODE if line.startswith(f"value_{request.agent} ")]
        findings = [
            {
                "path": "a.py",
                "quote": line,
                "line": CODE.index(line) + 1,
                "severity": "high",
                "title": f"What {request.agent} sees",
                "body": "It is wrong.",
            }
            for line in own
        ]
        return ModelAnswer(
            text=json.dumps({"findings": findings, "verdicts": []}),
            stop=StopReason.COMPLETE,
            usage=self.world.usage,
            model=self.name,
        )


@dataclass
class Analyzers:
    """Engines that find something on their own lines."""

    def analyze(self, files: Sequence[SourceFile], engines: Sequence[str]) -> AnalyzerReport:
        return AnalyzerReport(
            candidates=tuple(
                Candidate(
                    agent=agent.name,
                    rule="X1",
                    severity=Severity.HIGH,
                    path=file.path,
                    quote=line,
                    title=f"What {agent.name} sees",
                    body="It is wrong.",
                    line=CODE.index(line) + 1,
                )
                for file in files
                for agent in ANALYZER_AGENTS
                if agent.engine in engines
                for line in CODE
                if line.startswith(f"value_{agent.name} ")
            )
        )


@dataclass
class Engine:
    """The real engine, with files to analyze."""

    world: LimitedWorld

    def __call__(
        self,
        change: Change,
        *,
        model: LanguageModel,
        head_files: HeadFiles,
        attributes: bytes | None,
        deadline: datetime,
        modes: Mapping[str, AgentMode],
    ) -> ReviewResult:
        review_change = ReviewChange(
            clock=Clock(self.world),
            analyzers=Analyzers(),
            model_agents=MODEL_AGENTS,
            analyzer_agents=ANALYZER_AGENTS,
        )
        return review_change(
            change,
            model=model,
            head_files=lambda paths: self.world.call("github.contents", lambda: dict.fromkeys(paths, _FILE)),
            attributes=attributes,
            deadline=deadline,
            modes=modes,
        )


@dataclass
class WatchedAdmission:
    """The admission, whose calls can go wrong like any other."""

    world: LimitedWorld
    admission: Admission

    def admit(self, request: AdmissionRequest, *, now: datetime) -> AdmissionDecision:
        self.world.requests.append(request)
        # The time is read again: a hook of the world may have moved it.
        return self.world.call("admission.admit", lambda: self.admission.admit(request, now=self.world.now))

    def still_waits(self, key: ReviewKey, reason: str, *, now: datetime) -> Park | None:
        return self.world.call(
            "admission.still_waits", lambda: self.admission.still_waits(key, reason, now=self.world.now)
        )


@dataclass
class WatchedLedger:
    """The ledger, each of whose calls can go wrong like any other."""

    world: LimitedWorld
    ledger: DynamoBudgetLedger

    def room(self, spender: Spender, budgets: Budgets) -> Room:
        return self.ledger.room(spender, budgets)

    def held(self, spender: Spender) -> Reservation | None:
        return self.ledger.held(spender)

    def reserve(self, spender: Spender, budgets: Budgets, *, amount: int, until: datetime) -> Reservation:
        raise AssertionError("the admission has its own way to the ledger")

    def spend(self, reservation: Reservation, *, call: str, amount: int) -> Reservation:
        return self.world.call("ledger.spend", lambda: self.ledger.spend(reservation, call=call, amount=amount))

    def settle(self, reservation: Reservation) -> None:
        self.world.call("ledger.settle", lambda: self.ledger.settle(reservation))

    def expire(self, *, now: datetime, limit: int) -> int:
        return self.ledger.expire(now=now, limit=limit)


def seen_by(world: LimitedWorld) -> set[str]:
    """Name the agents whose findings the only review shows."""
    names = {run.agent for run in world.result().runs}
    return {name for name in names if f"What {name} sees" in world.posted}
