"""Deploy a built template with `sam deploy`, and close the gaps that public AWS calls can close.

The emulator's CloudFormation leaves out three things without saying so: the routes of an HTTP API, which SAM
writes into an OpenAPI body, the reserved concurrency of functions, and what ends a table's items and brings them
back. And it keeps an event source mapping's numbers as the text that parameters are, over which its poller stumbles.
All are made up for after the deploy, with the calls that anybody could make on AWS.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import Aws
from local.build import run_sam
from local.processes import Processes

_ARTIFACTS = "deployment-artifacts"
_DEFAULT_INTEGRATION_MS = 30_000  # API Gateway's own default, and its limit
_INVOKED = re.compile(r"functions/(?P<function>[^/]+)/invocations$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployed stack."""

    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Physical ids by logical id."""


def deploy(
    processes: Processes, aws: Aws, built_template: Path, *, name: str, parameters: Mapping[str, str]
) -> Deployment:
    """Deploy and return what stands; raise `RuntimeError` with sam's output when it does not."""
    aws.client("s3").create_bucket(Bucket=_ARTIFACTS)
    overrides = [f"{key}={value}" for key, value in parameters.items()]
    run_sam(
        processes,
        "deploy",
        *("--template-file", str(built_template), "--stack-name", name, "--s3-bucket", _ARTIFACTS),
        *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
        *("--no-confirm-changeset", "--no-progressbar", "--no-fail-on-empty-changeset"),
        *(["--parameter-overrides", *overrides] if overrides else []),
        environment=aws.environment,
    )
    stacks: Any = aws.client("cloudformation")
    described = stacks.describe_stacks(StackName=name)["Stacks"][0]
    resources = {
        entry["LogicalResourceId"]: entry.get("PhysicalResourceId", "")
        for entry in stacks.describe_stack_resources(StackName=name)["StackResources"]
    }
    template: Any = stacks.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    _add_routes(aws.client("apigatewayv2"), template, resources)
    _reserve_concurrency(aws.client("lambda"), template, resources)
    _repair_mappings(aws.client("lambda"))
    _keep_tables(aws.client("dynamodb"), template, resources)
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in described.get("Outputs", [])}
    return Deployment(name=name, outputs=outputs, resources=resources)


def _add_routes(gateway: Any, template: Mapping[str, Any], resources: Mapping[str, str]) -> None:
    """Create the routes that each HTTP API's OpenAPI body names."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] != "AWS::ApiGatewayV2::Api":
            continue
        api_id = resources[logical_id]
        for path, operations in resource["Properties"].get("Body", {}).get("paths", {}).items():
            for verb, operation in operations.items():
                if "x-amazon-apigateway-integration" in operation:
                    _add_route(gateway, api_id, _route_key(verb, path), operation, resources)


def _route_key(verb: str, path: str) -> str:
    if path == "/$default":
        return "$default"
    return f"{'ANY' if verb == 'x-amazon-apigateway-any-method' else verb.upper()} {path}"


def _add_route(gateway: Any, api_id: str, key: str, operation: Mapping[str, Any], resources: Mapping[str, str]) -> None:
    integration = operation["x-amazon-apigateway-integration"]
    created = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=_function(integration["uri"], resources),
        PayloadFormatVersion=integration["payloadFormatVersion"],
        TimeoutInMillis=integration.get("timeoutInMillis", _DEFAULT_INTEGRATION_MS),
    )
    gateway.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{created['IntegrationId']}")


def _function(uri: Any, resources: Mapping[str, str]) -> str:
    """Return the ARN of the alias, or the name of the function, that SAM's `Fn::Sub` of an integration names."""
    text = uri["Fn::Sub"] if isinstance(uri, Mapping) else uri
    named = _INVOKED.search(text)
    if named is None:
        raise RuntimeError(f"no function in the integration {text}")
    logical_id = named["function"].removeprefix("${").removesuffix("}").removesuffix(".Arn")
    return resources.get(logical_id, logical_id)


def _reserve_concurrency(functions: Any, template: Mapping[str, Any], resources: Mapping[str, str]) -> None:
    """Set what the templates' functions reserve."""
    for logical_id, resource in template["Resources"].items():
        reserved = resource.get("Properties", {}).get("ReservedConcurrentExecutions")
        if resource["Type"] == "AWS::Lambda::Function" and reserved is not None:
            functions.put_function_concurrency(
                FunctionName=resources[logical_id], ReservedConcurrentExecutions=int(reserved)
            )


def _repair_mappings(functions: Any) -> None:
    """Set the numbers of every event source mapping as numbers."""
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        numbers = {
            name: int(mapping[name]) for name in ("BatchSize", "MaximumBatchingWindowInSeconds") if name in mapping
        }
        scaling = {name: int(value) for name, value in mapping.get("ScalingConfig", {}).items()}
        functions.update_event_source_mapping(UUID=mapping["UUID"], **numbers, ScalingConfig=scaling)


def _keep_tables(tables: Any, template: Mapping[str, Any], resources: Mapping[str, str]) -> None:
    """Set the time to live and the recovery of each table as the template has them."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] != "AWS::DynamoDB::Table":
            continue
        given, name = resource["Properties"], resources[logical_id]
        if "TimeToLiveSpecification" in given:
            tables.update_time_to_live(TableName=name, TimeToLiveSpecification=given["TimeToLiveSpecification"])
        if "PointInTimeRecoverySpecification" in given:
            tables.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification=given["PointInTimeRecoverySpecification"]
            )
