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
from codereview.domain.review import ReviewKey, TenantId
from codereview.ports import AdmissionRequest, Asker
from codereview.use_cases.control.cached_settings import CachedSettings

# Longer than a review can run (300 s) with all its attempts close together; a retry takes the reservation over.
RESERVED_FOR = timedelta(hours=1)

_KILOTOKEN = 1_000
_MOST_TRIES = 3
_AUTHORS_SHARE = 4  # times as many reviews as others may bring about
_LONGEST_WAIT = timedelta(days=1)  # then it is looked at again: limits can be changed meanwhile
_WITHOUT_MODELS = Plan(degree=Degree.ANALYZERS_ONLY, cost=0, tokens=0)


class AdmissionReason(StrEnum):
    """Why a review waits or goes without language models, in words for people."""

    BYPASSED = "language models are switched off"
    RATE = "a limit on how much may be reviewed at once"
    TOO_LARGE = "the change is larger than the limit for language models"
    SPENT = "the budget for language models is used up"
    LOOP = "too many reviews of this pull request within a short time"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A review at the door and what counts for it; `plans` are those that the limit for tokens can ever let in."""

    request: AdmissionRequest
    spender: Spender
    quotas: QuotaSet
    plans: Sequence[Plan]
    now: datetime

    @property
    def loop(self) -> str:
        """The owner of the buckets of its pull request."""
        key = self.request.key
        return f"loop#{key.tenant}#{key.repository_id}#{key.number}"


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
        """Decide; asked again for a review that was let in before, it renews its reservation and takes nothing else.

        What has to wait is charged nothing, whatever it waits for. What goes on is charged, with models or without,
        and that it was is remembered by its reservation, of nothing where nothing is to pay.
        """
        tenant = request.key.tenant
        if not _are_models_on(self.settings.flags(None), self.settings.flags(tenant)):
            return Degrade(reason=AdmissionReason.BYPASSED)
        quotas = effective(self.settings.quotas(None), self.settings.quotas(tenant))
        asked = _Asked(
            request=request,
            spender=Spender(key=request.key, month=month_of(now)),
            quotas=quotas,
            plans=[plan for plan in self.plans(request) if _fits(plan, quotas.model_kilotokens)],
            now=now,
        )
        plan = self._best_plan(asked)
        if self.ledger.held(asked.spender) is None:
            refusal = self._wait_for_money(asked, plan) or self._take(asked, plan)
            if refusal is not None:
                return refusal
        return self._reserve(asked, plan)

    def still_waits(self, key: ReviewKey, reason: str, *, now: datetime) -> Park | None:
        """Say whether a review that waits for its tenant's rate would find it used up, for the price of a read.

        Tokens are not asked for: how many it needs would take a whole look at GitHub.
        """
        if reason != AdmissionReason.RATE:
            return None
        if not _are_models_on(self.settings.flags(None), self.settings.flags(key.tenant)):
            return None
        rate = effective(self.settings.quotas(None), self.settings.quotas(key.tenant)).reviews
        if rate is None:
            return None
        decision = self.buckets.look(_reviews_of(key.tenant), [_of_reviews(rate)], now=now)
        if not isinstance(decision, Refused):
            return None
        return Park(reason=reason, until=now + (decision.retry_after or _LONGEST_WAIT))

    def _best_plan(self, asked: _Asked) -> Plan:
        return best_plan(asked.plans, self.ledger.room(asked.spender, asked.quotas.budgets)) or _WITHOUT_MODELS

    def _wait_for_money(self, asked: _Asked, plan: Plan) -> Park | None:
        """Let a review wait that no money is left for, if its tenant wants it so."""
        could_pay = any(_shows(each) for each in asked.plans)
        if _shows(plan) or not could_pay or asked.quotas.budgets.when_spent is not WhenSpent.PARK:
            return None
        renewed = _next_month(asked.now)
        return Park(reason=AdmissionReason.SPENT, until=min(renewed, asked.now + _LONGEST_WAIT), ends=renewed)

    def _take(self, asked: _Asked, plan: Plan) -> Park | None:
        """Take from the buckets of the pull request and of the tenant, before money is set aside.

        They are two items, and only the tenant's is taken from by several reviews at once: a pull request has one
        worker at a time. So its own is looked at first and taken from last, and neither is where the other refuses. A
        worker that has lost its lease may be here beside it, which lets one more in. A death on the way charges a
        bucket twice, and never lets a review past it.
        """
        loop, now = _loop_takes(asked), asked.now
        if loop:
            seen = self.buckets.look(asked.loop, loop, now=now)
            if isinstance(seen, Refused) and seen.retry_after is not None:
                return Park(reason=AdmissionReason.LOOP, until=now + seen.retry_after)
        if takes := _takes(asked.quotas, plan):
            decision = self.buckets.take(_reviews_of(asked.request.key.tenant), takes, now=now)
            if isinstance(decision, Refused):
                return Park(reason=AdmissionReason.RATE, until=now + (decision.retry_after or _LONGEST_WAIT))
        if loop:
            self.buckets.take(asked.loop, loop, now=now)
        return None

    def _reserve(self, asked: _Asked, plan: Plan) -> AdmissionDecision:
        """Set aside what the plan costs; others may take the room meanwhile, so try again with the next best."""
        budgets, until = asked.quotas.budgets, asked.now + RESERVED_FOR
        for _ in range(_MOST_TRIES):
            if not _shows(plan):
                break
            # Nothing is set aside where nothing costs anything; it still says that the review was let in.
            got = self.ledger.reserve(asked.spender, budgets, amount=plan.cost, until=until)
            if not isinstance(got, Shortage):
                return Admit(degree=plan.degree, reservation=got)
            plan = self._best_plan(asked)
        self.ledger.reserve(asked.spender, budgets, amount=0, until=until)
        is_too_large = not any(_shows(each) for each in asked.plans)
        reason = AdmissionReason.TOO_LARGE if is_too_large else AdmissionReason.SPENT
        return self._wait_for_money(asked, _WITHOUT_MODELS) or Degrade(reason=reason)


def _reviews_of(tenant: TenantId) -> str:
    return f"reviews#{tenant}"


def _of_reviews(rate: Rate) -> Take:
    return Take(name="reviews", rate=rate)


def _takes(quotas: QuotaSet, plan: Plan) -> list[Take]:
    takes = []
    if quotas.reviews is not None:
        takes.append(_of_reviews(quotas.reviews))
    if quotas.model_kilotokens is not None and _shows(plan):
        takes.append(Take(name="kilotokens", rate=quotas.model_kilotokens, cost=_kilotokens(plan)))
    return takes


def _loop_takes(asked: _Asked) -> list[Take]:
    """Count a review of the pull request; two programs that answer each other would never stop.

    Nobody can tell for certain what is a program. Whoever is not the author is counted strictly, and the author, who
    may be a program too, with the patience that a person's pushes need.
    """
    rate, asked_by = asked.quotas.bot_reviews_per_pull_request, asked.request.asked_by
    if rate is None or asked_by is Asker.REQUEST:
        return []
    takes = [Take(name="all", rate=_times(rate, _AUTHORS_SHARE))]
    if asked_by is Asker.OTHER:
        takes.append(Take(name="others", rate=rate))
    return takes


def _shows(plan: Plan) -> bool:
    return plan.degree is not Degree.ANALYZERS_ONLY


def _kilotokens(plan: Plan) -> int:
    return max(-(-plan.tokens // _KILOTOKEN), 1)


def _fits(plan: Plan, rate: Rate | None) -> bool:
    """Whether there are ever as many tokens as the plan shows."""
    return rate is None or not _shows(plan) or _kilotokens(plan) <= rate.burst


def _times(rate: Rate, factor: int) -> Rate:
    """Return a faster rate; one that is as fast as any can be stays as it is."""
    is_possible = rate.period >= rate.units * factor * SHORTEST_INTERVAL
    return Rate(units=rate.units * factor, period=rate.period, burst=rate.burst * factor) if is_possible else rate


def _are_models_on(deployment: FlagSet, tenant: FlagSet) -> bool:
    return deployment.models and tenant.models


def _next_month(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
