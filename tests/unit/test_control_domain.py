"""Flags, limits, budgets, roles and names of tenants: the decisions, without a store."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.control.audit import Actor, ActorKind, Request, audited
from codereview.domain.control.audit_codec import decode_audit, encode_audit
from codereview.domain.control.budgets import Ceiling, Degree, Plan, Room, best_plan, month_of
from codereview.domain.control.flags import AgentFlag, AgentMode, FlagSet, snapshot
from codereview.domain.control.pauses import PauseTarget
from codereview.domain.control.people import Role
from codereview.domain.control.quotas import (
    GITHUB_READS,
    GITHUB_WRITES,
    GITHUB_WRITES_AHEAD,
    USUAL,
    Budgets,
    QuotaSet,
    WhenSpent,
    effective,
)
from codereview.domain.control.scopes import OPERATING, Scope, parse_scopes, require_subset
from codereview.domain.control.tenants import parse_tenant_id
from codereview.domain.limits import Granted, Rate, Refused, advanced, decide
from codereview.domain.review import TenantId
from codereview.errors import ForbiddenError, PermanentError

MINE = TenantId("github.com:1")
ON = {"correctness": AgentMode.ON, "security": AgentMode.ON}
CANARY = AgentFlag(mode=AgentMode.CANARY, percent=30)


def modes(deployment: Mapping[str, AgentFlag], tenant: Mapping[str, AgentFlag], review: int = 1) -> list[AgentMode]:
    taken = snapshot(
        FlagSet(tenant=None, agents=deployment),
        FlagSet(tenant=MINE, agents=tenant),
        agents=ON,
        review_id=UUID(int=review),
    )
    return [taken.agents[name] for name in ON]


def test_an_agent_that_nobody_speaks_of_is_as_usual() -> None:
    assert modes({}, {}) == [AgentMode.ON, AgentMode.ON]


def test_the_tenants_word_counts_before_the_deployments_but_off_is_off() -> None:
    shadow, on, off = (AgentFlag(mode=mode) for mode in (AgentMode.SHADOW, AgentMode.ON, AgentMode.OFF))
    assert modes({"security": shadow}, {}) == [AgentMode.ON, AgentMode.SHADOW]
    assert modes({"security": shadow}, {"security": on}) == [AgentMode.ON, AgentMode.ON]
    assert modes({"security": on}, {"security": off}) == [AgentMode.ON, AgentMode.OFF]
    assert modes({"security": off}, {"security": on}) == [AgentMode.ON, AgentMode.OFF]


@given(review=st.uuids(), percent=st.integers(0, 100))
def test_a_review_is_in_the_canary_for_ever_and_in_every_wider_one(review: UUID, percent: int) -> None:
    flag = AgentFlag(mode=AgentMode.CANARY, percent=percent)
    is_in = flag.for_review("security", review) is AgentMode.ON
    assert flag.for_review("security", review) is flag.for_review("security", review)
    if is_in and percent < 100:
        assert AgentFlag(mode=AgentMode.CANARY, percent=percent + 1).for_review("security", review) is AgentMode.ON
    assert is_in or percent < 100
    assert not is_in or percent > 0


def test_a_canary_takes_its_share_of_the_reviews_and_each_agent_other_ones() -> None:
    chosen = {agent: {n for n in range(2000) if CANARY.for_review(agent, UUID(int=n)) is AgentMode.ON} for agent in ON}
    assert all(500 < len(reviews) < 700 for reviews in chosen.values())
    assert 100 < len(chosen["security"] & chosen["correctness"]) < 260


@pytest.mark.parametrize("percent", [-1, 101])
def test_b75_a_share_is_between_nothing_and_all(percent: int) -> None:
    with pytest.raises(ValueError, match="100"):
        AgentFlag(mode=AgentMode.CANARY, percent=percent)


@pytest.mark.parametrize("general", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_b75_a_switch_that_the_operator_has_thrown_no_tenant_turns_on_again(general: bool, own: bool) -> None:
    taken = snapshot(
        FlagSet(tenant=None, posting=general, models=not general),
        FlagSet(tenant=MINE, posting=own, models=not own),
        agents=ON,
        review_id=UUID(int=1),
    )
    assert (taken.posting, taken.models) == (general and own, not general and not own)


@pytest.mark.parametrize(
    ("text", "is_tenant"),
    [
        ("github.com:1", True),
        ("ghe.example.org:9223372036854775807", True),
        ("github.com:0", False),
        ("github.com:-1", False),
        ("github.com:01", False),
        ("github.com:+1", False),
        ("github.com:1_000", False),
        ("github.com:\uff11\uff12", False),
        ("github.com:\u00b2", False),
        ("github.com: 1", False),
        ("github.com:1\n", False),
        ("github.com:1 OR 1=1", False),
        ("github.com:", False),
        ("GitHub.com:1", False),
        ("github.com#x:1", False),
        (":1", False),
        ("1", False),
        ("", False),
        ("a" * 300 + ":1", False),
        ("github.com:" + "9" * 20, False),
    ],
)
def test_b67_b101_a_tenant_is_named_by_host_and_number_in_one_form_only(text: str, is_tenant: bool) -> None:
    assert (parse_tenant_id(text) == text) is is_tenant


@pytest.mark.parametrize(
    "words", [["*"], ["keys:*"], ["KEYS:READ"], ["keys:read", "root"], ["keys:read "], []], ids=repr
)
def test_b66_there_is_no_word_for_every_permission(words: list[str]) -> None:
    assert parse_scopes(words) is None


def test_b66_nobody_hands_on_more_than_they_have() -> None:
    require_subset({Scope.KEYS_READ}, Role.VIEWER.scopes)
    with pytest.raises(ForbiddenError):
        require_subset({Scope.KEYS_WRITE}, Role.EDITOR.scopes)


def test_roles_contain_each_other_and_no_role_of_a_tenant_reaches_past_it() -> None:
    assert Role.VIEWER.scopes < Role.EDITOR.scopes < Role.ADMIN.scopes < OPERATING
    assert not [scope for scope in Role.ADMIN.scopes if scope.is_operator_only]
    assert {scope for scope in Scope if scope not in Role.ADMIN.scopes} == {
        Scope.TENANTS_WRITE,
        Scope.LIMITS_WRITE,
        Scope.QUEUES_WRITE,
        Scope.NOTICES_WRITE,
    }


def test_a_limit_is_the_tenants_or_the_deployments_or_the_usual_one() -> None:
    slow, fast = (Rate(units=units, period=timedelta(minutes=1), burst=1) for units in (1, 100))
    deployment = QuotaSet(
        tenant=None, requests=slow, reviews=slow, budgets=Budgets(tenant_month=7, when_spent=WhenSpent.PARK)
    )
    tenant = QuotaSet(tenant=MINE, requests=fast, budgets=Budgets(review=0), version=4)
    counts = effective(deployment, tenant)
    assert (counts.tenant, counts.version) == (MINE, 4)
    assert (counts.requests, counts.reviews, counts.requests_per_key) == (fast, slow, USUAL.requests_per_key)
    assert counts.budgets == Budgets(tenant_month=7, review=0, when_spent=WhenSpent.PARK)


@pytest.mark.parametrize("amount", [-1, 10**12 + 1])
def test_a_budget_has_bounds(amount: int) -> None:
    with pytest.raises(ValueError, match="budget"):
        Budgets(pull_request=amount)


PLANS = [
    Plan(degree=Degree.ANALYZERS_ONLY, cost=0, tokens=0),
    Plan(degree=Degree.FULL, cost=100, tokens=0),
    Plan(degree=Degree.CHEAPER_MODEL, cost=20, tokens=0),
    Plan(degree=Degree.FEWER_AGENTS, cost=60, tokens=0),
]


@pytest.mark.parametrize(
    ("left", "degree"),
    [
        (100, Degree.FULL),
        (99, Degree.FEWER_AGENTS),
        (59, Degree.CHEAPER_MODEL),
        (19, Degree.ANALYZERS_ONLY),
        (0, Degree.ANALYZERS_ONLY),
    ],
)
def test_a_review_is_degraded_before_it_is_stopped(left: int, degree: Degree) -> None:
    room = Room(left={Ceiling.TENANT_MONTH: 1000, Ceiling.REVIEW: left})
    plan = best_plan(PLANS, room)
    assert plan is not None
    assert plan.degree is degree


def test_without_ceilings_the_best_plan_is_taken_and_without_a_free_one_there_may_be_none() -> None:
    assert best_plan(PLANS, Room(left={})) == PLANS[1]
    assert best_plan(PLANS[1:], Room(left={Ceiling.REVIEW: 1})) is None


def test_a_month_is_utcs_for_all() -> None:
    assert month_of(datetime.fromisoformat("2026-03-31T23:30:00-05:00")) == "2026-04"


def test_a_target_lies_in_its_repository_and_its_tenant() -> None:
    pull = PauseTarget(tenant=MINE, repository_id=2, number=3)
    assert [target.path for target in pull.around()] == ["", "2", "2/3"]
    assert [target.path for target in PauseTarget(tenant=MINE, repository_id=2).around()] == ["", "2"]
    assert [target.path for target in PauseTarget(tenant=MINE).around()] == [""]
    with pytest.raises(ValueError, match="repository"):
        PauseTarget(tenant=MINE, number=3)


@given(pauses=st.lists(st.integers(0, 90_000_000), min_size=200, max_size=200))
def test_githubs_limits_for_writes_are_kept_in_every_window(pauses: list[int]) -> None:
    tats, written = dict[str, int](), list[int]()
    for now in accumulate(pause // 20 for pause in pauses):
        if isinstance(decide(GITHUB_WRITES, tats, now=now), Granted):
            tats = {take.name: advanced(take, tats.get(take.name, now), now) for take in GITHUB_WRITES}
            written.append(now)
    assert all(later - earlier >= 1_000_000 for earlier, later in pairwise(written))
    for window, most in ((60_000_000, 80), (3_600_000_000, 500)):
        assert all(sum(begin <= each < begin + window for each in written) <= most for begin in written)


def test_githubs_limits_hold_for_whoever_writes_as_fast_as_they_let() -> None:
    tats, written, now = dict[str, int](), list[int](), 0
    while now < 7_200_000_000:
        decision = decide(GITHUB_WRITES, tats, now=now)
        if isinstance(decision, Granted):
            tats = {take.name: advanced(take, tats.get(take.name, now), now) for take in GITHUB_WRITES}
            written.append(now)
        now += 250_000
    for window, most in ((60_000_000, 80), (3_600_000_000, 500)):
        assert max(sum(begin <= each < begin + window for each in written) for begin in written[::7]) <= most
    assert len(written) > 800


@given(writes=st.lists(st.tuples(st.booleans(), st.integers(0, 1_000_000)), min_size=2, max_size=80))
def test_a_write_that_follows_within_a_second_of_its_slot_keeps_a_second_from_the_others(
    writes: list[tuple[bool, int]],
) -> None:
    tats, written, now = dict[str, int](), list[int](), 0
    for is_ahead, late in writes:
        takes = GITHUB_WRITES_AHEAD if is_ahead else GITHUB_WRITES
        while isinstance(decision := decide(takes, tats, now=now), Refused):
            now += (decision.retry_after or timedelta()) // timedelta(microseconds=1)
        tats = {take.name: advanced(take, tats.get(take.name, now), now) for take in takes}
        written.append(now + late * is_ahead)
    assert all(later - earlier >= 1_000_000 for earlier, later in pairwise(written))


def test_githubs_points_of_a_minute_are_enough_for_the_reads_and_writes_that_we_allow() -> None:
    (reads,), (spacing, _) = GITHUB_READS, GITHUB_WRITES
    in_a_minute = [
        take.rate.burst + take.rate.units * timedelta(minutes=1) // take.rate.period for take in (reads, spacing)
    ]
    assert in_a_minute[0] + 5 * in_a_minute[1] <= 900


NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
ACTOR = Actor(kind=ActorKind.KEY, id="k1", address="192.0.2.1")


def test_an_audit_entry_is_read_as_it_was_written() -> None:
    request = Request(actor=ACTOR, id="r1", at=NOW)
    entry = audited(request, tenant=MINE, action="flags.change", target="flags", after={"posting": False})
    assert decode_audit(encode_audit(entry)) == entry
    assert '"kind":"audit"' in encode_audit(entry)


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"kind":"audit","version":1}', '{"kind":"review"}'])
def test_what_is_no_audit_message_is_none_of_ours(body: str) -> None:
    with pytest.raises(PermanentError, match="not an audit message"):
        decode_audit(body)


def test_an_audit_message_of_a_later_version_is_not_guessed_at() -> None:
    entry = audited(Request(actor=ACTOR, id="r1", at=NOW), tenant=None, action="a", target="t")
    later = encode_audit(entry).replace('"version":1', '"version":2')
    with pytest.raises(PermanentError, match="unknown version"):
        decode_audit(later)


def test_one_request_describes_one_action_once() -> None:
    request = Request(actor=ACTOR, id="r1", at=NOW)
    entries = [audited(request, tenant=MINE, action=action, target="t") for action in ("a", "a", "b")]
    again = audited(replace(request, id="r2"), tenant=MINE, action="a", target="t")
    assert entries[0] == entries[1]
    assert len({entry.id for entry in (*entries, again)}) == 3
