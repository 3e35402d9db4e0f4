"""The runbooks' steps as documents of AWS's console: complete, callable, and with no more rights than they use."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import get_session

from codereview.entrypoints.maintenance_commands import Upkeep
from codereview.entrypoints.switch_commands import Switches
from tests.infra.template.deployed import Stack, Template, as_list, target
from tests.infra.template.pages import pages

if TYPE_CHECKING:
    from codereview.entrypoints.maintenance import Command

# What has a document: the steps that somebody without a command line has to be able to do at night.
WANTED = {
    "redrive",
    "scale-workers",
    "pause-workers",
    "resume-workers",
    "set-flag",
    "bypass-models",
    "block-tenant",
    "vacuum",
    "nightly",
    "rotate-secret",
    "collect-evidence",
}
ACTIONS = {"aws:executeAwsApi", "aws:invokeLambdaFunction", "aws:waitForAwsResourceProperty"}
NOT_OF_THE_CALL = {"Service", "Api", "PropertySelector", "DesiredValues"}
# What a call needs beside the right of its own name: a move task acts with the rights of who started it.
BESIDES = {
    "sqs:StartMessageMoveTask": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:SendMessage", "sqs:GetQueueAttributes"}
}
PARAMETERS = {
    "Stack": "codereview-prod",
    "ReviewDeadLettersArn": "arn:aws:sqs:us-east-1:111122223333:codereview-prod-review-dead-letters",
    "ReviewQueueArn": "arn:aws:sqs:us-east-1:111122223333:codereview-prod-reviews",
    "RecordDeadLettersArn": "arn:aws:sqs:us-east-1:111122223333:codereview-prod-record-dead-letters",
    "RecordQueueArn": "arn:aws:sqs:us-east-1:111122223333:codereview-prod-records",
    "ReviewerMapping": "11111111-1111-1111-1111-111111111111",
    "RecorderMapping": "22222222-2222-2222-2222-222222222222",
    "MaintenanceFunction": "arn:aws:lambda:us-east-1:111122223333:function:codereview-prod-maintenance:live",
    "SecretArns": "arn:one,arn:two",
    "ControlTableArn": "arn:aws:dynamodb:us-east-1:111122223333:table/control",
}
EXAMPLES: dict[str, Any] = {
    "Queue": "review",
    "MessagesPerSecond": 20,
    "Count": 20,
    "Agent": "security",
    "Mode": "off",
    "Models": "off",
    "Tenant": "github.com:583231",
    "Action": "block",
    "Table": "findings",
    "Secret": "arn:one",
    "NewVersion": "0c6b7f4e-1f0a-4c57-9a44-2f6a5a1a6f2d",
    "OldVersion": "3f1e2d3c-5b6a-4c7d-8e9f-a0b1c2d3e4f5",
}


@pytest.fixture(scope="module")
def automation(templates: dict[str, Template]) -> Stack:
    return Stack(templates["infra/automation.yaml"], PARAMETERS)


def documents(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the properties of each document by its name without the stack in front."""
    found = stack.of_type("AWS::SSM::Document").values()
    return {each["Name"].removeprefix("codereview-prod-"): each for each in found}


def steps(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every step with its document's name."""
    for name, document in documents(stack).items():
        for step in document["Content"]["mainSteps"]:
            yield name, step


def filled(value: Any) -> Any:
    """Put examples in place of a document's variables."""
    if isinstance(value, dict):
        return {name: filled(each) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each) for each in value]
    if not isinstance(value, str):
        return value
    only = re.fullmatch(r"\{\{ (\w+) \}\}", value)
    return EXAMPLES[only[1]] if only else re.sub(r"\{\{ (\w+) \}\}", lambda name: str(EXAMPLES[name[1]]), value)


def test_every_step_of_the_night_has_a_document_and_a_page_that_names_it(automation: Stack) -> None:
    assert set(documents(automation)) == WANTED
    named = {name for page in pages().values() for name in re.findall(r"`STACK-([a-z-]+)`", page.text)}
    assert named == WANTED


def test_a_document_names_the_pages_that_it_is_for(automation: Stack) -> None:
    for name, document in documents(automation).items():
        if name == "collect-evidence":
            continue
        for page in re.findall(r"([a-z-]+)\.md", document["Content"]["description"]):
            assert f"`STACK-{name}`" in pages()[page].text or name == "resume-workers", (name, page)


