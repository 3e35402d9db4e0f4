"""The language model of one review: as good as its budget allows, paid for call by call, and never asked twice."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from threading import Lock

from codereview import messages
from codereview.control_ports import BudgetLedger
from codereview.domain.control.budgets import Reservation
from codereview.domain.prices import TokenPrices
from codereview.domain.result import Usage
from codereview.domain.stored import answer_key
from codereview.errors import PermanentError
from codereview.model_ports import LanguageModel, ModelAnswer, ModelRequest, StopReason
from codereview.ports import Objects, ReviewItem


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedModel:
    """A language model whose answers are kept, so that a retry of the review buys only what is missing."""

    model: LanguageModel
    objects: Objects
    item: ReviewItem

    @property
    def name(self) -> str:
        """The model's id."""
        return self.model.name

    @property
    def is_mock(self) -> bool:
        """Whether the model is a mock."""
        return self.model.is_mock

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Return the stored answer to exactly this question, or ask and store."""
        key = answer_key(self.item.key.tenant, self.item.key.review_id, request.agent, _question(self.name, request))
        stored = self.objects.get(key)
        if stored is not None:
            return _decoded(stored)
        answer = self.model.answer(request, deadline=deadline)
        self.objects.put(key, json.dumps(asdict(answer)).encode())
        return answer


@dataclass(slots=True, kw_only=True)
class PaidModel:
    """A language model whose calls are counted against the review's budget when their cost is known.

    Counted before the answer is stored: a death in between buys the answer twice, and counts it twice, as it was. Once
    everything is spent that was set aside, nothing more is asked: beyond it go only calls that had begun by then.
    """

    model: LanguageModel
    ledger: BudgetLedger
    reservation: Reservation
    prices: TokenPrices
    attempt: int
    lock: Lock = field(default_factory=Lock)

    @property
    def name(self) -> str:
        """The model's id."""
        return self.model.name

    @property
    def is_mock(self) -> bool:
        """Whether the model is a mock."""
        return self.model.is_mock

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask, and count; raises PermanentError where nothing is left."""
        if self.reservation.left == 0:
            raise PermanentError(messages.LEFT_OUT_FOR_BUDGET)
        answer = self.model.answer(request, deadline=deadline)
        usage = answer.usage
        cost = self.prices.cost(
            input_tokens=usage.input_tokens, cached_tokens=usage.cached_tokens, output_tokens=usage.output_tokens
        )
        call = f"{self.attempt}-{request.agent}-{_question(self.name, request)}"
        with self.lock:  # the agents ask at the same time, and the reservation is one item
            self.reservation = self.ledger.spend(self.reservation, call=call, amount=cost)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassedModel:
    """Answers for some agents only, or for none: the others fail with the reason, which the review shows."""

    model: LanguageModel
    reason: str
    agents: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The id of the model that is bypassed."""
        return self.model.name

    @property
    def is_mock(self) -> bool:
        """Whether that model is a mock, and asked at all."""
        return self.model.is_mock and bool(self.agents)

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask for those that there is a budget for, refuse for the others."""
        if request.agent not in self.agents:
            raise PermanentError(self.reason)
        return self.model.answer(request, deadline=deadline)


def _question(model: str, request: ModelRequest) -> str:
    question = json.dumps([model, asdict(request)], sort_keys=True, default=str)
    return hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _decoded(data: bytes) -> ModelAnswer:
    values = json.loads(data)
    return ModelAnswer(
        text=values["text"],
        stop=StopReason(values["stop"]),
        usage=Usage(**values["usage"]),
        model=values["model"],
    )
