"""cdk-nag's AWS Solutions rules over every template; what they find and we keep has its reason here."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.checkout import ROOT, child_environment
from tests.infra.template import test_alarms, test_automation, test_dashboard, test_policies
from tests.infra.template.conftest import ON_AWS
from tests.infra.template.deployed import Stack, Template

SCRIPT = ROOT / "tests/infra/template/nag.js"
PARAMETERS: dict[str, dict[str, Any]] = {
    "template.yaml": ON_AWS,
    "infra/alarms.yaml": test_alarms.PARAMETERS | {"SlackWorkspace": "T0123", "SlackChannel": "C0123"},
    "infra/automation.yaml": test_automation.PARAMETERS,
    "infra/dashboard.yaml": test_dashboard.PARAMETERS,
    "infra/database.yaml": {"Stage": "prod"},
    "infra/policies.yaml": test_policies.PARAMETERS,
}
# Rule and template ("*": any), with why it stays.
KEPT = {
    ("AwsSolutions-IAM5", "*"): "every wildcard stands with its reason in the test of the roles of its template",
    (
        "AwsSolutions-L1",
        "template",
    ): "one Python for code, layers and locks, 3.13; a newer one is a change of all of them",
    ("AwsSolutions-SMG4", "template"): (
        "a secret is GitHub's or the provider's too: `codereview secrets rotate` changes it at both ends"
    ),
    ("AwsSolutions-S1", "template"): "the bucket is reached by our functions only, whose calls are in their logs",
    (
        "AwsSolutions-RDS11",
        "infra-database",
    ): "no address outside of the two subnets has a way to the port, whatever it is",
    ("AwsSolutions-VPC7", "infra-network"): "there is no way in or out whose traffic a flow log could show",
}


@pytest.fixture(scope="module")
def found(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("nag")
    files = {}
    for name, template in templates.items():
        declared = template.get("Parameters", {})
        missing = {each: about["Type"] for each, about in declared.items() if "Default" not in about}
        open_ones = {each: ["x", "y"] if "List" in kind else "x" for each, kind in missing.items()}
        stack = Stack(template, {**open_ones, **PARAMETERS.get(name, {})})
        bare = {
            logical_id: {part: value for part, value in resource.items() if part not in ("Condition", "DependsOn")}
            for logical_id, resource in stack.resources.items()
        }
        path = folder / f"{name.replace('/', '-').removesuffix('.yaml')}.json"
        path.write_text(json.dumps({"Resources": bare}))
        files[path.stem] = str(path)
    return _nagged(files, folder)


def _nagged(files: dict[str, str], folder: Path) -> list[dict[str, str]]:
    done = subprocess.run(
        ["node", SCRIPT, folder / "out"],
        input=json.dumps(files),
        env=child_environment({"CDK_DISABLE_VERSION_CHECK": "1"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result: list[dict[str, str]] = json.loads(done.stdout)
    return result


def test_every_finding_of_the_rules_is_kept_for_a_reason_and_no_reason_is_left_over(
    found: list[dict[str, str]],
) -> None:
    rules = {(each["rule"], each["resource"].partition("/")[0]) for each in found if each["kind"] == "finding"}
    explained = {(rule, name) for rule, name in rules if {(rule, name), (rule, "*")} & set(KEPT)}
    assert rules == explained, sorted(rules - explained)
    assert {rule for rule, _ in rules} == {rule for rule, _ in KEPT}


def test_every_rule_could_judge_every_resource(found: list[dict[str, str]]) -> None:
    assert [each for each in found if each["kind"] != "finding"] == []


def test_the_rules_notice_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({"Resources": {"Open": {"Type": "AWS::SQS::Queue", "Properties": {}}}}))
    rules = {each["rule"] for each in _nagged({"wrong": str(path)}, tmp_path)}
    assert "AwsSolutions-SQS4" in rules
