"""How much a tenant may use: rates, and budgets in money."""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum

from codereview.domain.limits import Rate, Take
from codereview.domain.review import TenantId

MICRO_DOLLARS = 1_000_000  # in a dollar
MOST_MICRO_DOLLARS = 1_000_000 * MICRO_DOLLARS


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
    when_spent: WhenSpent | None = None  # None: analyzers only

    def __post_init__(self) -> None:
        ceilings = (self.tenant_month, self.repository_month, self.pull_request, self.review)
        if any(ceiling is not None and not 0 <= ceiling <= MOST_MICRO_DOLLARS for ceiling in ceilings):
            raise ValueError("a budget is between nothing and a million dollars")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSet:
    """The limits of a tenant, or the deployment's defaults (`tenant` None). None: the deployment's rate counts."""

    tenant: TenantId | None
    requests: Rate | None = None  # of the API, all keys of the tenant together
    requests_per_key: Rate | None = None
    reviews: Rate | None = None
    model_kilotokens: Rate | None = None  # thousands of tokens that models are shown
    bot_reviews_per_pull_request: Rate | None = None  # that others than its author bring about: the loop detector
    budgets: Budgets = Budgets()
    version: int = 0


# What counts where neither the tenant nor the deployment says anything. The largest change that agents are shown fits.
USUAL = QuotaSet(
    tenant=None,
    requests=Rate(units=600, period=timedelta(minutes=1), burst=100),
    requests_per_key=Rate(units=300, period=timedelta(minutes=1), burst=50),
    reviews=Rate(units=120, period=timedelta(hours=1), burst=60),
    model_kilotokens=Rate(units=2_000, period=timedelta(minutes=1), burst=10_000),
    bot_reviews_per_pull_request=Rate(units=6, period=timedelta(hours=1), burst=6),
)

# GitHub's secondary limits for content that an installation creates: 80 a minute, 500 an hour, and at least a second
# between two. A bucket lets a burst through beside what its rate gives, so both together stay below the limit; the
# second in between keeps the minute's by itself.
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
_HOUR_OF_WRITES = Take(name="hour", rate=Rate(units=400, period=timedelta(hours=1), burst=100))
GITHUB_WRITES = (Take(name="spacing", rate=Rate(units=1, period=timedelta(seconds=1), burst=1)), _HOUR_OF_WRITES)

# A write that only follows within a second, since something is read before it, takes two of them: so the next one comes
# a second after it, whenever in its first second it goes.
GITHUB_WRITES_AHEAD = (
    Take(name="spacing", rate=Rate(units=1, period=timedelta(seconds=1), burst=2), cost=2),
    _HOUR_OF_WRITES,
)

# A review writes three times: its check run, the review itself, the check run's end. One that has begun has two before
# it; one that has not leaves that much to as many as are under way, so that none of them is stopped halfway.
ROOM_TO_GO_ON = (replace(_HOUR_OF_WRITES, cost=2),)
_ROOM_TO_BEGIN = 20

# What came last leaves room to what came before it: where there is a crowd, the room stays at what the oldest of it
# need, and they begin first.
_ROOM_FOR_OLDER = 20
_OLD = timedelta(hours=1)  # half of the room for older ones is needed no more


def room_to_begin(waited: timedelta) -> tuple[Take]:
    """Say how much of the hour's writes has to be free for a review to begin that has waited so long."""
    for_older = _ROOM_FOR_OLDER * (_OLD / (_OLD + max(waited, timedelta())))
    return (replace(_HOUR_OF_WRITES, cost=_ROOM_TO_BEGIN + round(for_older)),)


# GitHub counts 900 points a minute, one for a read and five for a write. The writes above take 305 of them, so that 490
# are promised to reviews before they begin to read, fifteen each; what is left is for those that read their files late.
GITHUB_READS = (Take(name="reads", rate=Rate(units=400, period=timedelta(minutes=1), burst=90), cost=15),)


def effective(deployment: QuotaSet, tenant: QuotaSet) -> QuotaSet:
    """Return what counts for a tenant: of each limit its own, or the deployment's, or the usual one."""
    budgets = _first(_first(tenant.budgets, deployment.budgets), USUAL.budgets)
    rates = _first(_first(replace(tenant, budgets=budgets), deployment), USUAL)
    return replace(rates, tenant=tenant.tenant, version=tenant.version)


def _first[T: (Budgets, QuotaSet)](one: T, other: T) -> T:
    """Fill in what `one` leaves open."""
    missing = {each.name: getattr(other, each.name) for each in fields(one) if getattr(one, each.name) is None}
    return replace(one, **missing)
