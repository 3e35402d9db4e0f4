"""A review under the control plane: switches, pauses, flags, limits and money, on the control table itself."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from codereview import messages
from codereview.domain.control.budgets import Degree
from codereview.domain.control.flags import AgentFlag, AgentMode
from codereview.domain.control.pauses import PauseTarget
from codereview.domain.control.quotas import Budgets, QuotaSet, WhenSpent
from codereview.domain.envelope import Trigger
from codereview.domain.finding import Placement
from codereview.domain.limits import Rate
from codereview.domain.publication import Conclusion
from codereview.domain.result import RunStatus
from codereview.domain.review import Failed, Parked, Posted, ReviewState, Skipped, SkipReason, TenantId
from codereview.errors import PermanentError, RetryableError, ThrottledError
from codereview.use_cases.control.admit_review import RESERVED_FOR, AdmissionReason
from codereview.use_cases.control.cached_settings import FRESH
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.fake_desk import PRICES
from tests.scenarios.faults import Blackout, Mode, Outage
from tests.scenarios.limited import CHEAP_PRICES, TENANT, LimitedWorld, PacedWorld
from tests.scenarios.test_life_of_a_review import expect_one_review

HOUR = timedelta(hours=1)
ANYBODY = pytest.mark.parametrize("tenant", [None, TENANT], ids=["deployment", "tenant"])
ASKED = {"correctness", "security", "performance", "concurrency", "maintainability", "verifier"}
FEW = {"correctness", "security", "verifier"}
ANALYZERS = {"ruff", "secrets", "unicode"}


def seen_by(world: LimitedWorld) -> set[str]:
    """Name the agents whose findings the only review shows."""
    names = {run.agent for run in world.result().runs}
    return {name for name in names if f"What {name} sees" in world.posted}


# --- kill switches, pauses and blocks --------------------------------------------------------------------------------


@ANYBODY
def test_while_posting_is_switched_off_nothing_is_asked_nor_posted_and_then_it_goes_on(
    limited: LimitedWorld, tenant: TenantId | None
) -> None:
    limited.switch(tenant, posting=False)
    outcome = limited.receive(pull_request_event())
    assert isinstance(outcome, Parked)
    assert outcome.reason == "posting is switched off"
    assert outcome.until - limited.now < timedelta(minutes=1)
    assert (limited.asked, limited.reviews) == ([], [])
    assert limited.waiting_notes[0][0] == "Waiting until posting is switched on again"
    assert "posting is switched off" in limited.waiting_notes[0][1]
    for _ in range(30):
        limited.now += timedelta(minutes=1)
        limited.reconcile()
        limited.receive(limited.queue.pop())
    assert (limited.item().state, limited.item().strikes, limited.reviews) == (ReviewState.PARKED, 0, [])
    assert len(limited.waiting_notes) == 1  # said once, not every minute
    limited.switch(tenant)
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)


def test_another_tenants_switch_is_nobodys_business_here(limited: LimitedWorld) -> None:
    limited.switch(TenantId("github.com:2"), posting=False, models=False)
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    assert limited.agents() == ASKED


@ANYBODY
def test_posting_that_is_switched_off_while_the_models_think_stops_the_post(
    limited: LimitedWorld, tenant: TenantId | None
) -> None:
    def throw() -> None:
        limited.switch(tenant, posting=False)
        limited.now += FRESH  # so old the flags may be that this worker has read

    limited.before["github.reviews"] = throw
    assert isinstance(limited.receive(pull_request_event()), Parked)
    assert limited.reviews == []
    asked = len(limited.asked)
    limited.switch(tenant)
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)
    assert len(limited.asked) == asked  # the result was kept


def test_posting_that_is_switched_off_between_two_tries_stops_the_second(limited: LimitedWorld) -> None:
    def refuse() -> bool:
        if not limited.refusals:
            limited.switch(posting=False)
            limited.now += FRESH
        return True

    limited.refuses = lambda _: refuse()
    assert isinstance(limited.receive(pull_request_event()), Parked)
    assert (limited.refusals, limited.reviews) == (1, [])
    limited.refuses = lambda _: False
    limited.switch()
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)


def test_a_post_without_an_answer_is_not_made_again_when_posting_is_switched_back_on(limited: LimitedWorld) -> None:
    def lose() -> None:
        limited.outages.append(Outage(at=len(limited.calls) - 1, mode=Mode.ERROR_AFTER))
        limited.before["store.save"] = throw

    def throw() -> None:
        limited.switch(posting=False)
        limited.now += FRESH

    limited.before["github.create_review"] = lose
    assert isinstance(limited.receive(pull_request_event()), Parked)
    assert len(limited.reviews) == 1
    for _ in range(10):
        limited.now += timedelta(minutes=1)
        limited.reconcile()
        while limited.queue:
            limited.receive(limited.queue.pop())
    assert limited.item().state is ReviewState.PARKED
    limited.switch()
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)


PLACES = pytest.mark.parametrize(
    "target",
    [
        PauseTarget(tenant=TENANT),
        PauseTarget(tenant=TENANT, repository_id=2),
        PauseTarget(tenant=TENANT, repository_id=2, number=3),
    ],
    ids=["tenant", "repository", "pull request"],
)
ELSEWHERE = pytest.mark.parametrize(
    "target",
    [
        PauseTarget(tenant=TenantId("github.com:2")),
        PauseTarget(tenant=TENANT, repository_id=4),
        PauseTarget(tenant=TENANT, repository_id=2, number=4),
    ],
    ids=["tenant", "repository", "pull request"],
)


@PLACES
def test_what_is_paused_waits_until_somebody_resumes_it(limited: LimitedWorld, target: PauseTarget) -> None:
    limited.pause(target)
    outcome = limited.receive(pull_request_event())
    assert isinstance(outcome, Parked)
    assert outcome.reason == "paused: a release"
    assert [title for title, _ in limited.waiting_notes] == ["Waiting until it is resumed"]
    assert (limited.asked, limited.reviews) == ([], [])
    asked = len(limited.calls)
    for _ in range(5):
        limited.now += timedelta(minutes=1)
        limited.reconcile()
        again = limited.receive(limited.queue.pop())
        assert isinstance(again, Parked)
        assert (outcome.is_renewed, again.is_renewed) == (False, True)  # and so it is counted once
    assert not [name for name in limited.calls[asked:] if name.startswith("github")]  # a pause of days is no load on it
    limited.resume(target)
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)


@ELSEWHERE
def test_a_pause_of_something_else_holds_nothing_up(limited: LimitedWorld, target: PauseTarget) -> None:
    limited.pause(target)
    assert isinstance(limited.deliver(pull_request_event()), Posted)


@PLACES
def test_a_pause_while_the_models_think_holds_the_post_up(limited: LimitedWorld, target: PauseTarget) -> None:
    limited.before["github.reviews"] = lambda: limited.pause(target)
    assert isinstance(limited.receive(pull_request_event()), Parked)
    assert limited.reviews == []
    assert [title for title, _ in limited.waiting_notes] == ["Waiting until it is resumed"]
    limited.resume(target)
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)


def test_a_pause_with_an_end_ends_by_itself(limited: LimitedWorld) -> None:
    limited.pause(PauseTarget(tenant=TENANT), until=NOW + timedelta(days=3))
    assert isinstance(limited.receive(pull_request_event()), Parked)
    assert [title for title, _ in limited.waiting_notes] == ["Waiting until about 2026-03-18 12:00 UTC"]
    limited.now = NOW + timedelta(days=3) - timedelta(minutes=5)
    assert isinstance(limited.settle(), Posted)
    assert limited.now >= NOW + timedelta(days=3)
    expect_one_review(limited)


def test_another_reason_to_wait_is_said(limited: LimitedWorld) -> None:
    limited.switch(posting=False)
    limited.receive(pull_request_event())
    limited.pause(PauseTarget(tenant=TENANT))
    limited.switch()
    for _ in range(3):
        limited.now += timedelta(minutes=1)
        limited.reconcile()
        limited.receive(limited.queue.pop())
    assert [("posting" in summary, "paused" in summary) for _, summary in limited.waiting_notes] == [
        (True, False),
        (False, True),
    ]


def test_what_is_held_back_leaves_a_worker_that_has_it_alone(limited: LimitedWorld) -> None:
    limited.pause(PauseTarget(tenant=TENANT))
    limited.receive(pull_request_event())
    limited.now += timedelta(minutes=1)
    limited.reconcile()
    ((place, (fence, _, _)),) = limited.leases.items()
    limited.leases[place] = (fence + 1, UUID(int=0), limited.now + timedelta(minutes=6))
    before = limited.item()
    with suppress(RetryableError):
        limited.receive(limited.queue.pop(), most=1)
    assert limited.item() == before


def test_a_table_that_cannot_answer_is_no_reason_to_lose_what_is_held_back(limited: LimitedWorld) -> None:
    limited.pause(PauseTarget(tenant=TENANT), until=NOW + 2 * HOUR)
    limited.receive(pull_request_event())
    limited.blackouts.append(Blackout(prefix="store", until=NOW + HOUR))
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)


def test_what_somebody_asks_for_waits_as_well(limited: LimitedWorld) -> None:
    limited.writers.add(7)
    limited.pause(PauseTarget(tenant=TENANT), until=NOW + HOUR)
    assert isinstance(limited.receive(command_event()), Parked)
    assert isinstance(limited.settle(), Posted)


def test_a_paused_review_whose_head_has_moved_on_is_superseded_when_it_is_resumed(limited: LimitedWorld) -> None:
    target = PauseTarget(tenant=TENANT)
    limited.pause(target)
    limited.receive(pull_request_event())
    limited.head = HEAD_B
    limited.receive(pull_request_event(HEAD_B, action="synchronize"))
    limited.resume(target)
    limited.settle()
    assert [review.commit_id for review, _ in limited.reviews] == [HEAD_B]
    assert sorted(item.state for item in limited.items.values()) == [ReviewState.POSTED, ReviewState.SUPERSEDED]


def test_a_blocked_tenants_pull_request_is_skipped_and_reviewed_after_the_block(limited: LimitedWorld) -> None:
    limited.block(is_blocked=True, version=0)
    assert limited.deliver(pull_request_event()) == Skipped(reason=SkipReason.BLOCKED)
    assert (limited.asked, limited.reviews) == ([], [])
    ((run, _, output),) = limited.checks.values()
    assert run.status == "completed"
    assert output is not None
    assert output.conclusion is Conclusion.SKIPPED
    assert [message.state for message in limited.recorded] == [ReviewState.SKIPPED]
    limited.block(is_blocked=False, version=1)
    assert isinstance(limited.deliver(pull_request_event()), Posted)


def test_a_tenant_that_is_blocked_while_the_models_think_gets_no_review(limited: LimitedWorld) -> None:
    limited.before["github.reviews"] = lambda: limited.block(is_blocked=True, version=0)
    assert limited.deliver(pull_request_event()) == Skipped(reason=SkipReason.BLOCKED)
    assert limited.reviews == []
    assert limited.reservation().left == 0


# --- agents' flags ---------------------------------------------------------------------------------------------------


@ANYBODY
@pytest.mark.parametrize("agent", ["security", "ruff"])
def test_an_agent_that_is_off_does_not_run(limited: LimitedWorld, tenant: TenantId | None, agent: str) -> None:
    limited.switch(tenant, agents={agent: AgentFlag(mode=AgentMode.OFF)})
    limited.deliver(pull_request_event())
    assert agent not in limited.agents()
    assert agent not in {run.agent for run in limited.result().runs}
    assert agent not in limited.posted
    assert seen_by(limited) == (ASKED | ANALYZERS) - {agent, "verifier"}


@pytest.mark.parametrize("agent", ["security", "ruff"])
def test_an_agent_in_the_shadow_runs_and_is_recorded_and_shows_nothing(limited: LimitedWorld, agent: str) -> None:
    limited.switch(agents={agent: AgentFlag(mode=AgentMode.SHADOW)})
    limited.deliver(pull_request_event())
    result = limited.result()
    (run,) = [run for run in result.runs if run.agent == agent]
    assert (run.is_shadow, run.status, run.findings) == (True, RunStatus.COMPLETE, 1)
    (finding,) = [finding for finding in result.findings if finding.candidate.agent == agent]
    assert finding.placement is Placement.DROPPED
    assert agent not in limited.posted
    assert seen_by(limited) == (ASKED | ANALYZERS) - {agent, "verifier"}


def test_an_agent_is_on_in_its_share_of_reviews_and_the_same_for_every_retry(limited: LimitedWorld) -> None:
    limited.switch(agents={"security": AgentFlag(mode=AgentMode.CANARY, percent=50)})
    took_part = []
    for number in range(16):
        limited.head = f"{number:040}"
        limited.asked.clear()
        limited.blackouts[:] = [Blackout(prefix="model", until=limited.now + HOUR, error=ThrottledError)]
        first = limited.receive(pull_request_event(limited.head))
        assert isinstance(first, Parked)
        limited.settle()
        item = next(item for item in limited.items.values() if item.key.head_sha == limited.head)
        agents = {run.agent for run in limited.result(item).runs}
        flag = AgentFlag(mode=AgentMode.CANARY, percent=50).for_review("security", item.key.review_id)
        assert ("security" in agents) == (flag is AgentMode.ON) == ("security" in limited.agents())
        took_part.append("security" in agents)
    assert 0 < sum(took_part) < 16


@pytest.mark.parametrize(("percent", "is_on"), [(0, False), (100, True)])
def test_a_share_of_nothing_or_of_all(limited: LimitedWorld, percent: int, *, is_on: bool) -> None:
    limited.switch(agents={"security": AgentFlag(mode=AgentMode.CANARY, percent=percent)})
    limited.deliver(pull_request_event())
    assert ("security" in limited.agents()) == is_on


def test_a_tenant_switches_off_what_the_deployment_has_on_and_not_on_what_it_has_off(limited: LimitedWorld) -> None:
    limited.switch(None, agents={"security": AgentFlag(mode=AgentMode.OFF)})
    limited.switch(agents={"security": AgentFlag(mode=AgentMode.ON), "ruff": AgentFlag(mode=AgentMode.OFF)})
    limited.deliver(pull_request_event())
    assert seen_by(limited) == (ASKED | ANALYZERS) - {"security", "ruff", "verifier"}


def test_f63_a_flag_that_flips_while_the_agents_work_changes_nothing_of_this_review(limited: LimitedWorld) -> None:
    def flip() -> None:
        limited.switch(None, models=False, agents={"security": AgentFlag(mode=AgentMode.OFF)})
        limited.now += FRESH

    limited.before["model.answer"] = flip
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    assert limited.agents() == ASKED
    assert not limited.item().is_bypassed


def test_f63_flags_that_flip_between_two_looks_leave_no_review_in_between(limited: LimitedWorld) -> None:
    """Admission looks at the flags again: what it bypasses counts as bypassed, so that it can be asked for again."""

    def flip() -> None:
        limited.switch(None, models=False)
        limited.now += FRESH

    limited.before["admission.admit"] = flip
    limited.deliver(pull_request_event())
    assert limited.asked == []
    assert limited.item().is_bypassed


# --- the bypass of language models -----------------------------------------------------------------------------------


@ANYBODY
def test_where_language_models_are_switched_off_the_analyzers_review_alone_and_it_says_so(
    limited: LimitedWorld, tenant: TenantId | None
) -> None:
    limited.switch(tenant, models=False)
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    assert limited.asked == []
    assert seen_by(limited) == ANALYZERS
    assert AdmissionReason.BYPASSED in limited.posted
    assert "mock" not in limited.posted
    assert limited.item().is_bypassed


@ANYBODY
def test_a_demonstration_shows_what_the_mock_makes_up_and_marks_it(
    limited: LimitedWorld, tenant: TenantId | None
) -> None:
    limited.switch(tenant, mock_models=True)
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    assert limited.asked == []
    assert limited.result().is_mock
    assert messages.MOCK_REVIEW in limited.posted
    assert messages.MOCK_FINDING in limited.posted
    assert limited.item().is_bypassed


@pytest.mark.parametrize(("stopping", "showing"), [(None, TENANT), (TENANT, None), (None, None)])
def test_where_language_models_are_switched_off_nothing_is_made_up_either(
    limited: LimitedWorld, stopping: TenantId | None, showing: TenantId | None
) -> None:
    if stopping == showing:
        limited.switch(stopping, models=False, mock_models=True)
    else:
        limited.switch(stopping, models=False)
        limited.switch(showing, mock_models=True)
    limited.deliver(pull_request_event())
    assert "mock" not in limited.posted
    assert seen_by(limited) == ANALYZERS


# --- money -----------------------------------------------------------------------------------------------------------


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


# --- rates -----------------------------------------------------------------------------------------------------------


def test_a_limit_is_never_an_error_the_review_waits_with_its_reason_and_its_time(limited: LimitedWorld) -> None:
    limited.limit(QuotaSet(tenant=TENANT, reviews=Rate(units=6, period=HOUR, burst=1)))
    assert isinstance(limited.deliver(pull_request_event(HEAD_A)), Posted)
    limited.head = HEAD_B
    began = limited.now
    outcome = limited.receive(pull_request_event(HEAD_B))
    assert isinstance(outcome, Parked)
    assert outcome.reason == AdmissionReason.RATE
    assert timedelta() < outcome.until - began <= timedelta(minutes=10)
    assert AdmissionReason.RATE in limited.waiting_notes[-1][1]
    assert isinstance(limited.settle(), Posted)
    assert limited.now >= outcome.until
    assert limited.dead_letters == []


def test_reviews_beyond_the_rate_wait_their_turn_and_each_is_charged_once(limited: LimitedWorld) -> None:
    limited.limit(QuotaSet(tenant=TENANT, reviews=Rate(units=60, period=HOUR, burst=3)))
    for number in range(8):
        limited.head = f"{number:040}"
        outcome = limited.receive(pull_request_event(limited.head))
        assert isinstance(outcome, Posted if number < 3 else Parked)
        if isinstance(outcome, Parked):
            assert isinstance(limited.settle(), Posted)
    assert len(limited.reviews) == 8
    assert NOW + timedelta(minutes=5) <= limited.now <= NOW + timedelta(minutes=15)


def test_a_change_that_is_larger_than_the_limit_goes_without_models(limited: LimitedWorld) -> None:
    limited.limit(QuotaSet(tenant=TENANT, model_kilotokens=Rate(units=1, period=HOUR, burst=1)))
    limited.patch = b"@@ -0,0 +1,1000 @@\n" + b"\n".join(b"+x = 1" for _ in range(1_000))
    assert isinstance(limited.deliver(pull_request_event()), Posted)
    assert limited.asked == []
    assert AdmissionReason.TOO_LARGE in limited.posted


def test_f59_where_the_table_cannot_answer_no_money_is_spent_and_the_review_waits(limited: LimitedWorld) -> None:
    limited.blackouts.append(Blackout(prefix="admission", until=NOW + HOUR))
    assert isinstance(limited.receive(pull_request_event()), Parked)
    assert limited.asked == []
    assert isinstance(limited.settle(), Posted)
    expect_one_review(limited)


# --- the pace of writing to GitHub ------------------------------------------------------------------------------------


def test_writes_of_an_installation_keep_below_githubs_limits_whoever_makes_them(limited: LimitedWorld) -> None:
    """80 a minute, 500 an hour and a second apart, of three sandboxes whose memories are their own."""
    paces = [limited.control().pace for _ in range(3)]
    written = list[datetime]()
    while len(written) < 620:
        try:
            paces[len(written) % 3](5)
        except ThrottledError as error:
            limited.now += error.retry_after or HOUR
        else:
            written.append(limited.now)
    apart = [later - earlier for earlier, later in pairwise(written)]
    assert min(apart) >= timedelta(seconds=1)
    for period, most in ((timedelta(minutes=1), 80), (HOUR, 500)):
        assert all(later - earlier >= period for earlier, later in zip(written, written[most:], strict=False))
    assert written[-1] - written[0] <= 2 * HOUR  # and not far below them


def test_one_installations_writes_do_not_slow_anothers(limited: LimitedWorld) -> None:
    pace, began = limited.control().pace, limited.now
    for installation_id in range(1, 60):
        pace(installation_id)
    assert limited.now == began


def test_a_review_that_may_not_be_written_now_waits_and_is_not_made_again(limited: LimitedWorld) -> None:
    paced = PacedWorld(client=limited.client, table=limited.table)
    pace = paced.control().pace
    with suppress(ThrottledError):
        while True:
            pace(5)
    outcome = paced.receive(pull_request_event())
    assert isinstance(outcome, Parked)
    assert isinstance(paced.settle(), Posted)
    expect_one_review(paced)
    assert len(paced.asked) == len(ASKED)


# --- one process for many tenants ------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", [1, 2])
def test_a_warm_reviewer_does_for_a_tenant_what_a_fresh_one_does(limited: LimitedWorld, account: int) -> None:
    limited.switch(models=False, agents={"ruff": AgentFlag(mode=AgentMode.OFF)})
    limited.limit(QuotaSet(tenant=TENANT, reviews=Rate(units=1, period=HOUR, burst=1), budgets=Budgets(review=0)))
    limited.warm = limited.control()
    for before in (1, 2, 1):
        limited.account, limited.head = before, f"{before:040}"
        limited.receive(replace(pull_request_event(limited.head), owner_id=before))
    fresh = LimitedWorld(client=limited.client, table=limited.table)
    for world in (limited, fresh):
        for kept in (world.asked, world.reviews, world.items, world.checks, world.objects):
            kept.clear()
        world.account, world.head = account, HEAD_A
        assert isinstance(world.receive(replace(pull_request_event(), owner_id=account)), Posted)
    assert [posted for _, posted in limited.reviews] == [posted for _, posted in fresh.reviews]
    assert limited.agents() == fresh.agents() == (set() if account == 1 else ASKED)
    assert seen_by(fresh) == (ANALYZERS - {"ruff"} if account == 1 else (ASKED | ANALYZERS) - {"verifier"})


# --- loops -----------------------------------------------------------------------------------------------------------

AUTHOR, PROGRAM = 7, 99
TWO_AN_HOUR = QuotaSet(tenant=TENANT, bot_reviews_per_pull_request=Rate(units=2, period=HOUR, burst=2))


def answered_for(limited: LimitedWorld, duration: timedelta, *, sender: int) -> int:
    """Let somebody push to the pull request as soon as there is a review, over and over; return how many there were."""
    began = limited.now
    for number in range(1_000):
        limited.head = f"{number:040}"
        event = replace(pull_request_event(limited.head, action="synchronize"), sender_id=sender)
        limited.receive(event)
        limited.settle()
        if limited.now - began >= duration:
            break
        limited.now += timedelta(seconds=20)
    return len(limited.reviews)


@pytest.mark.parametrize(("sender", "most"), [(PROGRAM, 2), (AUTHOR, 8)])
def test_b49_a_program_that_answers_every_review_with_a_push_is_slowed_down(
    limited: LimitedWorld, sender: int, most: int
) -> None:
    limited.limit(TWO_AN_HOUR)
    reviews = answered_for(limited, HOUR, sender=sender)
    assert most < reviews <= most * 2 + 1  # a burst, and what an hour brings
    assert limited.dead_letters == []
    assert AdmissionReason.LOOP in limited.waiting_notes[-1][1]


def test_b49_a_command_over_and_over_is_slowed_down_and_the_authors_pushes_are_not(limited: LimitedWorld) -> None:
    limited.writers.add(PROGRAM)
    limited.limit(TWO_AN_HOUR)
    outcomes = [limited.receive(command_event(PROGRAM, comment=number + 1)) for number in range(3)]
    assert [type(outcome) for outcome in outcomes] == [Posted, Posted, Parked]
    limited.head = HEAD_B
    assert isinstance(limited.receive(pull_request_event(HEAD_B, action="synchronize")), Posted)


def test_who_asks_through_the_api_has_the_limits_of_a_key(limited: LimitedWorld) -> None:
    limited.limit(TWO_AN_HOUR)
    for number in range(10):
        asked = replace(command_event(comment=number + 1), trigger=Trigger.REQUEST, sender_id=None)
        assert isinstance(limited.receive(asked), Posted)
