"""Whether a review may spend now: switches, rates, budgets and loops, on the table that they are kept in."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.ledger import DynamoBudgetLedger
from codereview.domain.control.budgets import Degree, Plan, Reservation, Shortage, Spender, month_of
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.quotas import Budgets, QuotaSet, WhenSpent
from codereview.domain.limits import Rate
from codereview.domain.parking import AdmissionDecision, Admit, Degrade, Park
from codereview.domain.review import ReviewKey, TenantId
from codereview.ports import AdmissionRequest, Asker
from codereview.use_cases.control.admit_review import RESERVED_FOR, AdmissionReason, AdmitReview
from codereview.use_cases.control.cached_settings import CachedSettings
from tests.adapters.dynamodb.control.control_world import World
from tests.adapters.dynamodb.control.samples import MINE, NOW, THEIRS, entry

RENEWED = NOW.replace(month=4, day=1, hour=0)  # budgets of the month
KEY = ReviewKey(tenant=MINE, repository_id=2, number=3, head_sha="a" * 40)
WITHOUT = Plan(degree=Degree.ANALYZERS_ONLY, cost=0, tokens=0)
PLANS = (Plan(degree=Degree.FULL, cost=100, tokens=1), WITHOUT)  # tokens: times those of the change
HOURLY, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


@dataclass
class Door:
    """Admission in a world."""

    world: World
    number: int = 0
    plans: tuple[Plan, ...] = PLANS
    before_reserving: Callable[[], object] = lambda: None

    def admit(
        self, tokens: int = 1_000, *, key: ReviewKey | None = None, asked_by: Asker = Asker.AUTHOR
    ) -> AdmissionDecision:
        """Decide; what is set aside for a review is left to the ledger to say."""
        self.number += 1
        key = key or replace(KEY, head_sha=f"{self.number:040}")
        request = AdmissionRequest(key=key, prompt_tokens=tokens, asked_by=asked_by)
        decision = self.admission.admit(request, now=self.world.moment)
        return replace(decision, reservation=None) if isinstance(decision, Admit) else decision

    def limit(self, quotas: QuotaSet) -> None:
        self.world.quotas.save(quotas, audit=entry())

    @property
    def settings(self) -> CachedSettings:
        return CachedSettings(self.world, self.world.flags, self.world.quotas)

    @property
    def ledger(self) -> "HookedLedger":
        return HookedLedger(self)

    @property
    def buckets(self) -> DynamoBuckets:
        return DynamoBuckets(self.world.client, self.world.table)

    @property
    def admission(self) -> AdmitReview:
        return AdmitReview(settings=self.settings, buckets=self.buckets, ledger=self.ledger, plans=self.planned)

    def planned(self, request: AdmissionRequest) -> list[Plan]:
        return [replace(plan, tokens=plan.tokens * request.prompt_tokens) for plan in self.plans]

    def left(self, tenant: TenantId = MINE) -> int:
        """Count the reviews of other pull requests that are still let in now."""
        keys = [replace(KEY, tenant=tenant, number=100 + number) for number in range(6)]
        return sum(isinstance(self.admit(key=key), Admit) for key in keys)


class HookedLedger(DynamoBudgetLedger):
    """The ledger, where something else may happen right before money is set aside."""

    def __init__(self, door: Door) -> None:
        super().__init__(door.world.client, door.world.table)
        self._door = door

    def reserve(self, spender: Spender, budgets: Budgets, *, amount: int, until: datetime) -> Reservation | Shortage:
        hook, self._door.before_reserving = self._door.before_reserving, lambda: None
        hook()
        return super().reserve(spender, budgets, amount=amount, until=until)


@pytest.fixture
def door(world: World) -> Door:
    return Door(world)


@pytest.mark.parametrize("tenant", [MINE, None])
def test_a_review_goes_without_models_where_anybody_switched_them_off(door: Door, tenant: TenantId | None) -> None:
    door.world.flags.save(FlagSet(tenant=tenant, models=False), audit=entry(tenant=tenant))
    assert door.admit() == Degrade(reason=AdmissionReason.BYPASSED)


def test_a_review_over_the_rate_waits_exactly_until_it_fits(door: Door) -> None:
    door.limit(QuotaSet(tenant=MINE, reviews=Rate(units=60, period=HOURLY, burst=2)))
    assert [door.admit(), door.admit()] == [Admit(), Admit()]
    waits = door.admit()
    assert waits == Park(reason=AdmissionReason.RATE, until=NOW + timedelta(minutes=1))
    door.world.moment += timedelta(minutes=1)
    assert door.admit() == Admit()


def test_a_review_takes_its_size_from_the_models_tokens_and_one_that_never_fits_goes_without(door: Door) -> None:
    door.limit(QuotaSet(tenant=MINE, model_kilotokens=Rate(units=60, period=timedelta(minutes=1), burst=100)))
    assert door.admit(99_001) == Admit()
    assert door.admit(1) == Park(reason=AdmissionReason.RATE, until=NOW + timedelta(seconds=1))
    assert door.admit(100_001) == Degrade(reason=AdmissionReason.TOO_LARGE)


def test_a_review_takes_the_tokens_that_its_plan_shows(door: Door) -> None:
    door.limit(
        QuotaSet(
            tenant=MINE,
            model_kilotokens=Rate(units=60, period=MINUTE, burst=100),
            budgets=Budgets(tenant_month=140),
        )
    )
    fewer = Plan(degree=Degree.FEWER_AGENTS, cost=40, tokens=3)
    door.plans = (replace(PLANS[0], tokens=7), fewer, WITHOUT)
    assert door.admit(10_000) == Admit()  # 70 of 100
    assert door.admit(10_000) == Admit(degree=Degree.FEWER_AGENTS)  # what there is money for takes the other 30
    assert door.admit(1) == Degrade(reason=AdmissionReason.SPENT)  # and what is shown to nobody takes none
    door.limit(QuotaSet(tenant=MINE, model_kilotokens=Rate(units=60, period=MINUTE, burst=100), version=1))
    assert door.admit(1) == Park(reason=AdmissionReason.RATE, until=NOW + SECOND)
    door.world.moment += SECOND
    assert door.admit(1) == Admit()


def test_a_review_of_which_not_every_agent_can_ever_be_shown_is_made_by_fewer(door: Door) -> None:
    door.limit(QuotaSet(tenant=MINE, model_kilotokens=Rate(units=60, period=timedelta(minutes=1), burst=100)))
    door.plans = (replace(PLANS[0], tokens=7), Plan(degree=Degree.FEWER_AGENTS, cost=40, tokens=3), WITHOUT)
    assert door.admit(20_000) == Admit(degree=Degree.FEWER_AGENTS)
    assert door.admit(40_000) == Degrade(reason=AdmissionReason.TOO_LARGE)


TWO = Rate(units=1, period=HOURLY, burst=2)


@pytest.mark.parametrize("tokens", [1_000, 1_000_000], ids=["no money", "too large"])
def test_a_review_that_goes_without_models_is_charged_once(door: Door, tokens: int) -> None:
    few = Rate(units=1, period=HOURLY, burst=100)
    door.limit(QuotaSet(tenant=MINE, reviews=TWO, model_kilotokens=few, budgets=Budgets(pull_request=1)))
    first = door.admit(tokens, key=KEY)
    assert isinstance(first, Degrade)
    assert [door.admit(tokens, key=KEY) for _ in range(3)] == [first] * 3
    door.limit(QuotaSet(tenant=MINE, reviews=TWO, version=1))
    assert door.left() == 1


def test_a_review_that_waits_for_money_is_charged_nothing(door: Door) -> None:
    parking = Budgets(tenant_month=99, when_spent=WhenSpent.PARK)
    door.limit(QuotaSet(tenant=MINE, reviews=TWO, bot_reviews_per_pull_request=TWO, budgets=parking))
    waits = Park(reason=AdmissionReason.SPENT, until=NOW + timedelta(days=1), ends=RENEWED)
    assert [door.admit(key=KEY) for _ in range(9)] == [waits] * 9
    door.limit(QuotaSet(tenant=MINE, reviews=TWO, bot_reviews_per_pull_request=TWO, version=1))
    assert door.left() == 2


def test_a_review_that_waits_because_of_a_loop_takes_nothing_from_its_tenant(door: Door) -> None:
    once = Rate(units=1, period=HOURLY, burst=1)
    door.limit(QuotaSet(tenant=MINE, reviews=replace(TWO, burst=4), bot_reviews_per_pull_request=once))
    assert door.admit(asked_by=Asker.OTHER) == Admit()
    waits = Park(reason=AdmissionReason.LOOP, until=NOW + HOURLY)
    assert [door.admit(key=KEY, asked_by=Asker.OTHER) for _ in range(9)] == [waits] * 9
    assert door.left() == 3


def test_a_review_that_waits_for_its_tenants_rate_is_not_counted_in_its_pull_request(door: Door) -> None:
    once = Rate(units=1, period=timedelta(minutes=1), burst=1)
    twice = Rate(units=2, period=24 * HOURLY, burst=2)
    door.limit(QuotaSet(tenant=MINE, reviews=once, bot_reviews_per_pull_request=twice))
    assert door.admit(asked_by=Asker.OTHER) == Admit()
    waits = Park(reason=AdmissionReason.RATE, until=NOW + timedelta(minutes=1))
    assert [door.admit(key=KEY, asked_by=Asker.OTHER) for _ in range(9)] == [waits] * 9
    door.world.moment = waits.until
    assert door.admit(key=KEY, asked_by=Asker.OTHER) == Admit()


@pytest.mark.parametrize(
    ("when_spent", "told"),
    [
        (WhenSpent.PARK, Park(reason=AdmissionReason.SPENT, until=NOW + timedelta(days=1), ends=RENEWED)),
        (WhenSpent.ANALYZERS_ONLY, Degrade(reason=AdmissionReason.SPENT)),
    ],
)
def test_a_review_that_another_took_the_money_from_is_charged_once(
    door: Door, when_spent: WhenSpent, told: AdmissionDecision
) -> None:
    budgets = Budgets(tenant_month=150, when_spent=when_spent)
    door.limit(QuotaSet(tenant=MINE, reviews=replace(TWO, burst=3), budgets=budgets))
    door.before_reserving = door.admit
    assert [door.admit(key=KEY) for _ in range(5)] == [told] * 5
    door.limit(QuotaSet(tenant=MINE, reviews=replace(TWO, burst=3), version=1))
    assert door.admit(key=KEY) == Admit()
    assert door.left() == 1


@pytest.mark.parametrize("moment", ["before-call", "after-call"])
def test_f60_a_death_at_any_request_of_the_admission_charges_twice_at_most(door: Door, moment: str) -> None:
    """The sandbox is gone right before or right after one of its requests; the review is tried again."""
    hooks: Any = door.world.client.meta.events
    is_over, at = False, 0
    while not is_over:
        at += 1
        tenant, calls = TenantId(f"github.com:{at}"), iter(range(1, 1_000))

        def die(*, at: int = at, calls: Iterator[int] = calls, **_: object) -> None:
            if next(calls) == at:
                raise KeyboardInterrupt

        budgets = Budgets(tenant_month=300)
        reviews = replace(TWO, burst=4)
        door.limit(QuotaSet(tenant=tenant, reviews=reviews, bot_reviews_per_pull_request=TWO, budgets=budgets))
        key = replace(KEY, tenant=tenant)
        hooks.register(f"{moment}.dynamodb", die)
        with suppress(KeyboardInterrupt):
            door.admit(key=key, asked_by=Asker.OTHER)
            is_over = True
        hooks.unregister(f"{moment}.dynamodb", die)
        assert door.admit(key=key, asked_by=Asker.OTHER) == Admit()
        assert door.ledger.room(Spender(key=replace(key, number=9), month=month_of(NOW)), budgets).least == 200
        assert door.left(tenant) == 2  # as many as there is money for: of four reviews at least two are left
    assert at > 10


def test_f60_a_review_that_is_tried_again_is_charged_once(door: Door) -> None:
    rate = Rate(units=1, period=HOURLY, burst=1)
    door.limit(QuotaSet(tenant=MINE, reviews=rate, budgets=Budgets(tenant_month=150)))
    assert [door.admit(key=KEY) for _ in range(3)] == [Admit(), Admit(), Admit()]
    door.world.moment += timedelta(minutes=10)
    assert door.admit(key=KEY) == Admit()
    spender = Spender(key=KEY, month=month_of(NOW))
    held = door.ledger.held(spender)
    assert held == Reservation(spender=spender, left=100, spent=0, until=door.world.moment + RESERVED_FOR)


def test_f60_a_crash_between_reserving_and_settling_costs_the_tenant_an_hour_and_no_money(door: Door) -> None:
    door.limit(QuotaSet(tenant=MINE, budgets=Budgets(tenant_month=150)))
    assert door.admit() == Admit()
    assert door.admit() == Degrade(reason=AdmissionReason.SPENT)
    door.world.moment += RESERVED_FOR
    assert door.ledger.expire(now=door.world.moment, limit=100) == 1
    assert door.admit() == Admit()


def test_a_tenant_without_budget_left_goes_without_models_or_waits_as_it_likes(door: Door) -> None:
    door.limit(QuotaSet(tenant=MINE, budgets=Budgets(tenant_month=99)))
    assert door.admit() == Degrade(reason=AdmissionReason.SPENT)
    parking = Budgets(tenant_month=99, when_spent=WhenSpent.PARK)
    door.limit(QuotaSet(tenant=MINE, budgets=parking, version=1))
    assert door.admit() == Park(reason=AdmissionReason.SPENT, until=NOW + timedelta(days=1), ends=RENEWED)
    door.world.moment = NOW.replace(day=31, hour=18)
    assert door.admit() == Park(reason=AdmissionReason.SPENT, until=RENEWED, ends=RENEWED)


def test_one_tenants_limits_are_not_anothers(door: Door) -> None:
    door.limit(QuotaSet(tenant=None, reviews=Rate(units=1, period=HOURLY, burst=1)))
    assert door.admit() == Admit()
    assert isinstance(door.admit(), Park)
    assert door.admit(key=replace(KEY, tenant=THEIRS)) == Admit()


def test_b49_programs_that_answer_each_other_are_stopped_on_their_pull_request_only(door: Door) -> None:
    assert [door.admit(asked_by=Asker.OTHER) for _ in range(6)] == [Admit()] * 6
    assert door.admit(asked_by=Asker.OTHER) == Park(reason=AdmissionReason.LOOP, until=NOW + timedelta(minutes=10))
    assert door.admit(asked_by=Asker.OTHER, key=replace(KEY, number=4)) == Admit()
    assert door.admit(asked_by=Asker.OTHER, key=replace(KEY, repository_id=4)) == Admit()
    assert door.admit() == Admit()  # the author, who may be a person


def test_b49_an_author_that_may_be_a_program_is_stopped_too_with_more_patience(door: Door) -> None:
    assert [door.admit() for _ in range(24)] == [Admit()] * 24
    assert door.admit() == Park(reason=AdmissionReason.LOOP, until=NOW + timedelta(minutes=2, seconds=30))
    assert door.admit(asked_by=Asker.REQUEST) == Admit()  # whose key has limits of its own


def test_a_loop_s_limit_may_be_as_high_as_any(door: Door) -> None:
    door.limit(QuotaSet(tenant=MINE, bot_reviews_per_pull_request=Rate(units=1_000, period=SECOND, burst=1)))
    assert door.admit() == Admit()


@pytest.mark.parametrize("budgets", [Budgets(), Budgets(tenant_month=1_000)])
def test_f60_a_review_that_costs_nothing_is_charged_once_too(door: Door, budgets: Budgets) -> None:
    door.limit(QuotaSet(tenant=MINE, reviews=Rate(units=1, period=HOURLY, burst=1), budgets=budgets))
    door.plans = (replace(PLANS[0], cost=0), WITHOUT)
    assert [door.admit(key=KEY) for _ in range(3)] == [Admit(), Admit(), Admit()]
    assert isinstance(door.admit(), Park)
