"""By which right each of Lambda's calls is decided, where rights are enforced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import pytest
from botocore.exceptions import ClientError

from local import aws
from local.processes import Processes, free_ports

CALLS: dict[str, Callable[[Any], Any]] = {
    "GetAlias": lambda client: client.get_alias(FunctionName="f", Name="live"),
    "UpdateAlias": lambda client: client.update_alias(FunctionName="f", Name="live", FunctionVersion="1"),
    "UpdateEventSourceMapping": lambda client: client.update_event_source_mapping(UUID=str(UUID(int=1)), Enabled=False),
    "GetAccountSettings": lambda client: client.get_account_settings(),
    "InvokeFunction": lambda client: client.invoke(FunctionName="f:live"),
    "GetFunctionConfiguration": lambda client: client.get_function_configuration(FunctionName="f", Qualifier="live"),
    "PublishVersion": lambda client: client.publish_version(FunctionName="f"),
    "ListFunctions": lambda client: client.list_functions(),
}


def refusals(processes: Processes, folder: Path, *without: str) -> dict[str, str]:
    """Return what somebody without any rights hears of each call."""
    running = aws.start(processes, folder=folder, port=free_ports(1)[0], enforce_iam=True, without=without)
    iam: Any = running.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=aws.REGION)
    client = session.client("lambda", endpoint_url=running.endpoint_url)
    return {name: _said(client, call) for name, call in CALLS.items()}


def _said(client: Any, call: Callable[[Any], Any]) -> str:
    try:
        call(client)
    except ClientError as error:
        return str(error)
    return "allowed"


@pytest.fixture(scope="module")
def heard(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return refusals(processes, tmp_path_factory.mktemp("named"))


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_decided_by_the_right_of_its_name(heard: dict[str, str], name: str) -> None:
    assert f"not authorized to perform: lambda:{name}" in heard[name]


def test_the_emulator_alone_leaves_some_undecided_and_takes_one_for_another(
    processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    heard = refusals(processes, tmp_path_factory.mktemp("unnamed"), "lambda_rights")
    assert "lambda:ListAliases" in heard["UpdateAlias"]
    assert "not authorized" not in heard["UpdateEventSourceMapping"]
    assert heard["GetAccountSettings"] == "allowed"
