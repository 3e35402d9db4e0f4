"""The ways to do a review, from all agents with the best model down to none, what each costs at most and shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from codereview.domain.control.budgets import Degree, Plan
from codereview.domain.prices import TokenPrices
from codereview.ports import AdmissionRequest
from codereview.use_cases.review_change import MAX_PART_TOKENS, MAX_PARTS

# What nobody would want to miss, when not everything can be paid for.
FEW_AGENTS = frozenset({"correctness", "security", "verifier"})

_TRIES = 2  # each call, once more if its answer cannot be read
_OUTPUT_TOKENS = 8_192  # the most that one answer has; a second one follows a short one, nearly always
_WORDS = 5_000  # tokens beside the change: rules, schema, task, the author's words, or what the verifier judges
_FUNCTIONS = 1.25  # times the change, with the functions around it


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
            _plan(Degree.FULL, request, self.calls, self.prices),
            _plan(Degree.FEWER_AGENTS, request, few, self.prices),
        ]
        if self.cheaper_prices is not None:
            plans.append(_plan(Degree.CHEAPER_MODEL, request, few, self.cheaper_prices))
        return (*plans, Plan(degree=Degree.ANALYZERS_ONLY, cost=0, tokens=0))


def _plan(degree: Degree, request: AdmissionRequest, calls: int, prices: TokenPrices | None) -> Plan:
    """Count the cost of every try at the full price of its prompt: what the provider's cache saves is given back.

    Nothing is given back of a rate, so its tokens are those of one try, which is nearly always the only one.
    """
    tokens = min(request.prompt_tokens, MAX_PARTS * MAX_PART_TOKENS)
    parts = max(-(-tokens // MAX_PART_TOKENS), 1)
    shown = round(tokens * _FUNCTIONS) + parts * _WORDS
    each = 0
    if prices is not None:
        each = prices.cost(input_tokens=_TRIES * shown, cached_tokens=0, output_tokens=parts * _OUTPUT_TOKENS)
    return Plan(degree=degree, cost=calls * each, tokens=calls * shown)
