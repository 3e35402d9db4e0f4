"""A release after the other on the deployed system, and the way back."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.demo import open_and_wait, sample_repository
from local.stack import STACK_NAME, LocalStack
from tests.scenarios.commands import run, said

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

REVIEWER = f"{STACK_NAME}-reviewer"


def live(stack: LocalStack) -> str:
    return str(stack.aws.client("lambda").get_alias(FunctionName=REVIEWER, Name="live")["FunctionVersion"])


@pytest.fixture
def client(local_aws: LocalStack) -> Iterator[Any]:
    """Lambda, whose reviewer is as before afterwards."""
    client: Any = local_aws.aws.client("lambda")
    version = live(local_aws)
    timeout = client.get_function_configuration(FunctionName=REVIEWER)["Timeout"]
    yield client
    configure(client, timeout)
    client.update_alias(FunctionName=REVIEWER, Name="live", FunctionVersion=version)


def configure(client: Any, timeout: int) -> None:
    client.update_function_configuration(FunctionName=REVIEWER, Timeout=timeout)
    client.get_waiter("function_updated_v2").wait(FunctionName=REVIEWER, WaiterConfig={"Delay": 1})


def test_a_bad_release_is_led_back_and_reviews_come_again(local_aws: LocalStack, client: Any) -> None:
    first = said(local_aws, "releases", "record")
    configure(client, 1)  # a release in which no review ends in time
    version = client.publish_version(FunctionName=REVIEWER)["Version"]
    client.update_alias(FunctionName=REVIEWER, Name="live", FunctionVersion=version)
    second = said(local_aws, "releases", "record")
    assert (second["number"], second["versions"][REVIEWER]) == (first["number"] + 1, version)
    assert said(local_aws, "releases", "record") == second
    plan = said(local_aws, "releases", "rollback", "--dry-run")
    move = {"function": REVIEWER, "before": version, "after": first["versions"][REVIEWER]}
    assert plan == {"release": first["number"], "is_made": False, "moves": [move]}
    assert live(local_aws) == version
    asks = run(local_aws, "releases", "rollback")
    assert (asks.returncode, "--yes" in asks.stderr, live(local_aws)) == (2, True, version)
    said(local_aws, "releases", "rollback", "--yes")
    assert live(local_aws) == first["versions"][REVIEWER]
    listed = said(local_aws, "releases", "list")["items"]
    assert [entry["number"] for entry in listed if entry["is_live"]] == [first["number"]]
    repository = local_aws.hub.add_repository(sample_repository(), owner="acme", name="rolled-back")
    assert open_and_wait(local_aws.hub, repository, base="main", head="change")["reviews"]


def test_a_release_that_is_not_there_is_refused_in_one_line(local_aws: LocalStack) -> None:
    refused = run(local_aws, "releases", "rollback", "--to", "99", "--yes")
    assert (refused.returncode, refused.stderr.count("\n"), "no release 99" in refused.stderr) == (1, 1, True)
