"""How sure one may be of an agent's share, and when it is certainly too low."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.precision import FEWEST_ANSWERS, FLOOR, Outcomes, below_floor, wilson
from codereview.domain.prices import TokenPrices, parse_prices

COUNTS = st.integers(min_value=0, max_value=10_000)


@given(fixed=COUNTS, others=COUNTS)
def test_the_share_lies_between_its_bounds(fixed: int, others: int) -> None:
    low, high = wilson(fixed, fixed + others)
    share = fixed / (fixed + others) if fixed + others else 0.5
    assert 0 <= low <= share <= high <= 1 or abs(share - low) < 1e-9 or abs(share - high) < 1e-9


@pytest.mark.parametrize(
    ("successes", "trials", "bounds"),
    [(0, 0, (0.0, 1.0)), (0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (5, 10, (0.2366, 0.7634))],
)
def test_the_bounds_are_wilsons(successes: int, trials: int, bounds: tuple[float, float]) -> None:
    """Compared with the table in Brown, Cai and DasGupta (2001)."""
    low, high = wilson(successes, trials)
    assert (round(low, 4), round(high, 4)) == bounds


@given(fixed=COUNTS, others=COUNTS, times=st.integers(min_value=2, max_value=5))
def test_more_answers_of_the_same_share_make_surer(fixed: int, others: int, times: int) -> None:
    low, high = wilson(fixed, fixed + others)
    closer_low, closer_high = wilson(fixed * times, (fixed + others) * times)
    assert closer_high - closer_low <= high - low + 1e-9


def test_what_nobody_has_answered_yet_counts_for_nothing() -> None:
    outcomes = Outcomes(fixed=1, dismissed=1, ignored=2, unanswered=100)
    assert (outcomes.answered, outcomes.precision) == (4, 0.25)
    assert Outcomes(unanswered=5).precision is None


def test_what_people_like_is_right_and_what_they_dislike_is_wrong() -> None:
    outcomes = Outcomes(fixed=2, liked=1, disliked=4, dismissed=1, ignored=2, unanswered=9)
    assert (outcomes.accepted, outcomes.answered, outcomes.precision) == (3, 10, 0.3)
    doubled = outcomes + outcomes
    assert (doubled.liked, doubled.disliked, doubled.precision) == (2, 8, 0.3)
    assert below_floor({"x": Outcomes(liked=1, disliked=39)}, agents=["x"]) == ["x"]


def test_an_agent_is_below_the_floor_when_even_the_upper_bound_is() -> None:
    outcomes = {
        "bad": Outcomes(fixed=1, dismissed=39),
        "unsure": Outcomes(fixed=4, dismissed=20),
        "few": Outcomes(dismissed=FEWEST_ANSWERS - 1),
        "good": Outcomes(fixed=90, ignored=10),
        "other": Outcomes(dismissed=1_000),
    }
    assert outcomes["unsure"].bounds[0] < FLOOR < outcomes["unsure"].bounds[1]
    assert below_floor(outcomes, agents=("bad", "unsure", "few", "good", "absent")) == ["bad"]


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "1,2,x", "-1,2,3", "1,2,3 ", "1e9,1,1", "٣,1,1"])
def test_what_is_no_price_list_is_none(text: str) -> None:
    assert parse_prices(text) is None


def test_tokens_cost_what_the_prices_say() -> None:
    prices = parse_prices("3,0.3,15")
    assert prices == TokenPrices(read=3, cached=0.3, written=15)
    assert prices is not None
    assert prices.cost(input_tokens=1_000_000, cached_tokens=500_000, output_tokens=100_000) == 3_150_000
    # A provider that reports more from the cache than was read gives nothing back.
    assert prices.cost(input_tokens=0, cached_tokens=10, output_tokens=0) == 3
