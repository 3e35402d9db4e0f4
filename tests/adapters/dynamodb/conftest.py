"""The control table in the emulator, whose conditional writes are atomic."""

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from local import aws
from local.processes import Processes, free_ports
from tests.adapters.dynamodb.control_table import create_control_table

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
    create_control_table(dynamodb, name)
    return name


@pytest.fixture
def agenda(dynamodb: "DynamoDBClient", table: str) -> DynamoAgenda:
    return DynamoAgenda(dynamodb, table)


@pytest.fixture
def reviews(dynamodb: "DynamoDBClient", table: str) -> DynamoReviews:
    return DynamoReviews(dynamodb, table)
