"""A review under rates, and the pace of what it asks GitHub for, on the control table itself."""

from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from codereview.domain.control.flags import AgentFlag, AgentMode
from codereview.domain.control.quotas import Budgets, QuotaSet
from codereview.domain.envelope import Trigger
from codereview.domain.limits import Rate
from codereview.domain.review import Parked, Posted, ReviewKey
from codereview.errors import HeldError, ThrottledError
from codereview.use_cases.control.admit_review import AdmissionReason
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.faults import Blackout
from tests.scenarios.limited import ANALYZERS, ASKED, TENANT, LimitedWorld, PacedWorld, seen_by
from tests.scenarios.test_life_of_a_review import expect_one_review

HOUR = timedelta(hours=1)


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
        outcome = limited.arrive(pull_request_event(limited.head))
        assert isinstance(outcome, Posted if number < 3 else Parked)
        if isinstance(outcome, Parked):
            assert isinstance(limited.settle(), Posted)
    assert len(limited.reviews) == 8
    assert NOW + timedelta(minutes=5) <= limited.now <= NOW + timedelta(minutes=15)


def test_a_used_up_rate_is_seen_without_taking_from_it_and_only_by_who_waits_for_it(limited: LimitedWorld) -> None:
    limited.limit(QuotaSet(tenant=TENANT, reviews=Rate(units=6, period=HOUR, burst=1)))
    admission = limited.control().admission
    key = ReviewKey(tenant=TENANT, repository_id=2, number=3, head_sha=HEAD_A)
    assert admission.still_waits(key, AdmissionReason.RATE, now=limited.now) is None
    limited.deliver(pull_request_event(HEAD_A))
    for _ in range(3):
        waiting = admission.still_waits(key, AdmissionReason.RATE, now=limited.now)
        assert waiting is not None
        assert (waiting.reason, waiting.until) <= (AdmissionReason.RATE, limited.now + timedelta(minutes=10))
    assert admission.still_waits(key, AdmissionReason.LOOP, now=limited.now) is None
    assert admission.still_waits(key, AdmissionReason.RATE, now=limited.now + timedelta(minutes=10)) is None
    limited.switch(models=False)
    limited.now += timedelta(minutes=2)  # settings are kept for a minute
    assert admission.still_waits(key, AdmissionReason.RATE, now=limited.now) is None


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


def test_a_review_begins_only_where_those_that_have_begun_find_room_to_write(limited: LimitedWorld) -> None:
    """A write comes back in nine seconds: two for what has begun, for others the more the younger."""
    control, a_write = limited.control(), timedelta(seconds=9)
    with suppress(ThrottledError):
        while True:
            control.pace(5)
    spent_at = limited.now
    for waited, room in ((None, 2), (timedelta(days=3), 20), (HOUR, 30), (timedelta(), 40)):
        for writes in (room - 1, room):
            limited.now = spent_at + writes * a_write
            since = limited.now - waited if waited is not None else None
            refusal = pytest.raises(HeldError, match="spread over the hour") if writes < room else nullcontext()
            with refusal:
                control.pace_reviews(5, since=since)


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
        limited.arrive(event)
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
    assert isinstance(limited.arrive(pull_request_event(HEAD_B, action="synchronize")), Posted)


def test_who_asks_through_the_api_has_the_limits_of_a_key(limited: LimitedWorld) -> None:
    limited.limit(TWO_AN_HOUR)
    for number in range(10):
        asked = replace(command_event(comment=number + 1), trigger=Trigger.REQUEST, sender_id=None)
        assert isinstance(limited.receive(asked), Posted)
