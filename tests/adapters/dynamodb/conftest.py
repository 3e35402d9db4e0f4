"""The control table in the emulator, whose conditional writes are atomic."""

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from local import aws
from local.processes import Processes, free_ports

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_numbers = count(1)


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    folder = tmp_path_factory.mktemp("emulator")
    (port,) = free_ports(1)
    with Processes([folder / "tmp"]) as processes:
        yield aws.start(processes, folder=folder, port=port).client("dynamodb")


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> str:
    name = f"control-{next(_numbers)}"
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "due_shard", "AttributeType": "S"},
            {"AttributeName": "due_at", "AttributeType": "S"},
            {"AttributeName": "owner", "AttributeType": "S"},
            {"AttributeName": "sort", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due_shard", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": "owner",
                "KeySchema": [
                    {"AttributeName": "owner", "KeyType": "HASH"},
                    {"AttributeName": "sort", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def agenda(dynamodb: "DynamoDBClient", table: str) -> DynamoAgenda:
    return DynamoAgenda(dynamodb, table)


@pytest.fixture
def reviews(dynamodb: "DynamoDBClient", table: str) -> DynamoReviews:
    return DynamoReviews(dynamodb, table)
