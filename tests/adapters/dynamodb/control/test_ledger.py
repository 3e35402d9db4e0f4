"""Budgets on DynamoDB: reserved before it is spent, counted once, given back, and never promised twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from codereview.adapters.dynamodb.control.ledger import DynamoBudgetLedger
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.domain.control.budgets import Ceiling, Reservation, Shortage, Spender
from codereview.domain.control.quotas import Budgets
from codereview.domain.review import ReviewKey, tenant_of
from codereview.errors import PermanentError
from tests.adapters.dynamodb.control.racers import PROCESSES, Racers, racing
from tests.adapters.dynamodb.control.samples import MINE, NOW, THEIRS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEY = ReviewKey(tenant=MINE, repository_id=2, number=3, head_sha="a" * 40)
REVIEW = Spender(key=KEY, month="2026-03")
OTHER_HEAD = Spender(key=replace(KEY, head_sha="b" * 40), month="2026-03")
LIMITED = Budgets(tenant_month=100)
UNTIL = NOW + timedelta(hours=1)


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient", table: str) -> DynamoBudgetLedger:
    return DynamoBudgetLedger(dynamodb, table)


def reserved(ledger: DynamoBudgetLedger, amount: int, *, spender: Spender = REVIEW) -> Reservation:
    got = ledger.reserve(spender, LIMITED, amount=amount, until=UNTIL)
    assert isinstance(got, Reservation)
    return got


def left(ledger: DynamoBudgetLedger, *, spender: Spender = OTHER_HEAD, budgets: Budgets = LIMITED) -> int | None:
    return ledger.room(spender, budgets).least


def test_what_is_reserved_is_nobody_elses_and_what_was_not_spent_comes_back(ledger: DynamoBudgetLedger) -> None:
    held = reserved(ledger, 60)
    assert left(ledger) == 40
    assert left(ledger, spender=REVIEW) == 100
    held = ledger.spend(held, call="correctness/1", amount=25)
    assert (held.left, held.spent) == (35, 25)
    assert left(ledger) == 40
    ledger.settle(held)
    ledger.settle(held)
    assert left(ledger) == 75


def test_a_retry_of_a_call_is_counted_and_the_same_call_is_not_counted_twice(ledger: DynamoBudgetLedger) -> None:
    held = reserved(ledger, 60)
    for call in ("security/1", "security/2", "security/2"):
        held = ledger.spend(held, call=call, amount=10)
    assert held.spent == 20


def test_more_than_was_reserved_is_counted_all_the_same(ledger: DynamoBudgetLedger) -> None:
    held = ledger.spend(reserved(ledger, 90), call="security/1", amount=120)
    assert (held.left, held.spent) == (0, 120)
    assert left(ledger) == 0
    assert isinstance(ledger.reserve(OTHER_HEAD, LIMITED, amount=1, until=UNTIL), Shortage)


@pytest.mark.parametrize(
    ("budgets", "ceiling"),
    [
        (Budgets(tenant_month=99), Ceiling.TENANT_MONTH),
        (Budgets(repository_month=99), Ceiling.REPOSITORY_MONTH),
        (Budgets(pull_request=99), Ceiling.PULL_REQUEST),
        (Budgets(review=99), Ceiling.REVIEW),
        (Budgets(tenant_month=1000, review=0), Ceiling.REVIEW),
    ],
)
def test_every_ceiling_holds_by_itself_and_is_named(
    ledger: DynamoBudgetLedger, budgets: Budgets, ceiling: Ceiling
) -> None:
    assert ledger.reserve(REVIEW, budgets, amount=100, until=UNTIL) == Shortage(ceiling=ceiling)
    assert ledger.room(REVIEW, Budgets(tenant_month=7)).least == 7


def test_without_a_ceiling_there_is_no_end(ledger: DynamoBudgetLedger) -> None:
    assert ledger.room(REVIEW, Budgets()).least is None
    assert isinstance(ledger.reserve(REVIEW, Budgets(), amount=10**12, until=UNTIL), Reservation)


def test_accounts_are_of_a_tenant_a_month_a_repository_and_a_pull_request(ledger: DynamoBudgetLedger) -> None:
    reserved(ledger, 60)
    every = Budgets(tenant_month=100, repository_month=100, pull_request=100, review=100)
    rooms = {
        "another tenant": ledger.room(replace(REVIEW, key=replace(KEY, tenant=THEIRS)), every),
        "another month": ledger.room(replace(OTHER_HEAD, month="2026-04"), every),
        "another repository": ledger.room(replace(REVIEW, key=replace(KEY, repository_id=9)), every),
        "another pull request": ledger.room(replace(REVIEW, key=replace(KEY, number=9)), every),
        "another head": ledger.room(OTHER_HEAD, every),
    }
    assert {name: list(room.left.values()) for name, room in rooms.items()} == {
        "another tenant": [100, 100, 100, 100],
        "another month": [100, 100, 40, 100],
        "another repository": [40, 100, 100, 100],
        "another pull request": [40, 40, 100, 100],
        "another head": [40, 40, 40, 100],
    }


def test_f60_a_worker_that_died_after_reserving_is_taken_over_by_the_retry(ledger: DynamoBudgetLedger) -> None:
    ledger.spend(reserved(ledger, 60), call="correctness/1", amount=20)
    again = reserved(ledger, 30)  # what is still missing costs less
    assert (again.left, again.spent) == (30, 20)
    assert left(ledger) == 50
    assert reserved(ledger, 30) == again
    assert left(ledger) == 50


def test_f60_a_reservation_that_nobody_settles_expires_and_no_earlier(ledger: DynamoBudgetLedger) -> None:
    ledger.spend(reserved(ledger, 60), call="correctness/1", amount=20)
    assert ledger.expire(now=UNTIL - timedelta(milliseconds=1), limit=100) == 0
    assert left(ledger) == 40
    assert ledger.expire(now=UNTIL, limit=100) == 1
    assert left(ledger) == 80
    assert ledger.expire(now=UNTIL, limit=100) == 0


def test_a_worker_that_was_thought_dead_is_counted_after_its_reservation_expired(ledger: DynamoBudgetLedger) -> None:
    held = reserved(ledger, 60)
    ledger.expire(now=UNTIL, limit=100)
    held = ledger.spend(held, call="correctness/1", amount=20)
    ledger.settle(held)
    assert left(ledger) == 80


def test_a_review_that_waited_over_the_end_of_the_month_goes_on_the_new_months_account(
    ledger: DynamoBudgetLedger,
) -> None:
    ledger.settle(ledger.spend(reserved(ledger, 90), call="correctness/1", amount=90))
    april = replace(REVIEW, month="2026-04")
    assert isinstance(ledger.reserve(REVIEW, LIMITED, amount=20, until=UNTIL), Shortage)
    assert isinstance(ledger.reserve(april, LIMITED, amount=20, until=UNTIL), Reservation)
    assert left(ledger, spender=replace(OTHER_HEAD, month="2026-04")) == 80
    # While money is set aside it stays where it is.
    assert reserved(ledger, 30).spender.month == "2026-04"


def test_reservations_are_no_work_for_the_reconcilers_agenda(ledger: DynamoBudgetLedger, agenda: DynamoAgenda) -> None:
    reserved(ledger, 60)
    assert agenda.due(now=UNTIL, limit=100, most_of_a_tenant=100) == []


def test_nobody_reserves_or_spends_less_than_nothing(ledger: DynamoBudgetLedger) -> None:
    held = reserved(ledger, 0)
    with pytest.raises(PermanentError):
        ledger.reserve(REVIEW, LIMITED, amount=-1, until=UNTIL)
    with pytest.raises(PermanentError):
        ledger.spend(held, call="x", amount=-1)


@pytest.fixture
def racers(dynamodb: "DynamoDBClient", table: str) -> Iterator[Racers]:
    with racing(dynamodb.meta.endpoint_url, table) as racers:
        yield racers


def test_sixteen_clients_in_four_processes_never_promise_a_dollar_twice_and_promise_the_last(
    racers: Racers, ledger: DynamoBudgetLedger
) -> None:
    """Budgets around what is asked for: 16 clients hold 20 each and spend 14 each of 2 settled reviews, at the most."""
    for number, budget in enumerate((5, 95, 200, 333, 1000)):
        spec = {
            "game": "reserve",
            "owner": f"github.com:{number}",
            "budget": budget,
            "attempts": 4,
            "now": NOW.isoformat(),
        }
        told = racers.play([spec | {"process": process} for process in range(PROCESSES)])
        held, spent = sum(each["held"] for each in told), sum(each["spent"] for each in told)
        spender = replace(REVIEW, key=replace(KEY, tenant=tenant_of("github.com", number), number=999))
        assert left(ledger, spender=spender, budgets=Budgets(tenant_month=budget)) == budget - held - spent
        assert held + spent <= budget
        if budget == 1000:
            assert (held, spent) == (320, 224)
        else:
            # Whoever was refused saw less than 10 left; what others gave back since was 3 at most for each client.
            assert budget - held - spent < 10 + 3 * 16
    expired = 0
    while batch := ledger.expire(now=NOW, limit=100):
        expired += batch
    assert expired > 0
