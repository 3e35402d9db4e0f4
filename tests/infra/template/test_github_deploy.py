"""Deployments from GitHub: who may become the role, what the role may do, and what the example workflow runs."""

import re
from typing import Any

import pytest

from local.checkout import ROOT
from local.translation import translate
from tests.infra.template.deployed import Stack, as_list

GIVEN = {
    "Repository": "acme/reviews",
    "Environment": "prod",
    "DeployedStack": "codereview-prod",
    "ArtifactsBucket": "aws-sam-cli-managed-default-samclisourcebucket-1",
}
ISSUER = "token.actions.githubusercontent.com"
WORKFLOW = (ROOT / "docs/deploy/deploy.yml").read_text()
# What has no resource to be held to, by AWS's own list of actions.
EVERYWHERE = {"ReadTemplates": ["cloudformation:GetTemplateSummary"], "FindFunctions": ["lambda:ListFunctions"]}


@pytest.fixture(scope="module")
def stack() -> Stack:
    name = "infra/github-deploy.yaml"
    return Stack(translate({name: (ROOT / name).read_text()}, {})[name], GIVEN)


def allowed(stack: Stack, role: str, effect: str = "Allow") -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in stack.statements(role) if each["Effect"] == effect}


def test_only_a_job_that_the_environment_let_in_becomes_the_role(stack: Stack) -> None:
    (trust,) = stack.properties("DeployRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Principal"]["Federated"].endswith(f":oidc-provider/{ISSUER}")
    # By equality, without a wildcard: neither another repository nor a pull request's job fits.
    assert trust["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": "repo:acme/reviews:environment:prod",
        }
    }


def test_the_job_may_change_its_stack_and_nothing_else(stack: Stack) -> None:
    for sid, statement in allowed(stack, "DeployRole").items():
        assert not [action for action in statement["Action"] if "*" in action], sid
        if sid in EVERYWHERE:
            assert statement["Action"] == EVERYWHERE[sid]
            continue
        names = ("codereview-prod", GIVEN["ArtifactsBucket"], "aws-sam-cli-managed-default", "transform/Serverless")
        for resource in statement["Resource"]:
            assert isinstance(resource, dict) or any(name in resource for name in names), (sid, resource)
    services = {action.split(":")[0] for each in allowed(stack, "DeployRole").values() for action in each["Action"]}
    assert services == {"cloudformation", "dynamodb", "iam", "lambda", "s3"}


def test_the_job_hands_its_rights_to_cloudformation_alone(stack: Stack) -> None:
    statement = allowed(stack, "DeployRole")["LetCloudFormationWork"]
    assert statement["Resource"] == [{"Fn::GetAtt": ["CloudFormationRole", "Arn"]}]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    (trust,) = stack.properties("CloudFormationRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_cloudformation_reads_no_secret_and_leaves_both_roles_alone(stack: Stack) -> None:
    denied = allowed(stack, "CloudFormationRole", "Deny")
    assert "secretsmanager:GetSecretValue" in denied["NeverReadSecrets"]["Action"]
    assert denied["NeverReadSecrets"]["Resource"] == ["*"]
    roles = [resource.rsplit("/", 1)[1] for resource in denied["LeaveOwnRoles"]["Resource"]]
    assert roles == [stack.properties(name)["RoleName"] for name in ("DeployRole", "CloudFormationRole")]
    unnamed = allowed(stack, "CloudFormationRole")["MakeWhatHasNoName"]
    assert unnamed["Condition"] == {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    for sid in ("MakeRoles", "HandRolesOn"):
        assert all("role/codereview-prod-" in name for name in allowed(stack, "CloudFormationRole")[sid]["Resource"])


def test_one_stack_of_an_account_makes_the_provider(stack: Stack) -> None:
    assert set(stack.of_type("AWS::IAM::OIDCProvider")) == {"Provider"}
    name = "infra/github-deploy.yaml"
    second = Stack(translate({name: (ROOT / name).read_text()}, {})[name], GIVEN | {"HasProvider": "true"})
    assert not second.of_type("AWS::IAM::OIDCProvider")


def test_every_action_of_the_workflow_is_pinned_to_a_commit() -> None:
    used = re.findall(r"uses: (\S+)(.*)", WORKFLOW)
    assert len(used) == 4
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), action


def test_the_workflow_has_no_right_but_to_read_and_to_say_who_it_is() -> None:
    assert "\npermissions: {}\n" in WORKFLOW
    (granted,) = re.findall(r"\n    permissions:\n((?:      .*\n)+)", WORKFLOW)
    assert [line.split("#")[0].strip() for line in granted.splitlines()] == ["contents: read", "id-token: write"]
    assert "environment: ${{ inputs.stage }}" in WORKFLOW
    assert "persist-credentials: false" in WORKFLOW
    assert "secrets." not in WORKFLOW
    assert "pull_request" not in WORKFLOW
    # What a person typed reaches a shell as a variable, never as a part of a command.
    assert not [line for line in re.findall(r"run: (.*)", WORKFLOW) if "${{" in line]


def test_the_workflow_runs_verbs_that_there_are(stack: Stack) -> None:
    makefile = (ROOT / "Makefile").read_text()
    verbs = {verb for command in re.findall(r"run: make (.*)", WORKFLOW) for verb in command.split()}
    assert verbs == {"check", "idle-cost", "deploy", "rollback"}
    assert all(f"\n{verb}:" in makefile for verb in verbs)
    readme = (ROOT / "docs/deploy/README.md").read_text()
    for variable in re.findall(r"vars\.(\w+)", WORKFLOW):
        assert f"`{variable}`" in readme
    for parameter in as_list(list(GIVEN)):
        assert f"{parameter}=" in readme
