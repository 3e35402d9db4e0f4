"""Decides whether a review may spend now: switches, rates and budgets, at the size that it plans.

Nothing here is an error to the pull request: what does not fit now waits, what does not fit at all goes on without
language models. A table that cannot answer is RetryableError, which parks: admission fails closed, since it is money.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from codereview.control_ports import Buckets, BudgetLedger
from codereview.domain.control.budgets import Degree, Plan, Shortage, Spender, best_plan, month_of
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.quotas import QuotaSet, WhenSpent, effective
from codereview.domain.limits import Refused, Take
from codereview.domain.parking import AdmissionDecision, Admit, Degrade, Park
from codereview.ports import AdmissionRequest, PullRequestKey
from codereview.use_cases.control.cached_settings import CachedSettings

# Longer than a review can run (300 s) with all its attempts close together; a retry takes the reservation over.
RESERVED_FOR = timedelta(hours=1)

_KILOTOKEN = 1_000
_MOST_TRIES = 3
_LONGEST_WAIT = timedelta(days=1)  # then it is looked at again: limits can be changed meanwhile


class AdmissionReason(StrEnum):
    """Why a review waits or goes without language models, in words for people."""

    BYPASSED = "language models are switched off"
    RATE = "a limit on how much may be reviewed at once"
    TOO_LARGE = "the change is larger than the limit for language models"
    SPENT = "the budget for language models is used up"
    LOOP = "bots have asked for too many reviews of this pull request"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitReview:
    """The Admission of the reviewer.

    `plans` says what each way to do the review that the reviewer has would cost, one without models among them.
    """

    settings: CachedSettings
    buckets: Buckets
    ledger: BudgetLedger
    plans: Callable[[AdmissionRequest], Sequence[Plan]]

    def admit(self, request: AdmissionRequest, *, now: datetime) -> AdmissionDecision:
        """Decide; asked again for a review that holds a reservation, it renews that and takes nothing else."""
        tenant = request.key.tenant
        if not _are_models_on(self.settings.flags(None), self.settings.flags(tenant)):
            return Degrade(reason=AdmissionReason.BYPASSED)
        quotas = effective(self.settings.quotas(None), self.settings.quotas(tenant))
        spender = Spender(key=request.key, month=month_of(now))
        held = self.ledger.held(spender)
        if held is None or held.left == 0:
            refusal = self._take(request, quotas, now)
            if refusal is not None:
                return refusal
        return self._reserve(request, spender, quotas, now)

    def _take(self, request: AdmissionRequest, quotas: QuotaSet, now: datetime) -> AdmissionDecision | None:
        """Take from the tenant's buckets, before money is set aside.

        A death in between charges a bucket twice, and never lets a review past it.
        """
        takes = []
        if quotas.reviews is not None:
            takes.append(Take(name="reviews", rate=quotas.reviews))
        if quotas.model_kilotokens is not None:
            cost = max(-(-request.prompt_tokens // _KILOTOKEN), 1)
            takes.append(Take(name="kilotokens", rate=quotas.model_kilotokens, cost=cost))
        if not takes:
            return None
        decision = self.buckets.take(f"reviews#{request.key.tenant}", takes, now=now)
        if not isinstance(decision, Refused):
            return None
        if decision.retry_after is None:
            return Degrade(reason=AdmissionReason.TOO_LARGE)
        return Park(reason=AdmissionReason.RATE, until=now + decision.retry_after)

    def _reserve(
        self, request: AdmissionRequest, spender: Spender, quotas: QuotaSet, now: datetime
    ) -> AdmissionDecision:
        """Set aside what the best plan costs that fits; others may take the room meanwhile, so try again."""
        plans = self.plans(request)
        for _ in range(_MOST_TRIES):
            plan = best_plan(plans, self.ledger.room(spender, quotas.budgets))
            if plan is None or plan.degree is Degree.ANALYZERS_ONLY:
                break
            if plan.cost == 0:
                return Admit(degree=plan.degree)
            until = now + RESERVED_FOR
            got = self.ledger.reserve(spender, quotas.budgets, amount=plan.cost, until=until)
            if not isinstance(got, Shortage):
                return Admit(degree=plan.degree, reservation=got)
        if quotas.budgets.when_spent is WhenSpent.PARK:
            return Park(reason=AdmissionReason.SPENT, until=min(_next_month(now), now + _LONGEST_WAIT))
        return Degrade(reason=AdmissionReason.SPENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectLoop:
    """Counts the reviews of a pull request that bots asked for: two bots that answer each other never stop."""

    settings: CachedSettings
    buckets: Buckets

    def __call__(self, pull_request: PullRequestKey, *, now: datetime) -> Park | None:
        """Count one; return how long to wait if it was one too many."""
        quotas = effective(self.settings.quotas(None), self.settings.quotas(pull_request.tenant))
        if quotas.bot_reviews_per_pull_request is None:
            return None
        owner = f"loop#{pull_request.tenant}#{pull_request.repository_id}#{pull_request.number}"
        takes = [Take(name="bots", rate=quotas.bot_reviews_per_pull_request)]
        decision = self.buckets.take(owner, takes, now=now)
        if isinstance(decision, Refused) and decision.retry_after is not None:
            return Park(reason=AdmissionReason.LOOP, until=now + decision.retry_after)
        return None


def _are_models_on(deployment: FlagSet, tenant: FlagSet) -> bool:
    return deployment.models and tenant.models


def _next_month(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
