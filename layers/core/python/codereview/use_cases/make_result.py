"""Makes a review's result: as much of one as switches and budget allow, stored before anything is posted."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from codereview import messages
from codereview.control_ports import BudgetLedger
from codereview.domain.change import Change
from codereview.domain.context import estimate_tokens, render_change
from codereview.domain.control.budgets import Degree
from codereview.domain.control.flags import AgentMode, FlagSnapshot
from codereview.domain.envelope import Trigger
from codereview.domain.parking import Admit, Degrade, Park
from codereview.domain.prices import TokenPrices
from codereview.domain.result import ReviewResult
from codereview.domain.review import ReviewState
from codereview.domain.selection import select
from codereview.domain.stored import encode_result, result_key
from codereview.errors import PermanentError, RetryableError
from codereview.github_ports import PullRequest, Repository
from codereview.model_ports import HeadFiles, LanguageModel
from codereview.ports import (
    Admission,
    AdmissionRequest,
    Asker,
    Clock,
    Lease,
    Objects,
    ReviewItem,
    ReviewStore,
    Switches,
)
from codereview.use_cases.control.admit_review import AdmissionReason
from codereview.use_cases.control.plan_reviews import FEW_AGENTS
from codereview.use_cases.model_of_review import BypassedModel, PaidModel, RememberedModel

_BYPASSED = Degrade(reason=AdmissionReason.BYPASSED)


class Engine(Protocol):
    """Makes a result of a change; `ReviewChange` is the one there is."""

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
        """Review the change with the agents that `modes` does not switch off."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedModel:
    """A language model, and what it takes for its answers; `prices` None: nothing is known to be paid."""

    model: LanguageModel
    prices: TokenPrices | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The language models of a deployment: the usual one, a cheaper one if there is one, and the mock."""

    usual: PricedModel
    mock: LanguageModel
    cheaper: PricedModel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeResult:
    """Reads the change, runs the agents, stores the result."""

    clock: Clock
    store: ReviewStore
    objects: Objects
    models: Models
    review_change: Engine
    switches: Switches
    admission: Admission
    ledger: BudgetLedger

    def __call__(
        self,
        repository: Repository,
        pull_request: PullRequest,
        lease: Lease,
        item: ReviewItem,
        *,
        deadline: datetime,
    ) -> ReviewItem | Park:
        """Return the item with its result; one that was stored before is not made again, and needs no admission."""
        if item.result is not None:
            return item
        change = _change(repository, pull_request)
        attributes = repository.content(".gitattributes", pull_request.base_sha)
        flags = self.switches.flags(item.key)
        asked_by = _asker(item, pull_request)
        decision = self._decision(select(change, attributes=attributes), flags, item, asked_by)
        if isinstance(decision, Park):
            return decision
        model = RememberedModel(model=self._model(flags, decision, item), objects=self.objects, item=item)
        try:
            result = self.review_change(
                change,
                model=model,
                head_files=lambda paths: repository.contents(paths, pull_request.head_sha),
                attributes=attributes,
                deadline=deadline,
                modes=flags.agents,
            )
        except PermanentError:
            self._give_back(decision)  # nobody tries this review again
            raise
        stored = self.objects.put(result_key(item.key.tenant, item.key.review_id), encode_result(result))
        is_bypassed = flags.mock_models or decision == _BYPASSED
        item = replace(item, state=ReviewState.ANSWERED, result=stored, is_bypassed=is_bypassed)
        self.store.save(lease, item, now=self.clock.now())
        self._give_back(decision)
        return item

    def _give_back(self, decision: Admit | Degrade) -> None:
        """Give back what was set aside and not spent; if that fails, the reservation runs out by itself."""
        if isinstance(decision, Admit) and decision.reservation is not None:
            with suppress(RetryableError, PermanentError):
                self.ledger.settle(decision.reservation)

    def _decision(
        self, change: Change, flags: FlagSnapshot, item: ReviewItem, asked_by: Asker
    ) -> Admit | Degrade | Park:
        """Ask for admission, except for what costs nothing. Who has switched models off wants nothing made up either.

        The flags decide as they were when the review began, whatever admission sees of them by now.
        """
        if not flags.models:
            return _BYPASSED
        if flags.mock_models:
            return Admit()
        tokens = estimate_tokens(render_change(change))
        request = AdmissionRequest(key=item.key, prompt_tokens=tokens, asked_by=asked_by)
        return self.admission.admit(request, now=self.clock.now())

    def _model(self, flags: FlagSnapshot, decision: Admit | Degrade, item: ReviewItem) -> LanguageModel:
        usual = self.models.usual
        if isinstance(decision, Degrade):
            return BypassedModel(model=usual.model, reason=decision.reason)
        if flags.mock_models:
            return self.models.mock
        is_cheaper = decision.degree is Degree.CHEAPER_MODEL and self.models.cheaper is not None
        chosen = self.models.cheaper if is_cheaper and self.models.cheaper else usual
        model = chosen.model
        if decision.reservation is not None and decision.reservation.left and chosen.prices is not None:
            model = PaidModel(
                model=model,
                ledger=self.ledger,
                reservation=decision.reservation,
                prices=chosen.prices,
                attempt=item.attempts,
            )
        if decision.degree is Degree.FULL:
            return model
        return BypassedModel(model=model, reason=messages.LEFT_OUT_FOR_BUDGET, agents=FEW_AGENTS)


def _asker(item: ReviewItem, pull_request: PullRequest) -> Asker:
    """Say who brought the review about, by numbers that GitHub gave; a head that we found ourselves is the author's."""
    envelope = item.envelope
    if envelope is not None and envelope.trigger is Trigger.REQUEST:
        return Asker.REQUEST
    is_author = envelope is None or envelope.sender_id in (None, pull_request.author_id)
    return Asker.AUTHOR if is_author else Asker.OTHER


def _change(repository: Repository, pull_request: PullRequest) -> Change:
    return Change(
        base_sha=pull_request.base_sha,
        head_sha=pull_request.head_sha,
        files=repository.changed_files(pull_request),
        file_count=pull_request.changed_files,
        title=pull_request.title,
        description=pull_request.description,
    )
