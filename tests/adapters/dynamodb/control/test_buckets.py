"""Token buckets on DynamoDB: one request a decision, exact for one caller and for many."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict

from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.items import marshal
from codereview.domain.limits import Granted, Rate, Refused, Take, decide
from codereview.errors import RetryableError, ThrottledError
from tests.adapters.dynamodb.control.racers import PROCESSES, ROUNDS, Racers, is_exact, racing
from tests.adapters.dynamodb.control.samples import NOW
from tests.adapters.dynamodb.control_table import create_control_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MINUTE = timedelta(minutes=1)
TENANT = Take(name="tenant", rate=Rate(units=60, period=MINUTE, burst=10))
KEY = Take(name="key#k1", rate=Rate(units=60, period=MINUTE, burst=3))


@pytest.fixture
def requests(dynamodb: "DynamoDBClient") -> Iterator[list[object]]:
    sent: list[object] = []

    def count(**_: object) -> None:
        sent.append(None)

    dynamodb.meta.events.register("before-send.dynamodb", count)
    yield sent
    dynamodb.meta.events.unregister("before-send.dynamodb", count)


def test_a_take_is_one_request_and_a_refusal_within_a_second_is_none(
    dynamodb: "DynamoDBClient", table: str, requests: list[object]
) -> None:
    buckets = DynamoBuckets(dynamodb, table)
    for _ in range(3):
        assert isinstance(buckets.take("t", [TENANT, KEY], now=NOW), Granted)
    assert len(requests) == 3
    refused = buckets.take("t", [TENANT, KEY], now=NOW + timedelta(milliseconds=250))
    assert isinstance(refused, Refused)
    assert refused.retry_after == timedelta(milliseconds=750)
    assert len(requests) == 3
    assert [standing.remaining for standing in refused.standings] == [7, 0]
    assert isinstance(buckets.take("t", [TENANT, KEY], now=NOW + timedelta(seconds=1)), Granted)
    assert len(requests) == 4


def test_b82_one_keys_flood_is_refused_and_other_keys_are_not(dynamodb: "DynamoDBClient", table: str) -> None:
    buckets = DynamoBuckets(dynamodb, table)
    flood = [buckets.take("t", [TENANT, KEY], now=NOW) for _ in range(1000)]
    assert sum(isinstance(each, Granted) for each in flood) == 3
    other = Take(name="key#k2", rate=KEY.rate)
    assert isinstance(buckets.take("t", [TENANT, other], now=NOW), Granted)
    assert isinstance(buckets.take("other tenant", [TENANT, KEY], now=NOW), Granted)


def test_a_cold_process_is_told_in_two_requests_how_the_buckets_stand(
    dynamodb: "DynamoDBClient", table: str, requests: list[object]
) -> None:
    for _ in range(2):
        DynamoBuckets(dynamodb, table).take("t", [TENANT, KEY], now=NOW)
    requests.clear()
    assert isinstance(DynamoBuckets(dynamodb, table).take("t", [TENANT, KEY], now=NOW), Granted)
    assert len(requests) == 2
    assert isinstance(DynamoBuckets(dynamodb, table).take("t", [TENANT, KEY], now=NOW), Refused)


def test_f61_an_item_that_has_expired_and_is_still_there_counts_as_full(dynamodb: "DynamoDBClient", table: str) -> None:
    old = {"pk": "limit#t", "b#tenant": 1, "b#key#k1": 1, "expires_at": 1}
    dynamodb.put_item(TableName=table, Item=marshal(old))
    buckets = DynamoBuckets(dynamodb, table)
    taken = [isinstance(buckets.take("t", [TENANT, KEY], now=NOW), Granted) for _ in range(5)]
    assert taken == [True, True, True, False, False]


def test_an_item_outlives_the_longest_time_in_it(dynamodb: "DynamoDBClient", table: str) -> None:
    DynamoBuckets(dynamodb, table).take("t", [TENANT], now=NOW)
    item = dynamodb.get_item(TableName=table, Key=marshal({"pk": "limit#t"}))["Item"]
    assert int(item["expires_at"]["N"]) >= (NOW + timedelta(days=30)).timestamp()


def names_in(dynamodb: "DynamoDBClient", table: str) -> set[str]:
    item = dynamodb.get_item(TableName=table, Key=marshal({"pk": "limit#t"}), ConsistentRead=True)["Item"]
    return {name.removeprefix("b#") for name in item if name.startswith("b#")}


def test_an_item_stays_small_however_many_keys_a_tenant_ever_had(
    dynamodb: "DynamoDBClient", table: str, requests: list[object]
) -> None:
    """A thousand keys were used when nobody looked, 250 more are used since, four by each process."""
    hour_ago = int((NOW - timedelta(hours=1)).timestamp()) * 1_000_000
    old = {f"b#key#{number:022}": hour_ago for number in range(1_000)}
    dynamodb.put_item(TableName=table, Item=marshal({"pk": "limit#t", **old}))
    requests.clear()
    for number in range(250):
        if number % 4 == 0:
            buckets = DynamoBuckets(dynamodb, table)
        key = Take(name=f"key#{number}", rate=KEY.rate)
        assert isinstance(buckets.take("t", [TENANT, key], now=NOW + timedelta(seconds=5 * number)), Granted)
    assert len(requests) == 250
    assert len(names_in(dynamodb, table)) <= 20


def test_f61_a_bucket_that_is_busy_again_is_not_removed(
    dynamodb: "DynamoDBClient", table: str, requests: list[object]
) -> None:
    """One process has seen it pass; by that process's next take another has taken from it."""
    seeing, taking = DynamoBuckets(dynamodb, table), DynamoBuckets(dynamodb, table)
    seeing.take("t", [KEY], now=NOW)
    later = NOW + timedelta(minutes=10)
    taken = [isinstance(taking.take("t", [KEY], now=later), Granted) for _ in range(4)]
    assert taken == [True, True, True, False]
    requests.clear()
    assert isinstance(seeing.take("t", [TENANT], now=later), Granted)
    assert len(requests) == 2
    assert isinstance(seeing.take("t", [TENANT, KEY], now=later), Refused)


