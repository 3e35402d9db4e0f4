"""The HTTP API, the control table and the bucket."""

import json
import re

from tests.infra.template.deployed import Stack

GITHUB_GIVES_UP_MS = 10_000
API_GATEWAY_GIVES_UP_S = 30
VERBS = {"x-amazon-apigateway-any-method": "ANY"}


def test_the_webhook_route_has_room_of_its_own(any_system: Stack) -> None:
    stage = any_system.properties("HttpApiApiGatewayDefaultStage")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50
    assert stage["RouteSettings"]["POST /webhooks/github"]["ThrottlingRateLimit"] == 1000


def test_every_throttled_route_exists(any_system: Stack) -> None:
    paths = any_system.properties("HttpApi")["Body"]["paths"]
    routes = {f"{VERBS.get(verb, verb.upper())} {path}" for path, verbs in paths.items() for verb in verbs}
    assert set(any_system.properties("HttpApiApiGatewayDefaultStage")["RouteSettings"]) <= routes
    record = "GET /v1/tenants/{tenant}/record/{proxy+}"
    assert routes == {"POST /webhooks/github", "ANY /v1/{proxy+}", "GET /status", record}


def test_github_and_people_come_in_by_routes_of_their_own(any_system: Stack) -> None:
    served = {}
    for path, verbs in any_system.properties("HttpApi")["Body"]["paths"].items():
        for operation in verbs.values():
            served[path] = operation["x-amazon-apigateway-integration"]["uri"]
    assert {path for path, uri in served.items() if "WebhookFunction" in uri} == {"/webhooks/github"}
    assert {path for path, uri in served.items() if "ApiFunction" in uri} == {"/v1/{proxy+}", "/status"}
    record = {path for path, uri in served.items() if "ReportsFunction" in uri}
    assert record == {"/v1/tenants/{tenant}/record/{proxy+}"}
    assert not any_system.of_type("AWS::Lambda::Url")
    cors = any_system.properties("HttpApi").get("CorsConfiguration")
    assert cors is None


def test_the_api_answers_before_api_gateway_gives_up(any_system: Stack) -> None:
    assert any_system.properties("ApiFunction")["Timeout"] < API_GATEWAY_GIVES_UP_S


def test_the_webhook_answers_before_github_gives_up(any_system: Stack) -> None:
    function = any_system.properties("WebhookFunction")["Timeout"] * 1000
    operation = any_system.properties("HttpApi")["Body"]["paths"]["/webhooks/github"]["post"]
    integration = operation["x-amazon-apigateway-integration"]
    assert function < integration["timeoutInMillis"] < GITHUB_GIVES_UP_MS
    assert integration["payloadFormatVersion"] == "2.0"


def test_every_request_leaves_a_line_of_json_without_query_or_headers(any_system: Stack) -> None:
    text = any_system.properties("HttpApiApiGatewayDefaultStage")["AccessLogSettings"]["Format"]
    line = json.loads(text)
    assert {"requestId", "routeKey", "status", "integrationLatency"} <= set(line)
    assert not re.findall(r"\$context\.(?:\w+\.)*(?:path\b|header|querystring|authorizer)", text)


def test_the_control_table_has_one_key_an_index_of_what_is_due_and_one_of_lists(any_system: Stack) -> None:
    table = any_system.properties("ControlTable")
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    keys = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table["GlobalSecondaryIndexes"]
    }
    assert keys == {"due": ["due_shard", "due_at"], "owner": ["owner", "sort"]}
    assert [index["Projection"] for index in table["GlobalSecondaryIndexes"]] == [{"ProjectionType": "KEYS_ONLY"}] * 2
    assert {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]} == {
        "pk": "S",
        "due_shard": "S",
        "due_at": "S",
        "owner": "S",
        "sort": "S",
    }


def test_the_control_table_costs_nothing_idle_and_can_be_taken_back(any_system: Stack) -> None:
    table = any_system.properties("ControlTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_bucket_is_private_encrypted_and_keeps_what_was_overwritten_for_a_week(any_system: Stack) -> None:
    bucket = any_system.properties("ObjectsBucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["leftovers"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert rules["leftovers"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_answers_and_exports_end_and_results_stay(any_system: Stack) -> None:
    rules = any_system.properties("ObjectsBucket")["LifecycleConfiguration"]["Rules"]
    ending = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert ending == {"answers/": 30, "exports/": 7}


def test_stores_stay_when_the_stack_goes(any_system: Stack) -> None:
    for name in ("ControlTable", "ObjectsBucket"):
        resource = any_system.resources[name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
