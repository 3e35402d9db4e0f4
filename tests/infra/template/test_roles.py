"""Least privilege: one role a function, and every wildcard on a list with its reason."""

from typing import Any

from tests.infra.template.deployed import Stack, as_list, target

# By role and statement: the resource with the wildcard, and why AWS or the design allows nothing narrower.
WILDCARDS = {
    ("*", "Trace", "*"): "X-Ray knows no resources for these two actions",
    ("ApiRole", "WatchMetrics", "*"): "CloudWatch knows no resources for reading metrics",
    ("*", "SeeNetwork", "*"): "EC2 knows no resources for actions that describe",
    ("*", "JoinNetwork", "arn:aws:ec2:us-east-1:111122223333:*/*"): (
        "Lambda makes the interfaces under ids that exist only then, and asks for all kinds of resources"
    ),
    ("ReviewerRole", "KeepAnswersAndResults", "${ObjectsBucket.Arn}/answers/*"): "one object for each answer",
    ("ReviewerRole", "KeepAnswersAndResults", "${ObjectsBucket.Arn}/results/*"): "one object for each review",
    ("ApiRole", "HandOutExports", "${ObjectsBucket.Arn}/exports/*"): "one object for each export",
    ("MaintenanceRole", "KeepArchivesAndExports", "${ObjectsBucket.Arn}/anchors/*"): "one for each chain and day",
    ("MaintenanceRole", "KeepArchivesAndExports", "${ObjectsBucket.Arn}/archives/*"): "one for each tenant and month",
    ("MaintenanceRole", "KeepArchivesAndExports", "${ObjectsBucket.Arn}/exports/*"): "one object for each export",
    **{
        ("MaintenanceRole", "DeleteWhatIsOver", f"${{ObjectsBucket.Arn}}/{kind}/*"): "all of a tenant's that is deleted"
        for kind in ("anchors", "answers", "archives", "exports", "results")
    },
    ("RecorderRole", "ReadResults", "${ObjectsBucket.Arn}/results/*"): "one object for each review",
    ("ReviewerRole", "AskModelByProfile", "arn:aws:bedrock:*::foundation-model/*"): (
        "a profile picks region and model by itself; the condition allows only what comes through ours"
    ),
}
CONDITIONS = {
    ("ApiRole", "FindExports"): {"StringLike": {"s3:prefix": "exports/*"}},
    ("ReviewerRole", "AskModelByProfile"): {
        "StringEquals": {
            "bedrock:InferenceProfileArn": [
                "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.vendor.model-1:0",
                "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.vendor.small-1:0",
            ]
        }
    },
}
SERVICES = {"DeploymentRole": "codedeploy.amazonaws.com"}
WEBHOOK_MAY = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "secretsmanager:GetSecretValue"}
TRACING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def _roles(stack: Stack) -> dict[str, str]:
    """Return each function's role."""
    return {name: target(function["Role"]) for name, function in stack.of_type("AWS::Lambda::Function").items()}


def _allowed(stack: Stack, role: str) -> list[dict[str, Any]]:
    return [statement for statement in stack.statements(role) if statement["Effect"] == "Allow"]


def test_every_function_has_a_role_of_its_own_and_no_role_is_left_over(any_system: Stack) -> None:
    roles = _roles(any_system)
    assert sorted(roles.values()) == sorted(set(any_system.of_type("AWS::IAM::Role")) - {"DeploymentRole"})
    assert roles == {name: name.replace("Function", "Role") for name in roles}


def test_only_its_own_service_takes_a_role_and_nobody_else_wrote_its_policies(any_system: Stack) -> None:
    for name, role in any_system.of_type("AWS::IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust == {
            "Effect": "Allow",
            "Principal": {"Service": SERVICES.get(name, "lambda.amazonaws.com")},
            "Action": "sts:AssumeRole",
        }
        assert "ManagedPolicyArns" not in role


