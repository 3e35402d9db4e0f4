"""What the emulator's CloudFormation leaves out is made up for after the deploy, by public calls."""

import json
from typing import Any

import httpx

from tests.infra.emulator.conftest import Tiny

INTEGRATION = {"type": "aws_proxy", "httpMethod": "POST", "uri": "any", "payloadFormatVersion": "2.0"}
GAPS = {
    "Parameters": {"Most": {"Type": "Number", "Default": "5"}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Function"},
                "ScalingConfig": {"MaximumConcurrency": {"Ref": "Most"}},
            },
        },
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Body": {
                    "openapi": "3.0.1",
                    "info": {"title": "gap", "version": "1"},
                    "paths": {"/echo": {"post": {"x-amazon-apigateway-integration": INTEGRATION}}},
                }
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handle",
                "Role": "arn:aws:iam::111122223333:role/any",
                "Code": {"ZipFile": "def handle(event, context): return 1"},
                "ReservedConcurrentExecutions": 7,
            },
        },
    },
}


def _deploy_gaps(stack: Tiny) -> dict[str, str]:
    stacks: Any = stack.client("cloudformation")
    stacks.create_stack(StackName="gaps", TemplateBody=json.dumps(GAPS))
    stacks.get_waiter("stack_create_complete").wait(StackName="gaps", WaiterConfig={"Delay": 1})
    described = stacks.describe_stack_resources(StackName="gaps")["StackResources"]
    return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in described}


def test_the_pinned_emulator_drops_routes_and_concurrency_and_keeps_numbers_as_text(bare: Tiny) -> None:
    made = _deploy_gaps(bare)
    assert bare.client("apigatewayv2").get_routes(ApiId=made["Api"])["Items"] == []
    concurrency = bare.client("lambda").get_function_concurrency(FunctionName=made["Function"])
    assert "ReservedConcurrentExecutions" not in concurrency
    # Read without the SDK, which turns the text into a number on its way.
    answer = httpx.get(f"{bare.aws.endpoint_url}/2015-03-31/event-source-mappings/{made['Mapping']}")
    assert answer.json()["ScalingConfig"] == {"MaximumConcurrency": "5"}


def test_every_route_of_the_template_leads_to_the_alias_of_its_function(tiny: Tiny) -> None:
    gateway = tiny.client("apigatewayv2")
    api_id = tiny.output("ApiId")
    routes = {route["RouteKey"]: route["Target"] for route in gateway.get_routes(ApiId=api_id)["Items"]}
    assert set(routes) == {"POST /echo", "ANY /any/{proxy+}"}
    for target in routes.values():
        integration = gateway.get_integration(ApiId=api_id, IntegrationId=target.removeprefix("integrations/"))
        assert integration["IntegrationUri"].endswith(f":function:{tiny.output('EchoFunctionName')}:live")


def test_what_a_function_reserves_is_set(tiny: Tiny) -> None:
    answer = tiny.client("lambda").get_function_concurrency(FunctionName=tiny.output("EchoFunctionName"))
    assert answer["ReservedConcurrentExecutions"] == 7
