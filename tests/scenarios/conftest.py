"""The deployed system, once for all tests that need it; and the control table for those that need no more."""

from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import pytest

from codereview.domain.rendering import publication
from local import aws
from local.processes import Processes, free_ports
from local.stack import LocalStack
from tests.adapters.dynamodb.control_table import create_control_table
from tests.scenarios.limited import LimitedWorld

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_numbers = count(1)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def local_aws_with_roles() -> Iterator[LocalStack]:
    """The same, where each function may do only what its role in the template allows."""
    with LocalStack(enforce_iam=True) as stack:
        yield stack


@pytest.fixture(scope="session")
def control_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    """An emulator for nothing but control tables."""
    folder = tmp_path_factory.mktemp("emulator")
    (port,) = free_ports(1)
    with Processes([folder / "tmp"]) as processes:
        yield aws.start(processes, folder=folder, port=port).client("dynamodb")


@pytest.fixture
def limited(control_server: "DynamoDBClient") -> LimitedWorld:
    """A world whose switches, limits and money lie in a control table of its own."""
    table = f"control-{next(_numbers)}"
    create_control_table(control_server, table)
    return LimitedWorld(client=control_server, table=table)


@pytest.fixture
def rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write each text once: that is a pure function, and takes two thirds of the time of thousands of like reviews."""
    monkeypatch.setattr("codereview.use_cases.publish_review.publication", cache(publication))
