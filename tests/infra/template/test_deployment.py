"""New code of what answers somebody who waits: a tenth of the calls first, and back by itself where it fails."""

from typing import Any

import pytest

from codereview.domain.metrics import Metric, namespace_of
from local.checkout import ROOT
from tests.infra.template.conftest import ON_AWS
from tests.infra.template.deployed import Stack, Template, target

GRADUAL = {"WebhookFunction": "WebhookCanary", "ApiFunction": "ApiCanary"}


def groups(stack: Stack) -> dict[str, dict[str, Any]]:
    found = stack.of_type("AWS::CodeDeploy::DeploymentGroup")
    return {name.removesuffix("DeploymentGroup"): group for name, group in found.items()}


def config(group: dict[str, Any]) -> str:
    name = group["DeploymentConfigName"]
    return str(name) if isinstance(name, str) else str(name["Fn::Sub"])


def test_webhook_and_api_alone_are_shifted_by_an_alarm_of_their_own_and_one_of_failed_answers(system: Stack) -> None:
    assert set(groups(system)) == set(GRADUAL)
    for function, group in groups(system).items():
        watched = [target(alarm["Name"]) for alarm in group["AlarmConfiguration"]["Alarms"]]
        assert watched == [GRADUAL[function], "AnswersCanary"]
        assert group["AlarmConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["AutoRollbackConfiguration"]["Enabled"] is True


@pytest.mark.parametrize(
    ("stage", "name"),
    [("prod", "Canary10Percent5Minutes"), ("staging", "Canary10Percent5Minutes"), ("dev", "AllAtOnce")],
)
def test_a_tenth_of_the_calls_meets_new_code_first_but_in_development(
    templates: dict[str, Template], stage: str, name: str
) -> None:
    stack = Stack(templates["template.yaml"], ON_AWS | {"Stage": stage})
    assert {config(group) for group in groups(stack).values()} == {f"CodeDeployDefault.Lambda{name}"}


def test_an_alias_moves_by_its_group_alone(system: Stack) -> None:
    updates = {
        name: resource["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        for name, resource in system.resources.items()
        if resource["Type"] == "AWS::Lambda::Alias" and "UpdatePolicy" in resource
    }
    assert set(updates) == {f"{function}Aliaslive" for function in GRADUAL}
    for name, update in updates.items():
        assert target(update["DeploymentGroupName"]) == name.replace("Aliaslive", "DeploymentGroup")


def test_a_canarys_alarm_looks_at_the_newest_version_alone(system: Stack) -> None:
    for function, name in GRADUAL.items():
        alarm = system.properties(name)
        dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        assert target(dimensions["FunctionName"]) == function
        assert dimensions["Resource"] == f"${{{function}}}:live"
        assert system.resources[target(dimensions["ExecutedVersion"])]["Type"] == "AWS::Lambda::Version"
        # Twice within the five minutes of a canary, so that an alarm comes in time to stop it.
        assert alarm["Period"] * alarm["EvaluationPeriods"] * 2 <= 300
        assert alarm["TreatMissingData"] == "notBreaching"


def test_what_new_code_answers_with_5xx_is_seen_and_what_the_code_before_it_answers_is_not(system: Stack) -> None:
    alarm = system.properties("AnswersCanary")
    assert (alarm["Namespace"], alarm["MetricName"]) == (namespace_of("codereview-test"), Metric.ANSWERS_FAILED)
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")
    assert alarm["Period"] * alarm["EvaluationPeriods"] * 2 <= 300
    (dimension,) = alarm["Dimensions"]
    assert (dimension["Name"],) == Metric.ANSWERS_FAILED.dimensions
    assert system.resources[target(dimension["Value"])]["Type"] == "AWS::Lambda::LayerVersion"
    told = {
        name: function["Environment"]["Variables"]["CODE"]
        for name, function in system.of_type("AWS::Lambda::Function").items()
        if "CODE" in function["Environment"]["Variables"]
    }
    assert told == dict.fromkeys(GRADUAL, dimension["Value"])  # a database that wakes up makes reports answer 503


def test_each_canarys_alarm_names_a_page_that_is_there(system: Stack) -> None:
    for name in (*GRADUAL.values(), "AnswersCanary"):
        alarm = system.properties(name)
        tags = {tag["Key"]: tag["Value"] for tag in alarm["Tags"]}
        assert f"{tags['runbook']}.md" in alarm["AlarmDescription"]
        assert (ROOT / "docs" / "runbooks" / f"{tags['runbook']}.md").is_file()


def test_codedeploy_may_shift_these_two_aliases_and_nothing_else(system: Stack) -> None:
    statements = {statement["Sid"]: statement for statement in system.statements("DeploymentRole")}
    assert statements["WatchAlarms"]["Action"] == ["cloudwatch:DescribeAlarms"]
    shift = statements["ShiftTraffic"]
    assert set(shift["Action"]) == {"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}
    names = {resource.split(":function:")[1] for resource in shift["Resource"]}
    assert names == {f"codereview-test-{name}{rest}" for name in ("webhook", "api") for rest in ("", ":*")}
    assert {target(group["ServiceRoleArn"]) for group in groups(system).values()} == {"DeploymentRole"}
