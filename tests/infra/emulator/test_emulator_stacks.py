"""Stacks deploy with what CodeDeploy and DynamoDB have in them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import deployment
from tests.infra.emulator.conftest import Tiny

SHIFTED = {
    "Resources": {
        "Application": {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}},
        "Group": {
            "Type": "AWS::CodeDeploy::DeploymentGroup",
            "Properties": {"ApplicationName": {"Ref": "Application"}, "ServiceRoleArn": "arn:aws:iam::1:role/any"},
        },
    },
    "Outputs": {"Group": {"Value": {"Ref": "Group"}}},
}
TABLE = {
    "Resources": {
        "Kept": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        }
    }
}


def _deploy(stack: Tiny, name: str, template: dict[str, Any]) -> dict[str, str]:
    client: Any = stack.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    described = client.describe_stack_resources(StackName=name)["StackResources"]
    return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in described}


def test_the_pinned_emulator_refuses_a_template_that_shifts_traffic(bare: Tiny) -> None:
    with pytest.raises(ClientError, match=r"Unrecognized resource types.*AWS::CodeDeploy"):
        _deploy(bare, "shifted", SHIFTED)


def test_a_template_that_shifts_traffic_deploys_and_can_be_deleted(tiny: Tiny) -> None:
    assert _deploy(tiny, "shifted", SHIFTED)["Group"] == "shifted-Group"
    client: Any = tiny.client("cloudformation")
    client.delete_stack(StackName="shifted")
    client.get_waiter("stack_delete_complete").wait(StackName="shifted", WaiterConfig={"Delay": 1})


def _guards(stack: Tiny, table: str) -> tuple[str, str]:
    client: Any = stack.client("dynamodb")
    backups = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    expiry = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]
    return backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], expiry


def test_the_pinned_emulator_drops_what_ends_a_tables_items_and_what_brings_them_back(bare: Tiny) -> None:
    assert _guards(bare, _deploy(bare, "kept", TABLE)["Kept"]) == ("DISABLED", "DISABLED")


def test_a_tables_items_end_and_can_be_brought_back(tiny: Tiny) -> None:
    made = _deploy(tiny, "kept", TABLE)
    deployment._keep_tables(tiny.client("dynamodb"), TABLE, made)
    assert _guards(tiny, made["Kept"]) == ("ENABLED", "ENABLED")
