"""How much a tenant may use: rates, and budgets in money."""

from dataclasses import dataclass
from enum import StrEnum

from codereview.domain.limits import Rate
from codereview.domain.review import TenantId

MICRO_DOLLARS = 1_000_000  # in a dollar


class WhenSpent(StrEnum):
    """What a review does that no budget is left for, after everything cheaper was tried."""

    ANALYZERS_ONLY = "analyzers_only"
    PARK = "park"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Ceilings in micro-dollars; None: no ceiling of this kind."""

    tenant_month: int | None = None
    repository_month: int | None = None
    pull_request: int | None = None
    review: int | None = None
    when_spent: WhenSpent = WhenSpent.ANALYZERS_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSet:
    """The limits of a tenant, or the deployment's defaults (`tenant` None). None: the deployment's rate counts."""

    tenant: TenantId | None
    requests: Rate | None = None  # of the API, all keys of the tenant together
    requests_per_key: Rate | None = None
    reviews: Rate | None = None
    model_kilotokens: Rate | None = None  # thousands of tokens
    bot_reviews_per_pull_request: Rate | None = None  # the loop detector
    budgets: Budgets = Budgets()
    version: int = 0
