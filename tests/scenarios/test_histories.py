"""Arbitrary histories of two tenants: pushes, faults, deaths, duplicates, lost messages; and in the end all is well."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.scenarios.bad_designs import (
    acknowledge_whatever_is_raised,
    acknowledge_when_busy,
    drop_the_fence,
    forget_what_is_due,
    ignore_the_lease,
    mark_first,
    post_without_a_look,
    swallow_what_is_raised,
    trust_every_webhook,
)
from tests.scenarios.histories import FAULTS, IS_FOUND, Histories, Tally

pytestmark = pytest.mark.usefixtures("rendered_once")

LOST = "the head's review is lost|it never came to rest|what was heard is neither waiting nor done"


def run(*, examples: int, steps: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> Tally:
    """Run so many histories of so many steps, always the same ones; returns what happened in them."""

    class Counted(Histories):
        tally = Tally()

    run_state_machine_as_test(
        Counted,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
            phases=phases,
        ),
    )
    return Counted.tally


def expect_enough(tally: Tally, *, histories: int) -> None:
    """Hold that so many histories had as many faults as is claimed, and that the run has seen what it is about."""
    assert min(tally.histories) >= FAULTS
    assert tally.histories.total() >= histories
    assert tally.lost > 0
    assert tally.longest <= IS_FOUND


def test_whatever_happens_no_review_is_lost_and_none_is_posted_twice() -> None:
    expect_enough(run(examples=150, steps=30), histories=150)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_ten_thousand_histories_of_three_faults_and_more_lose_nothing_and_post_nothing_twice() -> None:
    tally = run(examples=10_000, steps=40)
    expect_enough(tally, histories=10_000)
    assert tally.refused_writes > 0


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (acknowledge_when_busy, LOST),
        (post_without_a_look, "a review stands that nobody knows of|a review is posted twice"),
        (drop_the_fence, "an old fence was good for a write"),
        (mark_first, LOST),
        (ignore_the_lease, "a review is posted twice|money is spent twice"),
        (forget_what_is_due, "what is due is not taken up|it never came to rest"),
        (trust_every_webhook, LOST),
        (swallow_what_is_raised, LOST),
        (acknowledge_whatever_is_raised, "a message is acknowledged whose work broke off"),
    ],
)
def test_a_known_bad_design_turns_the_histories_red(
    monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None], said: str
) -> None:
    break_it(monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup), match=said):
        run(examples=5_000, steps=40, phases=(Phase.generate,))  # the first red one is enough
