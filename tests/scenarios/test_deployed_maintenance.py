"""The maintenance function as `sam deploy` put it into the emulated AWS, with the rights of its own role."""

import json
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from codereview.cli.main import cli
from codereview.domain.review import tenant_of
from codereview.errors import RejectedError
from local.aws import ACCOUNT_ID
from local.demo import open_and_wait, sample_repository, wait_for_record
from local.stack import LocalStack

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]


def invoke(stack: LocalStack, action: str, **parameters: Any) -> dict[str, Any]:
    function = stack.deployment.outputs["MaintenanceFunctionName"]
    event = {"action": action, "parameters": parameters, "request_id": action}
    answer = stack.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, document
    return document


def test_a_night_an_export_and_a_deletion_with_the_rights_of_the_role(local_aws_with_roles: LocalStack) -> None:
    stack = local_aws_with_roles
    repository = stack.hub.add_repository(sample_repository(), owner="kept-in-shape", name="sample")
    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    rows = wait_for_record(stack.database.superuser_dsn, pull["check_runs"][0]["external_id"])
    night = invoke(stack, "nightly")
    assert set(night["result"].values()) == {"done"}, stack.logs("maintenance")
    objects = [each["Key"] for each in _objects(stack) if each["Key"].startswith("results/")]
    host, account = objects[-1].split("/")[1:3]
    tenant = tenant_of(host, int(account))
    exported = invoke(
        stack,
        "export",
        tenant=tenant,
        job="00000000-0000-0000-0000-000000000007",
        since="2000-01-01T00:00:00Z",
        until="2100-01-01T00:00:00Z",
    )
    assert exported["result"]["rows"] >= len(rows)
    assert any(each["Key"] == exported["result"]["key"] for each in _objects(stack))
    assert invoke(stack, "delete tenant", tenant=tenant)["result"]["is_finished"]
    assert not [each for each in _objects(stack) if f"/{host}/{account}/" in each["Key"]]


def test_an_operator_commands_the_deployed_function_and_is_named_in_the_audit_log(
    local_aws_with_roles: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = local_aws_with_roles
    for name, value in stack.aws.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MAINTENANCE_FUNCTION", stack.deployment.outputs["MaintenanceFunctionName"])
    shown = CliRunner().invoke(cli, ["database", "vacuum", "reviews"], catch_exceptions=False)
    assert shown.stdout == "Vacuumed reviews.\n"
    with psycopg.connect(stack.database.superuser_dsn) as connection:
        found = connection.execute("SELECT actor FROM audit_log WHERE action = 'database.vacuum'").fetchall()
    assert (f"operator:arn:aws:iam::{ACCOUNT_ID}:root",) in found
    assert "database.vacuum" in CliRunner().invoke(cli, ["audit", "list", "deployment"], catch_exceptions=False).stdout
    invoke(stack, "nightly")
    verified = CliRunner().invoke(cli, ["audit", "verify", "deployment"], catch_exceptions=False)
    assert verified.exit_code == 0, verified.stdout
    assert "whole" in verified.stdout
    assert "not anchored yet" not in verified.stdout
    with pytest.raises(RejectedError, match="not a table of the record"):
        CliRunner().invoke(cli, ["database", "vacuum", "pg_class"], catch_exceptions=False)


def _objects(stack: LocalStack) -> list[dict[str, Any]]:
    bucket = stack.deployment.outputs["ObjectsBucketName"]
    found: list[dict[str, Any]] = stack.aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return found
