"""A review under budgets: what is reserved, spent and given back, on the control table itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from codereview import messages
from codereview.domain.control.budgets import Degree
from codereview.domain.control.quotas import Budgets, QuotaSet, WhenSpent
from codereview.domain.result import RunStatus
from codereview.domain.review import Failed, Parked, Posted
from codereview.errors import PermanentError, ThrottledError
from codereview.use_cases.control.admit_review import RESERVED_FOR, AdmissionReason
from tests.scenarios.events import HEAD_B, NOW, pull_request_event
from tests.scenarios.fake_desk import PRICES
from tests.scenarios.faults import Blackout, Mode, Outage
from tests.scenarios.limited import ANALYZERS, ASKED, CHEAP_PRICES, TENANT, LimitedWorld, seen_by
from tests.scenarios.test_life_of_a_review import expect_one_review

HOUR = timedelta(hours=1)
FEW = {"correctness", "security", "verifier"}


def costs(world: LimitedWorld) -> dict[Degree, int]:
    """Let the pull request be reviewed once, and read what each way to do that would have cost at most."""
    world.deliver(pull_request_event())
    plans = world.control().admission.plans(world.requests[-1])
    # The next head is another review of the same change.
    world.head = HEAD_B
    for kept in (world.asked, world.reviews, world.items, world.checks, world.recorded):
        kept.clear()
    return {plan.degree: plan.cost for plan in plans}


CEILINGS = pytest.mark.parametrize(
    "ceiling",
    [
        lambda amount: Budgets(review=amount),
        lambda amount: Budgets(pull_request=amount),
        lambda amount: Budgets(repository_month=amount),
        lambda amount: Budgets(tenant_month=amount),
    ],
    ids=["review", "pull request", "repository", "tenant"],
)
LEFT_OUT = messages.LEFT_OUT_FOR_BUDGET


def test_a_review_costs_no_more_than_was_set_aside_for_it_and_gives_back_the_rest(limited: LimitedWorld) -> None:
    limited.budget(Budgets(tenant_month=10_000_000))
    held = []
    limited.before["model.answer"] = lambda: held.append(limited.reservation())
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    calls = len(limited.asked)
    spent = PRICES.cost(input_tokens=1_000, cached_tokens=0, output_tokens=100) * calls
    assert limited.reservation().spent == spent
    assert limited.reservation().left == 0
    assert held[0].left > spent
    room = limited.ledger().room(limited.reservation().spender, Budgets(tenant_month=10_000_000))
    assert list(room.left.values()) == [10_000_000 - spent]


@pytest.mark.parametrize(
    ("degree", "usual", "cheap"),
    [
        (Degree.FULL, ASKED, set[str]()),
        (Degree.FEWER_AGENTS, FEW, set[str]()),
        (Degree.CHEAPER_MODEL, set[str](), FEW),
    ],
)
@CEILINGS
def test_a_review_is_as_good_as_its_budget(
    limited: LimitedWorld, degree: Degree, usual: set[str], cheap: set[str], ceiling: Callable[[int], Budgets]
) -> None:
    cost = costs(limited)[degree]
    spent = 0 if ceiling(1).review else PRICES.cost(input_tokens=6_000, cached_tokens=0, output_tokens=600)
    limited.budget(ceiling(spent + cost))
    assert isinstance(limited.deliver(pull_request_event(HEAD_B)), Posted)
    assert (limited.agents("usual"), limited.agents("cheap")) == (usual, cheap)
    left_out = ASKED - usual - cheap - {"verifier"}
    failed = {run.agent: run.reason for run in limited.result().runs if run.status is RunStatus.FAILED}
    assert failed == dict.fromkeys(left_out, LEFT_OUT)
    assert (LEFT_OUT in limited.posted) == bool(left_out)
    assert seen_by(limited) == ((usual | cheap) - {"verifier"}) | ANALYZERS
    assert not limited.item().is_bypassed  # nobody switched anything off
    prices, calls = (CHEAP_PRICES, len(cheap)) if cheap else (PRICES, len(usual))
    assert limited.reservation().spent == calls * prices.cost(input_tokens=1_000, cached_tokens=0, output_tokens=100)


@pytest.mark.parametrize(
    ("degree", "worse"),
    [(Degree.FULL, Degree.FEWER_AGENTS), (Degree.FEWER_AGENTS, Degree.CHEAPER_MODEL), (Degree.CHEAPER_MODEL, None)],
)
def test_a_micro_dollar_too_little_is_too_little(limited: LimitedWorld, degree: Degree, worse: Degree | None) -> None:
    limited.budget(Budgets(review=costs(limited)[degree] - 1))
    limited.deliver(pull_request_event(HEAD_B))
    expected = {Degree.FEWER_AGENTS: (FEW, set()), Degree.CHEAPER_MODEL: (set(), FEW), None: (set(), set())}[worse]
    assert (limited.agents("usual"), limited.agents("cheap")) == expected


@CEILINGS
def test_where_the_budget_is_used_up_the_analyzers_review_alone(
    limited: LimitedWorld, ceiling: Callable[[int], Budgets]
) -> None:
    limited.budget(ceiling(0))
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    expect_one_review(limited)
    assert limited.asked == []
    assert seen_by(limited) == ANALYZERS
    assert AdmissionReason.SPENT in limited.posted
    assert not limited.item().is_bypassed


def test_where_the_tenant_would_rather_wait_it_waits_for_the_next_month_or_a_larger_budget(
    limited: LimitedWorld,
) -> None:
    limited.budget(Budgets(tenant_month=0, when_spent=WhenSpent.PARK))
    outcome = limited.receive(pull_request_event())
    assert outcome == Parked(reason=AdmissionReason.SPENT, until=NOW + timedelta(days=1))
    limited.limit(QuotaSet(tenant=TENANT, budgets=Budgets(tenant_month=10_000_000), version=1))
    assert isinstance(limited.settle(within=timedelta(days=2)), Posted)
    expect_one_review(limited)


def test_a_deployments_budget_counts_where_the_tenant_has_none(limited: LimitedWorld) -> None:
    limited.limit(QuotaSet(tenant=None, budgets=Budgets(review=0)))
    limited.deliver(pull_request_event())
    assert limited.asked == []


def test_f28_every_try_is_counted_and_what_was_bought_is_not_bought_again(limited: LimitedWorld) -> None:
    limited.budget(Budgets(tenant_month=10_000_000))

    def throttle() -> None:
        raise ThrottledError("529")

    def second() -> None:
        limited.before["model.answer"] = throttle

    limited.before["model.answer"] = second
    assert isinstance(limited.receive(pull_request_event()), Parked)
    bought = len(limited.asked)
    assert bought
    each = PRICES.cost(input_tokens=1_000, cached_tokens=0, output_tokens=100)
    held = limited.reservation()
    assert (held.spent, held.left > 0) == (bought * each, True)  # its retry goes on with the same money
    assert isinstance(limited.settle(), Posted)
    assert sorted(limited.asked) == sorted({("usual", agent) for agent in ASKED})
    assert limited.reservation().spent == len(ASKED) * each
    assert limited.reservation().left == 0


def test_an_answer_that_was_lost_is_paid_for_twice_and_counted_twice(limited: LimitedWorld) -> None:
    limited.budget(Budgets(tenant_month=10_000_000))
    limited.before["ledger.spend"] = lambda: limited.before.update({"objects.put": lambda: limited.kill("objects.put")})
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    each = PRICES.cost(input_tokens=1_000, cached_tokens=0, output_tokens=100)
    assert len(limited.asked) > len(ASKED)
    assert limited.reservation().spent == len(limited.asked) * each


def test_what_was_set_aside_for_a_review_that_failed_is_given_back(limited: LimitedWorld) -> None:
    limited.budget(Budgets(tenant_month=10_000_000))

    def refuse() -> None:
        raise PermanentError("the diff cannot be read")

    limited.before["github.contents"] = refuse
    assert isinstance(limited.deliver(pull_request_event()), Failed)
    assert limited.reservation().left == 0
    room = limited.ledger().room(limited.reservation().spender, Budgets(tenant_month=10_000_000))
    assert list(room.left.values()) == [10_000_000 - limited.reservation().spent]


def test_once_everything_is_spent_that_was_set_aside_nothing_more_is_asked(limited: LimitedWorld) -> None:
    cost = costs(limited)[Degree.FULL]
    limited.usage = replace(limited.usage, output_tokens=cost)  # far more than anybody had foreseen
    limited.budget(Budgets(review=cost))
    assert isinstance(limited.deliver(pull_request_event(HEAD_B)), Posted)
    assert limited.asked == [("usual", "correctness")]  # the others wait for the first, and find nothing left
    failed = {run.agent: run.reason for run in limited.result().runs if run.status is RunStatus.FAILED}
    assert failed == dict.fromkeys(ASKED - {"correctness"}, LEFT_OUT)


def test_files_that_no_agent_is_shown_cost_nothing(limited: LimitedWorld) -> None:
    limited.path = "package-lock.json"
    limited.deliver(pull_request_event())
    assert limited.requests[-1].prompt_tokens == 1


def test_a_ledger_that_does_not_take_back_what_is_left_holds_no_review_up(limited: LimitedWorld) -> None:
    limited.budget(Budgets(tenant_month=10_000_000))
    limited.blackouts.append(Blackout(prefix="ledger.settle", until=NOW + HOUR))
    assert isinstance(limited.receive(pull_request_event()), Posted)
    assert limited.reservation().left > 0
    assert limited.ledger().expire(now=NOW + RESERVED_FOR, limit=100) == 1
    assert limited.reservation().left == 0


@pytest.mark.parametrize("mode", list(Mode))
def test_f60_whatever_happens_while_money_is_counted_the_review_is_made_and_no_money_is_lost(
    limited: LimitedWorld, mode: Mode
) -> None:
    limited.budget(Budgets(tenant_month=10_000_000))
    limited.deliver(pull_request_event())
    at = limited.calls.index("ledger.spend") + len(limited.calls)
    for kept in (limited.asked, limited.reviews, limited.items, limited.checks, limited.recorded):
        kept.clear()
    limited.head = HEAD_B
    limited.outages.append(Outage(at=at, mode=mode))
    assert isinstance(limited.deliver(pull_request_event(HEAD_B)), Posted)
    assert limited.outages[0].has_fired
    expect_one_review(limited, head=HEAD_B)
    each = PRICES.cost(input_tokens=1_000, cached_tokens=0, output_tokens=100)
    held = limited.reservation()
    assert held.left == 0
    assert len(ASKED) * each <= held.spent <= len(limited.asked) * each