def test_f61_a_bucket_that_another_process_has_removed_holds_nobody_up(
    dynamodb: "DynamoDBClient", table: str, requests: list[object]
) -> None:
    processes = [DynamoBuckets(dynamodb, table) for _ in range(3)]
    for process in processes:
        process.take("t", [TENANT, KEY], now=NOW)
    requests.clear()
    for number, process in enumerate(processes):
        later = NOW + timedelta(minutes=10 + number)
        assert isinstance(process.take("t", [TENANT], now=later), Granted)
        assert names_in(dynamodb, table) == {"tenant"}
    assert len(requests) == 6, "a write each, and a look of this test"


@pytest.mark.parametrize("seed", range(5))
def test_a_sequence_of_any_takes_is_decided_as_the_model_decides(
    dynamodb: "DynamoDBClient", table: str, seed: int
) -> None:
    """Three processes with memories of their own, clocks that go back, costs that never fit."""
    dice = random.Random(seed)
    processes = [DynamoBuckets(dynamodb, table) for _ in range(3)]
    tats, now = dict[str, int](), NOW
    for _ in range(60):
        now += timedelta(milliseconds=dice.randint(-300, 3000))
        key = Take(name=dice.choice(["key#1", "key#2"]), rate=KEY.rate, cost=dice.choice([1, 1, 2, 3, 4]))
        takes = [TENANT, key]
        moment = int(now.timestamp()) * 1_000_000 + now.microsecond
        expected = decide(takes, tats, now=moment)
        decision = dice.choice(processes).take("t", takes, now=now)
        assert type(decision) is type(expected)
        if isinstance(expected, Granted):
            assert decision == expected, "granted as the model grants it"
            for standing in expected.standings:
                tats[standing.name] = moment + standing.reset // timedelta(microseconds=1)
        elif isinstance(decision, Refused) and decision.retry_after is not None:
            # A refusal from memory cannot know what other processes took in the last second.
            assert expected.retry_after is not None
            assert decision.retry_after <= expected.retry_after


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ProvisionedThroughputExceededException", ThrottledError), ("InternalServerError", RetryableError)],
)
def test_f59_a_table_that_cannot_answer_lets_nothing_in(
    dynamodb: "DynamoDBClient", table: str, code: str, expected: type[Exception]
) -> None:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 500}}

    headers: Any = HeadersDict()

    def fail(**_: Any) -> Any:
        return AWSResponse("", 500, headers, None), answer

    hooks: Any = dynamodb.meta.events
    hooks.register("before-call.dynamodb.UpdateItem", fail)
    try:
        with pytest.raises(expected):
            DynamoBuckets(dynamodb, table).take("t", [TENANT], now=NOW)
    finally:
        hooks.unregister("before-call.dynamodb.UpdateItem", fail)


@pytest.fixture(params=["dynamodb", "dynalite"])
def racers(request: pytest.FixtureRequest, table: str) -> Iterator[Racers]:
    """Race on the emulator and, for a second opinion, on dynalite; a decision depends on no more than both have."""
    client: DynamoDBClient = request.getfixturevalue(request.param)
    if request.param == "dynalite":
        create_control_table(client, table)
        while client.describe_table(TableName=table)["Table"]["TableStatus"] != "ACTIVE":
            pass
    with racing(client.meta.endpoint_url, table) as racers:
        yield racers


def test_f61_thirty_rounds_of_sixteen_clients_in_four_processes_are_exact(racers: Racers) -> None:
    assert [number for number in range(ROUNDS) if not is_exact(racers, number)] == []


def test_f61_a_hundred_takers_of_the_last_ten_get_ten(racers: Racers) -> None:
    spec = {"owner": "t", "cost": 1, "attempts": 7, "takes": [["tenant", 60, 10]], "now": NOW.isoformat()}
    told = racers.play([spec] * PROCESSES)
    assert sum(each["decided"] for each in told) == 112
    assert sum(each["taken"] for each in told) == 10
    assert {wait for each in told for wait in each["waits"]} == {1_000_000.0}