def test_no_statement_allows_a_wildcard_in_its_actions(any_system: Stack) -> None:
    for role in _roles(any_system).values():
        for statement in _allowed(any_system, role):
            assert statement["Action"]
            assert not [action for action in statement["Action"] if "*" in action], (role, statement["Sid"])
            assert not {"NotAction", "NotResource"} & set(statement)


def test_every_wildcard_in_a_resource_is_on_the_list_and_the_list_has_no_other(system: Stack) -> None:
    found = set()
    for role in _roles(system).values():
        for statement in _allowed(system, role):
            for resource in statement["Resource"]:
                if isinstance(resource, str) and "*" in resource:
                    entry = (role, statement["Sid"], resource)
                    found.add(entry if entry in WILDCARDS else ("*", *entry[1:]))
    assert found == set(WILDCARDS)


def test_what_is_allowed_under_a_condition_is_allowed_under_this_one(system: Stack) -> None:
    found = {
        (role, statement["Sid"]): statement["Condition"]
        for role in _roles(system).values()
        for statement in _allowed(system, role)
        if "Condition" in statement
    }
    assert found == CONDITIONS


def test_the_webhook_may_send_to_its_queue_and_read_its_secret(any_system: Stack) -> None:
    statements = {statement["Sid"]: statement for statement in _allowed(any_system, "WebhookRole")}
    assert {action for each in statements.values() for action in each["Action"]} == WEBHOOK_MAY | TRACING
    assert [target(each) for each in statements["QueueReviews"]["Resource"]] == ["ReviewQueue"]
    assert [target(each) for each in statements["VerifySignatures"]["Resource"]] == ["WebhookSecret"]


def test_every_role_writes_to_the_log_of_its_function_only(any_system: Stack) -> None:
    for function, role in _roles(any_system).items():
        groups = [
            target(resource)
            for statement in _allowed(any_system, role)
            if any(action.startswith("logs:") for action in statement["Action"])
            for resource in statement["Resource"]
        ]
        own = any_system.properties(function)["LoggingConfig"]["LogGroup"]
        assert groups == [target(own)]


def test_the_analyzer_may_only_log(any_system: Stack) -> None:
    allowed = {
        statement["Sid"]: set(statement["Action"])
        for statement in _allowed(any_system, "AnalyzerRole")
        if statement["Sid"] not in {"SeeNetwork", "JoinNetwork"}
    }
    assert allowed == {"Log": {"logs:CreateLogStream", "logs:PutLogEvents"}}


def test_no_code_in_the_network_may_use_what_lambda_needs_to_join_it(system: Stack) -> None:
    for role in ("AnalyzerRole", "RecorderRole", "MigrationsRole", "MaintenanceRole", "ReportsRole"):
        (denial,) = [statement for statement in system.statements(role) if statement["Effect"] == "Deny"]
        assert (denial["Action"], denial["Resource"]) == (["ec2:*"], ["*"])
        # Lambda sets the key for calls of the function's own code, and not for its own.
        assert list(denial["Condition"]["ArnLike"]) == ["lambda:SourceFunctionArn"]


def test_no_role_may_join_a_network_where_there_is_none(local_system: Stack) -> None:
    for role in _roles(local_system).values():
        actions = {action for statement in local_system.statements(role) for action in as_list(statement["Action"])}
        assert not [action for action in actions if action.startswith(("ec2:", "rds-db:"))]


def test_another_models_name_allows_no_bedrock_model(local_system: Stack) -> None:
    (direct,) = [each for each in local_system.statements("ReviewerRole") if each["Sid"] == "AskModel"]
    assert [resource.rsplit("/", 1)[1] for resource in direct["Resource"]] == [""] * 4


def test_bedrock_models_are_allowed_by_their_names(system: Stack) -> None:
    (direct,) = [each for each in system.statements("ReviewerRole") if each["Sid"] == "AskModel"]
    assert direct["Resource"] == [
        "arn:aws:bedrock:us-east-1::foundation-model/us.vendor.model-1:0",
        "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.vendor.model-1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/us.vendor.small-1:0",
        "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.vendor.small-1:0",
    ]
