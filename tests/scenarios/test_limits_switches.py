"""A review under kill switches, pauses, blocks and agents' flags, on the control table itself."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from codereview import messages
from codereview.domain.control.flags import AgentFlag, AgentMode
from codereview.domain.control.pauses import PauseTarget
from codereview.domain.finding import Placement
from codereview.domain.publication import Conclusion
from codereview.domain.result import RunStatus
from codereview.domain.review import Parked, Posted, ReviewState, Skipped, SkipReason, TenantId
from codereview.errors import RetryableError, ThrottledError
from codereview.use_cases.control.admit_review import AdmissionReason
from codereview.use_cases.control.cached_settings import FRESH
from tests.scenarios.events import HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.faults import Blackout, Mode, Outage
from tests.scenarios.limited import ANALYZERS, ASKED, TENANT, LimitedWorld, seen_by
from tests.scenarios.test_life_of_a_review import expect_one_review

HOUR = timedelta(hours=1)
ANYBODY = pytest.mark.parametrize("tenant", [None, TENANT], ids=["deployment", "tenant"])


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
    limited.arrive(pull_request_event(HEAD_B, action="synchronize"))
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
        first = limited.arrive(pull_request_event(limited.head))
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
