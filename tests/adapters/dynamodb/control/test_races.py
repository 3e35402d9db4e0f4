"""Sixteen clients in four processes that change the same thing at once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.settings import DynamoFlags
from codereview.domain.review import tenant_of
from tests.adapters.dynamodb.control.racers import PROCESSES, THREADS, Racers, racing
from tests.adapters.dynamodb.control.samples import entry, member, waiting

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def racers(dynamodb: "DynamoDBClient", table: str) -> Iterator[Racers]:
    with racing(dynamodb.meta.endpoint_url, table) as racers:
        yield racers


def test_no_change_is_lost_and_each_has_exactly_one_audit_entry(
    dynamodb: "DynamoDBClient", table: str, racers: Racers
) -> None:
    told = racers.play([{"game": "flags", "owner": "github.com:1", "attempts": 6}] * PROCESSES)
    done = sum(each["done"] for each in told)
    assert done + sum(each["stale"] for each in told) == PROCESSES * THREADS * 6
    assert done >= 6
    assert DynamoFlags(dynamodb, table).load(tenant_of("github.com", 1)).version == done
    assert waiting(dynamodb, table) == ["race"] * done


def test_b66_of_sixteen_admins_who_leave_at_once_one_cannot(
    dynamodb: "DynamoDBClient", table: str, racers: Racers
) -> None:
    people = DynamoPeople(dynamodb, table)
    for number in range(5):
        tenant = tenant_of("github.com", number + 1)
        for process in range(PROCESSES):
            for thread in range(THREADS):
                people.save(member(process * 100 + thread + 1, tenant=tenant), audit=entry())
        told = racers.play([{"game": "leave", "owner": tenant, "process": n} for n in range(PROCESSES)])
        assert sum(each["left"] for each in told) == PROCESSES * THREADS - 1
        assert len(people.page(tenant, limit=100).items) == 1
