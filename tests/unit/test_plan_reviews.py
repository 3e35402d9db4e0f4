"""What the ways to do a review cost at most, and that none is forgotten."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.agents.registry import MODEL_AGENTS
from codereview.domain.control.budgets import Degree
from codereview.domain.control.quotas import USUAL
from codereview.domain.prices import TokenPrices
from codereview.domain.review import ReviewKey, TenantId
from codereview.ports import AdmissionRequest, Asker
from codereview.use_cases.control.plan_reviews import FEW_AGENTS, PlanReviews
from codereview.use_cases.review_change import MAX_PART_TOKENS, MAX_PARTS

PRICES = TokenPrices(read=3.0, cached=0.3, written=15.0)
CHEAPER = TokenPrices(read=0.3, cached=0.03, written=1.5)
KEY = ReviewKey(tenant=TenantId("github.com:1"), repository_id=2, number=3, head_sha="a" * 40)
PLANS = PlanReviews(calls=len(MODEL_AGENTS) + 1, prices=PRICES, cheaper_prices=CHEAPER)


def costs(plans: PlanReviews, tokens: int) -> dict[Degree, int]:
    return {plan.degree: plan.cost for plan in plans(asked(tokens))}


def asked(tokens: int) -> AdmissionRequest:
    return AdmissionRequest(key=KEY, prompt_tokens=tokens, asked_by=Asker.AUTHOR)


@given(tokens=st.integers(0, 10_000_000))
def test_each_way_costs_less_than_the_better_one_and_the_last_nothing(tokens: int) -> None:
    priced = costs(PLANS, tokens)
    assert list(priced) == list(Degree)
    assert sorted(priced.values(), reverse=True) == list(priced.values())
    assert priced[Degree.CHEAPER_MODEL] > 0
    assert priced[Degree.ANALYZERS_ONLY] == 0


@given(tokens=st.integers(0, MAX_PARTS * MAX_PART_TOKENS))
def test_every_agent_pays_for_the_whole_change_twice_and_for_a_full_answer_of_each_part(tokens: int) -> None:
    parts = max(-(-tokens // MAX_PART_TOKENS), 1)
    least = 7 * PRICES.cost(input_tokens=2 * tokens, cached_tokens=0, output_tokens=parts * 8_192)
    assert least <= costs(PLANS, tokens)[Degree.FULL] <= 2 * least + 7 * parts * 100_000


def test_what_no_agent_is_shown_costs_nothing() -> None:
    assert costs(PLANS, MAX_PARTS * MAX_PART_TOKENS) == costs(PLANS, 100 * MAX_PARTS * MAX_PART_TOKENS)


@given(tokens=st.integers(0, 10_000_000))
def test_every_call_is_shown_the_change_and_fewer_agents_are_shown_less(tokens: int) -> None:
    shown = {plan.degree: plan.tokens for plan in PLANS(asked(tokens))}
    assert shown[Degree.FULL] >= len(MODEL_AGENTS) * min(tokens, MAX_PARTS * MAX_PART_TOKENS)
    assert shown[Degree.FULL] * 3 == shown[Degree.FEWER_AGENTS] * (len(MODEL_AGENTS) + 1)
    assert shown[Degree.CHEAPER_MODEL] == shown[Degree.FEWER_AGENTS] > 0
    assert shown[Degree.ANALYZERS_ONLY] == 0


def test_the_largest_change_fits_into_the_usual_limit_for_tokens() -> None:
    assert USUAL.model_kilotokens is not None
    (full, *_) = PLANS(asked(100 * MAX_PARTS * MAX_PART_TOKENS))
    assert full.tokens <= USUAL.model_kilotokens.burst * 1_000


def test_without_prices_models_are_shown_as_much() -> None:
    free = replace(PLANS, prices=None, cheaper_prices=CHEAPER)
    assert [plan.tokens for plan in free(asked(9_000))] == [plan.tokens for plan in PLANS(asked(9_000))]


def test_without_a_cheaper_model_there_is_no_such_way() -> None:
    assert Degree.CHEAPER_MODEL not in costs(replace(PLANS, cheaper_prices=None), 1_000)


def test_without_prices_nothing_is_known_to_cost_anything() -> None:
    assert set(costs(replace(PLANS, prices=None, cheaper_prices=None), 1_000).values()) == {0}


@pytest.mark.parametrize("agent", sorted(FEW_AGENTS - {"verifier"}))
def test_the_few_agents_exist(agent: str) -> None:
    assert agent in {each.name for each in MODEL_AGENTS}
