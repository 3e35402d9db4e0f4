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
from codereview.domain.limits import SHORTEST_INTERVAL, Rate, Refused, Take
from codereview.domain.parking import AdmissionDecision, Admit, Degrade, Park
from codereview.ports import AdmissionRequest, Asker
from codereview.use_cases.control.cached_settings import CachedSettings

# Longer than a review can run (300 s) with all its attempts close together; a retry takes the reservation over.
RESERVED_FOR = timedelta(hours=1)

_KILOTOKEN = 1_000
_MOST_TRIES = 3
_AUTHORS_SHARE = 4  # times as many reviews as others may bring about
_LONGEST_WAIT = timedelta(days=1)  # then it is looked at again: limits can be changed meanwhile


class AdmissionReason(StrEnum):
    """Why a review waits or goes without language models, in words for people."""

    BYPASSED = "language models are switched off"
    RATE = "a limit on how much may be reviewed at once"
    TOO_LARGE = "the change is larger than the limit for language models"
    SPENT = "the budget for language models is used up"
    LOOP = "too many reviews of this pull request within a short time"


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
        """Decide; asked again for a review that was let in before, it renews its reservation and takes nothing else."""
        tenant = request.key.tenant
        if not _are_models_on(self.settings.flags(None), self.settings.flags(tenant)):
            return Degrade(reason=AdmissionReason.BYPASSED)
        quotas = effective(self.settings.quotas(None), self.settings.quotas(tenant))
        spender = Spender(key=request.key, month=month_of(now))
        if self.ledger.held(spender) is None:
            refusal = self._take(request, quotas, now) or self._detect_loop(request, quotas, now)
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

    def _detect_loop(self, request: AdmissionRequest, quotas: QuotaSet, now: datetime) -> Park | None:
        """Count a review of the pull request; two programs that answer each other would never stop.

        Nobody can tell for certain what is a program. Whoever is not the author is counted strictly, and the author,
        who may be a program too, with the patience that a person's pushes need.
        """
        rate = quotas.bot_reviews_per_pull_request
        if rate is None or request.asked_by is Asker.REQUEST:
            return None
        takes = [Take(name="all", rate=_times(rate, _AUTHORS_SHARE))]
        if request.asked_by is Asker.OTHER:
            takes.append(Take(name="others", rate=rate))
        key = request.key
        decision = self.buckets.take(f"loop#{key.tenant}#{key.repository_id}#{key.number}", takes, now=now)
        if isinstance(decision, Refused) and decision.retry_after is not None:
            return Park(reason=AdmissionReason.LOOP, until=now + decision.retry_after)
        return None

    def _reserve(
        self, request: AdmissionRequest, spender: Spender, quotas: QuotaSet, now: datetime
    ) -> AdmissionDecision:
        """Set aside what the best plan costs that fits; others may take the room meanwhile, so try again."""
        plans = self.plans(request)
        for _ in range(_MOST_TRIES):
            plan = best_plan(plans, self.ledger.room(spender, quotas.budgets))
            if plan is None or plan.degree is Degree.ANALYZERS_ONLY:
                break
            # Nothing is set aside where nothing costs anything; it still says that the review was let in.
            until = now + RESERVED_FOR
            got = self.ledger.reserve(spender, quotas.budgets, amount=plan.cost, until=until)
            if not isinstance(got, Shortage):
                return Admit(degree=plan.degree, reservation=got)
        if quotas.budgets.when_spent is WhenSpent.PARK:
            return Park(reason=AdmissionReason.SPENT, until=min(_next_month(now), now + _LONGEST_WAIT))
        return Degrade(reason=AdmissionReason.SPENT)


def _times(rate: Rate, factor: int) -> Rate:
    """Return a faster rate; one that is as fast as any can be stays as it is."""
    is_possible = rate.period >= rate.units * factor * SHORTEST_INTERVAL
    return Rate(units=rate.units * factor, period=rate.period, burst=rate.burst * factor) if is_possible else rate


def _are_models_on(deployment: FlagSet, tenant: FlagSet) -> bool:
    return deployment.models and tenant.models


def _next_month(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
