"""The operators' policies: who looks changes nothing, who acts reaches this stack alone, and pages can be followed."""

import json
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from codereview.adapters.aws.inspection import Inspection
from tests.infra.template.deployed import Stack, Template
from tests.infra.template.pages import pages
from tests.infra.template.test_automation import PARAMETERS as OF_DOCUMENTS

_HERE = "us-east-1:111122223333"
PARAMETERS = {
    "Stack": "codereview-prod",
    "ControlTableArn": f"arn:aws:dynamodb:{_HERE}:table/codereview-prod-ControlTable-1",
    "ObjectsBucketArn": "arn:aws:s3:::codereview-prod-objectsbucket-1",
    "ReviewQueueArn": f"arn:aws:sqs:{_HERE}:codereview-prod-reviews",
    "ReviewDeadLettersArn": f"arn:aws:sqs:{_HERE}:codereview-prod-review-dead-letters",
    "RecordQueueArn": f"arn:aws:sqs:{_HERE}:codereview-prod-records",
    "RecordDeadLettersArn": f"arn:aws:sqs:{_HERE}:codereview-prod-record-dead-letters",
    "ReviewerMapping": "11111111-1111-1111-1111-111111111111",
    "RecorderMapping": "22222222-2222-2222-2222-222222222222",
    "MaintenanceFunction": f"arn:aws:lambda:{_HERE}:function:codereview-prod-maintenance:live",
    "SecretArns": ",".join(
        f"arn:aws:secretsmanager:{_HERE}:secret:{name}Secret-1A2b3C4d5E6f-a1B2c3"
        for name in ("Webhook", "GitHubApp", "Model", "Api")
    ),
    "Model": "bedrock:us.vendor.model-1:0",
}
# The verbs with which AWS names what changes nothing. A letter that is received is hidden for a while, and stays.
READING = ("BatchGet", "Describe", "Filter", "Get", "List", "Query")
SHOWS_LETTERS = "sqs:ReceiveMessage"
# By policy and statement: resources that are not by this stack's names alone, and why AWS allows nothing narrower.
WIDE = {
    ("LookingPolicy", "ReadWhatHasNoName"): "AWS holds none of these actions to a resource",
    ("LookingPolicy", "SeeSenders"): "the identity may be the sender's address or its domain",
    ("ActingPolicy", "AskModel"): "a model is nobody's",
    ("ActingPolicy", "AskModelByProfile"): "a profile picks region and model by itself; the condition names ours",
    ("DocumentsPolicy", "StartDocuments"): "an execution has a number for its name",
    ("DocumentsPolicy", "FollowExecutions"): "likewise",
    ("DocumentsPolicy", "FindThem"): "AWS holds neither list to a resource",
}
# What a page has for an operator that no policy allows.
BY_WHO_DEPLOYS = {
    "cloudformation:DetectStackDrift": "it reads every resource of the stack with the caller's own rights",
    "cloudformation:DescribeStackResourceDrifts": "of no use without it",
}
NAMED_OTHERWISE = {"lambda:Invoke": "lambda:InvokeFunction"}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, without white space; a sixth of it is for
# longer names of regions and models than these.
MOST_CHARACTERS = 6144 * 5 // 6


@pytest.fixture(scope="module")
def operators(templates: dict[str, Template]) -> Stack:
    return Stack(templates["infra/policies.yaml"], PARAMETERS)


@pytest.fixture(scope="module")
def policies(operators: Stack, templates: dict[str, Template]) -> dict[str, Stack]:
    """Each policy with the stack that it is of."""
    documents = Stack(templates["infra/automation.yaml"], OF_DOCUMENTS)
    stacks = (operators, documents)
    return {name: stack for stack in stacks for name in stack.of_type("AWS::IAM::ManagedPolicy")}


def test_whoever_looks_changes_nothing_and_reads_no_secret(operators: Stack) -> None:
    for action in operators.allowed("LookingPolicy") - {SHOWS_LETTERS}:
        service, _, name = action.partition(":")
        assert name.startswith(READING), action
        assert service not in ("iam", "secretsmanager", "ssm")


def test_a_policy_to_act_holds_nothing_of_the_one_to_look(operators: Stack) -> None:
    assert not operators.allowed("LookingPolicy") & operators.allowed("ActingPolicy")


def test_every_policy_is_of_this_stacks_resources_and_every_other_has_its_reason(policies: dict[str, Stack]) -> None:
    wide = set()
    for name, stack in policies.items():
        for statement in stack.statements(name):
            assert statement["Effect"] == "Allow"
            assert not [action for action in statement["Action"] if "*" in action]
            if not all(is_of_the_stack(resource, stack) for resource in statement["Resource"]):
                wide.add((name, statement["Sid"]))
    assert wide == set(WIDE)


