"""Limits and budgets of a tenant, and the deployment's defaults. Money is in whole micro-dollars."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from codereview.domain.control.quotas import MOST_MICRO_DOLLARS, Budgets, QuotaSet, WhenSpent, effective
from codereview.domain.control.scopes import Scope
from codereview.domain.limits import Rate
from codereview.domain.review import TenantId
from codereview.entrypoints.api.fields import Body, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route, Who
from codereview.entrypoints.api.services import Services

_Count = Annotated[int, Field(ge=1, le=1_000_000)]
_Seconds = Annotated[int, Field(ge=1, le=31 * 86_400)]
_Money = Annotated[int, Field(ge=0, le=MOST_MICRO_DOLLARS)]


class RateWanted(Body):
    """`units` in each period, of which `burst` at once."""

    units: _Count
    period_seconds: _Seconds
    burst: _Count

    @model_validator(mode="after")
    def _is_kept_by_a_bucket(self) -> Self:
        self.rate()
        return self

    def rate(self) -> Rate:
        """Return the rate; raises ValueError for one that no bucket can keep."""
        return Rate(units=self.units, period=timedelta(seconds=self.period_seconds), burst=self.burst)


class BudgetsWanted(Body):
    """Ceilings in micro-dollars; null: none of its own."""

    tenant_month: _Money | None = None
    repository_month: _Money | None = None
    pull_request: _Money | None = None
    review: _Money | None = None
    when_spent: WhenSpent | None = None


class LimitsWanted(Body):
    """The whole set: what is null or left out is the deployment's, or as usual."""

    requests: RateWanted | None = None
    requests_per_key: RateWanted | None = None
    reviews: RateWanted | None = None
    model_kilotokens: RateWanted | None = None
    bot_reviews_per_pull_request: RateWanted | None = None
    budgets: BudgetsWanted = BudgetsWanted()


class RateShown(Shown):
    """A rate."""

    units: int
    period_seconds: int
    burst: int


class BudgetsShown(Shown):
    """Ceilings in micro-dollars."""

    tenant_month: int | None
    repository_month: int | None
    pull_request: int | None
    review: int | None
    when_spent: WhenSpent | None


class LimitSetShown(Shown):
    """A set of limits and budgets."""

    requests: RateShown | None
    requests_per_key: RateShown | None
    reviews: RateShown | None
    model_kilotokens: RateShown | None
    bot_reviews_per_pull_request: RateShown | None
    budgets: BudgetsShown


class LimitsShown(Shown):
    """What was set here, and what counts."""

    own: LimitSetShown
    effective: LimitSetShown


def _rate_shown(rate: Rate | None) -> RateShown | None:
    if rate is None:
        return None
    return RateShown(units=rate.units, period_seconds=rate.period // timedelta(seconds=1), burst=rate.burst)


def _set_shown(quotas: QuotaSet) -> LimitSetShown:
    budgets = quotas.budgets
    return LimitSetShown(
        requests=_rate_shown(quotas.requests),
        requests_per_key=_rate_shown(quotas.requests_per_key),
        reviews=_rate_shown(quotas.reviews),
        model_kilotokens=_rate_shown(quotas.model_kilotokens),
        bot_reviews_per_pull_request=_rate_shown(quotas.bot_reviews_per_pull_request),
        budgets=BudgetsShown(
            tenant_month=budgets.tenant_month,
            repository_month=budgets.repository_month,
            pull_request=budgets.pull_request,
            review=budgets.review,
            when_spent=budgets.when_spent,
        ),
    )


def _tenant(call: Call) -> TenantId | None:
    return call.bound.id if call.bound else None


def _answer(services: Services, quotas: QuotaSet) -> Answer:
    general = quotas if quotas.tenant is None else services.quotas.load(None)
    own = QuotaSet(tenant=None) if quotas.tenant is None else quotas
    shown = LimitsShown(own=_set_shown(quotas), effective=_set_shown(effective(general, own)))
    return Answer(content=shown, version=quotas.version)


def _show(services: Services, call: Call) -> Answer:
    return _answer(services, services.quotas.load(_tenant(call)))


def _change(services: Services, call: Call) -> Answer:
    wanted = call.body_as(LimitsWanted)
    budgets = wanted.budgets

    def rate(asked: RateWanted | None) -> Rate | None:
        return asked.rate() if asked else None

    quotas = QuotaSet(
        tenant=_tenant(call),
        requests=rate(wanted.requests),
        requests_per_key=rate(wanted.requests_per_key),
        reviews=rate(wanted.reviews),
        model_kilotokens=rate(wanted.model_kilotokens),
        bot_reviews_per_pull_request=rate(wanted.bot_reviews_per_pull_request),
        budgets=Budgets(
            tenant_month=budgets.tenant_month,
            repository_month=budgets.repository_month,
            pull_request=budgets.pull_request,
            review=budgets.review,
            when_spent=budgets.when_spent,
        ),
        version=call.known_version,
    )
    return _answer(services, services.change_quotas(quotas, request=call.request))


ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/limits",
        operation="limits.show",
        summary="Show a tenant's limits and budgets",
        access=Scope.LIMITS_READ,
        run=_show,
        answer=LimitsShown,
        has_version=True,
    ),
    Route(
        method="PUT",
        path="/v1/tenants/{tenant}/limits",
        operation="limits.change",
        summary="Change a tenant's limits and budgets; only whoever runs the deployment may",
        access=Scope.LIMITS_WRITE,
        run=_change,
        answer=LimitsShown,
        body=LimitsWanted,
        needs_version=True,
        has_version=True,
    ),
    Route(
        method="GET",
        path="/v1/deployment/limits",
        operation="deployment_limits.show",
        summary="Show what counts where a tenant has no limit of its own",
        access=Who.OPERATOR,
        run=_show,
        answer=LimitsShown,
        has_version=True,
    ),
    Route(
        method="PUT",
        path="/v1/deployment/limits",
        operation="deployment_limits.change",
        summary="Change what counts where a tenant has no limit of its own",
        access=Who.OPERATOR,
        run=_change,
        answer=LimitsShown,
        body=LimitsWanted,
        needs_version=True,
        has_version=True,
    ),
)
