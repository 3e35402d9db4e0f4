"""The control table in the emulator, whose conditional writes are atomic."""

import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from local import aws
from local.processes import Processes, free_ports
from tests.adapters.dynamodb.control_table import create_control_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_TESTS = Path(__file__).parents[2]
_DYNALITE = _TESTS / "node_modules/dynalite/cli.js"
_numbers = count(1)


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    folder = tmp_path_factory.mktemp("emulator")
    (port,) = free_ports(1)
    with Processes([folder / "tmp"]) as processes:
        yield aws.start(processes, folder=folder, port=port).client("dynamodb")


@pytest.fixture(scope="session")
def dynalite() -> Iterator["DynamoDBClient"]:
    """Another hand's DynamoDB, which shares nothing with the emulator: a second opinion on its conditional writes."""
    if not _DYNALITE.exists():
        subprocess.run(["npm", "ci", "--prefix", str(_TESTS), "--no-audit", "--no-fund", "--silent"], check=True)
    (port,) = free_ports(1)
    command = ["node", str(_DYNALITE), "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "listening" in process.stdout.readline()
            yield aws.Aws(endpoint_url=f"http://127.0.0.1:{port}").client("dynamodb")
        finally:
            process.terminate()


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
