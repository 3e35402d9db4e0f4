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
from local.checkout import child_environment
from local.processes import LOOPBACK, Processes, free_ports, wait_until
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
def dynalite(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    """Another hand's DynamoDB, which shares nothing with the emulator: a second opinion on its conditional writes."""
    if not _DYNALITE.exists():
        subprocess.run(["npm", "ci", "--prefix", str(_TESTS), "--no-audit", "--no-fund", "--silent"], check=True)
    folder, (port,) = tmp_path_factory.mktemp("dynalite"), free_ports(1)
    log = folder / "log"
    command = ["node", str(_DYNALITE), "--host", LOOPBACK, "--port", str(port), "--createTableMs", "0"]
    with Processes([]) as processes:
        child = processes.start(command, environment=child_environment({}), folder=folder, log=log)
        wait_until(lambda: "listening" in log.read_text(), child=child, name="dynalite", log=log)
        yield aws.Aws(endpoint_url=f"http://{LOOPBACK}:{port}").client("dynamodb")


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