def test_every_document_is_an_automation_whose_change_is_a_version(automation: Stack) -> None:
    for document in documents(automation).values():
        assert document["DocumentType"] == "Automation"
        assert document["UpdateMethod"] == "NewVersion"
        assert document["Content"]["schemaVersion"] == "0.3"
        assert {step["action"] for step in document["Content"]["mainSteps"]} <= ACTIONS
        assert document["Content"]["mainSteps"][-1]["isEnd"] is True


def test_every_parameter_is_used_bounded_and_explained(automation: Stack) -> None:
    for name, document in documents(automation).items():
        content = document["Content"]
        declared = content.get("parameters", {})
        used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(content["mainSteps"])))
        assert used == set(declared), name
        for parameter, given in declared.items():
            assert given["type"] == "Integer" or {"allowedValues", "allowedPattern"} & set(given), parameter
            if "allowedPattern" in given:
                assert re.search(given["allowedPattern"], EXAMPLES[parameter])
                assert not re.search(given["allowedPattern"], '", "x": "')
            if "allowedValues" in given:
                assert EXAMPLES[parameter] in given["allowedValues"]
        outputs = {
            f"{step['name']}.{each['Name']}" for step in content["mainSteps"] for each in step.get("outputs", [])
        }
        outputs |= {f"{step['name']}.Payload" for step in content["mainSteps"] if "Function" in step["action"]}
        assert set(content.get("outputs", [])) <= outputs


def test_every_call_of_a_step_is_one_that_aws_has_with_these_parameters_and_answers(automation: Stack) -> None:
    for name, step in steps(automation):
        if step["action"] == "aws:invokeLambdaFunction":
            continue
        inputs = filled(step["inputs"])
        model = get_session().get_service_model(inputs["Service"]).operation_model(inputs["Api"])
        given = {key: value for key, value in inputs.items() if key not in NOT_OF_THE_CALL}
        assert model.input_shape
        assert model.output_shape
        assert set(given) <= set(model.input_shape.members), (name, step["name"])
        assert set(model.input_shape.required_members) <= set(given), (name, step["name"])
        selectors = [each["Selector"] for each in step.get("outputs", [])] + [inputs.get("PropertySelector", "$")]
        for selector in selectors:
            first = selector.removeprefix("$").lstrip(".").partition(".")[0]
            assert not first or first in model.output_shape.members, (name, selector)


def test_every_command_for_the_maintenance_function_is_one_that_it_takes(automation: Stack) -> None:
    nothing: Any = None
    upkeep = Upkeep(**dict.fromkeys(Upkeep.__dataclass_fields__, nothing)).commands()
    switches = Switches(flags=nothing, change_flags=nothing, block_tenant=nothing).commands()
    known: dict[str, Command[Any]] = {**upkeep, **switches}
    sent = [(name, step) for name, step in steps(automation) if step["action"] == "aws:invokeLambdaFunction"]
    assert len(sent) == 5
    for name, step in sent:
        event = json.loads(filled(step["inputs"]["Payload"]))
        known[event["action"]].parameters.model_validate(event.get("parameters", {}))
        assert (event["actor_kind"], event["actor"]) == ("operator", name)


def test_every_role_allows_what_its_documents_do_and_nothing_else(automation: Stack) -> None:
    used: dict[str, set[str]] = {}
    for document in documents(automation).values():
        role = target(document["Content"]["assumeRole"])
        for step in document["Content"]["mainSteps"]:
            if step["action"] == "aws:invokeLambdaFunction":
                used.setdefault(role, set()).add("lambda:InvokeFunction")
                continue
            action = f"{step['inputs']['Service']}:{step['inputs']['Api']}"
            used.setdefault(role, set()).update({action, *BESIDES.get(action, set())})
    assert set(used) == set(automation.of_type("AWS::IAM::Role"))
    for role, actions in used.items():
        allowed = {action for each in automation.statements(role) for action in each["Action"]}
        assert allowed == actions, role


def test_only_automation_of_this_account_takes_these_roles_and_none_reaches_everything(automation: Stack) -> None:
    for name, role in automation.of_type("AWS::IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "ssm.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
        for statement in automation.statements(name):
            if "*" in str(as_list(statement["Resource"])):
                assert statement["Action"] == ["cloudwatch:DescribeAlarms"]


def test_no_secret_passes_through_a_document(automation: Stack) -> None:
    calls = {step["inputs"].get("Api") for _, step in steps(automation)}
    assert not calls & {"GetSecretValue", "PutSecretValue", "GetRandomPassword", "BatchGetSecretValue"}


def test_documents_are_there_only_on_aws(system: Stack, local_system: Stack) -> None:
    assert "Automation" in system.resources
    assert "Automation" not in local_system.resources
