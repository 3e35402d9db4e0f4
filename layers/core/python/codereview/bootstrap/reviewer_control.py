"""The control plane in the reviewer's hands: switches, limits, budgets and the pace of writing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.ledger import DynamoBudgetLedger
from codereview.adapters.dynamodb.control.pauses import DynamoPauses
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.agents.registry import AGENTS, MODEL_AGENTS
from codereview.domain.control.flags import AgentMode
from codereview.domain.prices import TokenPrices
from codereview.ports import Clock
from codereview.use_cases.control.admit_review import AdmitReview
from codereview.use_cases.control.cached_settings import CachedSettings
from codereview.use_cases.control.pace_github import PaceReviews, PaceWrites
from codereview.use_cases.control.plan_reviews import PlanReviews
from codereview.use_cases.control.watch_switches import WatchSwitches

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_USUAL = {agent.name: AgentMode.ON for agent in AGENTS}
_CALLS = len(MODEL_AGENTS) + 1  # and the verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerControl:
    """What the reviewer asks before it works, spends, writes and posts."""

    switches: WatchSwitches
    admission: AdmitReview
    ledger: DynamoBudgetLedger
    pace: PaceWrites
    pace_reviews: PaceReviews


def reviewer_control(
    client: "DynamoDBClient",
    table: str,
    clock: Clock,
    *,
    prices: TokenPrices | None,
    cheaper_prices: TokenPrices | None,
) -> ReviewerControl:
    """Build it on the control table."""
    settings = CachedSettings(clock, DynamoFlags(client, table), DynamoQuotas(client, table))
    buckets, ledger = DynamoBuckets(client, table), DynamoBudgetLedger(client, table)
    return ReviewerControl(
        switches=WatchSwitches(
            settings=settings,
            pauses=DynamoPauses(client, table),
            tenants=DynamoTenants(client, table),
            agents=_USUAL,
        ),
        admission=AdmitReview(
            settings=settings,
            buckets=buckets,
            ledger=ledger,
            plans=PlanReviews(calls=_CALLS, prices=prices, cheaper_prices=cheaper_prices),
        ),
        ledger=ledger,
        pace=PaceWrites(clock=clock, buckets=buckets),
        pace_reviews=PaceReviews(clock=clock, buckets=buckets),
    )