def is_of_the_stack(resource: Any, stack: Stack) -> bool:
    """Whether a resource can only be this stack's: by its name, or as what was handed in or is made beside it."""
    if isinstance(resource, dict):
        return resource["Fn::GetAtt"][0] in stack.resources
    mappings = (PARAMETERS["ReviewerMapping"], PARAMETERS["RecorderMapping"])
    handed_in = {value for values in PARAMETERS.values() for value in values.split(",")}
    named = ("codereview-prod-", "stack/codereview-prod/")
    return resource in handed_in or resource.endswith(mappings) or any(name in resource for name in named)


def test_a_policy_is_no_longer_than_aws_takes(policies: dict[str, Stack]) -> None:
    for name, stack in policies.items():
        document = json.dumps(stack.properties(name)["PolicyDocument"], separators=(",", ":"))
        assert len(document.replace("-prod", "-staging")) < MOST_CHARACTERS, name


def test_a_policy_is_replaced_by_no_deploy_since_it_is_attached_to_people(policies: dict[str, Stack]) -> None:
    for name, stack in policies.items():
        assert set(stack.properties(name)) == {"Description", "PolicyDocument"}
        assert "codereview-prod" not in stack.properties(name)["Description"]


def test_what_the_pages_have_aws_own_command_line_do_is_allowed(policies: dict[str, Stack]) -> None:
    allowed = {action for name, stack in policies.items() for action in stack.allowed(name)}
    asked = {
        _action(words[1], words[2]) for page in pages().values() for words in page.commands() if words[:1] == ["aws"]
    }
    assert {NAMED_OTHERWISE.get(action, action) for action in asked} - allowed == set(BY_WHO_DEPLOYS)


def _action(service: str, operation: str) -> str:
    """Name the right for a line of AWS's command line, by the SDK's own names of operations."""
    names = get_session().get_service_model(service).operation_names
    (name,) = [each for each in names if xform_name(each, "-") == operation]
    return f"{service}:{name}"


class Asked:
    """A client of AWS that has everything, and keeps what was asked for."""

    class exceptions:  # noqa: N801 -- as boto3 has it
        NotFoundException = KeyError

    def __init__(self) -> None:
        self.operations: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.operations.add(name)
        return lambda **_: {}


def test_the_doctors_look_at_senders_is_allowed(operators: Stack) -> None:
    client = Asked()
    Inspection({"sesv2": client}, "codereview-prod").mail("notices@example.com")
    wanted = {name for name in operators.allowed("LookingPolicy") if name.startswith("ses:")}
    assert {_action("sesv2", name.replace("_", "-")).replace("sesv2", "ses") for name in client.operations} == wanted


def test_the_doctor_may_ask_the_reviewers_model_and_no_other(operators: Stack, system: Stack) -> None:
    own = {each["Sid"]: each for each in operators.statements("ActingPolicy")}
    reviewers = {each["Sid"]: each for each in system.statements("ReviewerRole")}
    assert own["AskModel"]["Resource"] == reviewers["AskModel"]["Resource"][:2]
    assert own["AskModelByProfile"]["Condition"] == {
        "StringEquals": {"bedrock:InferenceProfileArn": own["AskModel"]["Resource"][1]}
    }


def test_no_layer_but_the_stacks_is_put_in(operators: Stack) -> None:
    (publishing,) = [each for each in operators.statements("ActingPolicy") if each["Sid"] == "PublishVersions"]
    layers = f"arn:aws:lambda:{_HERE}:layer:codereview-prod-*:*"
    assert publishing["Condition"] == {"ForAllValues:StringLike": {"lambda:Layer": layers}}


def test_whoever_runs_documents_hands_their_roles_to_systems_manager_alone(policies: dict[str, Stack]) -> None:
    stack = policies["DocumentsPolicy"]
    (handing,) = [each for each in stack.statements("DocumentsPolicy") if "iam:PassRole" in each["Action"]]
    assert {each["Fn::GetAtt"][0] for each in handing["Resource"]} == set(stack.of_type("AWS::IAM::Role"))
    assert handing["Condition"] == {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}


def test_whoever_deploys_is_told_which_policies_to_attach(templates: dict[str, Template]) -> None:
    told = templates["template.yaml"]["Outputs"]
    for name in ("LookingPolicy", "ActingPolicy"):
        assert told[f"{name}Arn"]["Value"] == {"Fn::GetAtt": ["Policies", f"Outputs.{name}Arn"]}
    assert told["DocumentsPolicyArn"]["Value"] == {"Fn::GetAtt": ["Automation", "Outputs.DocumentsPolicyArn"]}
