"""The ways to do a review, from all agents with the best model down to none, and what each costs at most."""

from collections.abc import Sequence
from dataclasses import dataclass

from codereview.domain.control.budgets import Degree, Plan
from codereview.domain.prices import TokenPrices
from codereview.ports import AdmissionRequest

# What nobody would want to miss, when not everything can be paid for.
FEW_AGENTS = frozenset({"correctness", "security", "verifier"})

_TRIES = 2  # each call, once more if its answer cannot be read
_OUTPUT_TOKENS = 4_096  # the most that a call may answer


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReviews:
    """`calls` are a full review's: the agents and the verifier. Without prices nothing is known to cost anything."""

    calls: int
    prices: TokenPrices | None
    cheaper_prices: TokenPrices | None  # None: there is no cheaper model

    def __call__(self, request: AdmissionRequest) -> Sequence[Plan]:
        """Return the plans, the best first."""
        few = min(len(FEW_AGENTS), self.calls)
        plans = [
            Plan(degree=Degree.FULL, cost=_cost(request, self.calls, self.prices)),
            Plan(degree=Degree.FEWER_AGENTS, cost=_cost(request, few, self.prices)),
        ]
        if self.cheaper_prices is not None:
            plans.append(Plan(degree=Degree.CHEAPER_MODEL, cost=_cost(request, few, self.cheaper_prices)))
        return (*plans, Plan(degree=Degree.ANALYZERS_ONLY, cost=0))


def _cost(request: AdmissionRequest, calls: int, prices: TokenPrices | None) -> int:
    """Count every try at the full price of its prompt: what the provider's cache saves is given back afterwards."""
    if prices is None:
        return 0
    each = prices.cost(input_tokens=request.prompt_tokens, cached_tokens=0, output_tokens=_OUTPUT_TOKENS)
    return calls * _TRIES * each
