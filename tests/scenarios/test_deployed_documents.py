"""The documents of AWS's console, run step by step on the deployed system: each does what the runbooks send people to.

The emulator has no Systems Manager, so that their steps are interpreted here, by the calls that the service would make.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from botocore.exceptions import ClientError

from local.stack import STACK_NAME, LocalStack
from tests.infra.template.conftest import template_text, templates
from tests.infra.template.deployed import Stack, Template
from tests.rehearsal.automation import Automation, AutomationError, run
from tests.rehearsal.tenants import tenant_of
from tests.scenarios.by_itself import without_reconciler
from tests.scenarios.callers import operator
from tests.scenarios.commands import said

__all__ = ["template_text", "templates"]

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

Execute = Callable[..., Automation]
_PATIENCE_SECONDS = 200


@pytest.fixture(scope="module")
def documents(local_aws: LocalStack, templates: dict[str, Template]) -> dict[str, dict[str, Any]]:
    """What `infra/automation.yaml` would make on this system, by name."""
    outputs, clients = local_aws.deployment.outputs, local_aws.aws.client
    arns = {
        name: clients("sqs").get_queue_attributes(QueueUrl=outputs[output], AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        for name, output in (
            ("ReviewDeadLettersArn", "ReviewDeadLettersUrl"),
            ("ReviewQueueArn", "ReviewQueueUrl"),
            ("RecordDeadLettersArn", "RecordDeadLettersUrl"),
            ("RecordQueueArn", "RecordQueueUrl"),
        )
    }
    made = Stack(
        templates["infra/automation.yaml"],
        arns
        | {
            "Stack": STACK_NAME,
            "ReviewerMapping": mapping(local_aws, "reviewer")["UUID"],
            "RecorderMapping": mapping(local_aws, "recorder")["UUID"],
            "MaintenanceFunction": f"{outputs['MaintenanceFunctionName']}:live",
            "SecretArns": outputs["GitHubAppSecretArn"],
            "ControlTableArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{outputs['ControlTableName']}",
        },
    )
    account, region = arns["ReviewQueueArn"].split(":")[4], arns["ReviewQueueArn"].split(":")[3]
    text = json.dumps(list(made.of_type("AWS::SSM::Document").values()))
    here = json.loads(text.replace("111122223333", account).replace("us-east-1", region))
    return {each["Name"].removeprefix(f"{STACK_NAME}-"): each["Content"] for each in here}


@pytest.fixture
def execute(local_aws: LocalStack, documents: dict[str, dict[str, Any]]) -> Execute:
    """Run a document as somebody at the console would."""

    def started(name: str, **parameters: Any) -> Automation:
        return run(documents[name], local_aws.aws.client, parameters)

    return started


def mapping(stack: LocalStack, service: str) -> dict[str, Any]:
    (found,) = stack.aws.client("lambda").list_event_source_mappings(FunctionName=f"{STACK_NAME}-{service}:live")[
        "EventSourceMappings"
    ]
    return dict(found)


def until(is_so: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.5)


def test_workers_are_scaled_paused_and_resumed(local_aws: LocalStack, execute: Execute) -> None:
    before = mapping(local_aws, "reviewer")["ScalingConfig"]["MaximumConcurrency"]
    scaled = execute("scale-workers", Count=before + 1)
    assert scaled.outputs["look.Before"] == before
    assert mapping(local_aws, "reviewer")["ScalingConfig"] == {"MaximumConcurrency": before + 1}
    execute("scale-workers", Count=before)
    execute("pause-workers")
    assert mapping(local_aws, "reviewer")["State"] == "Disabled"
    execute("resume-workers")
    assert {mapping(local_aws, service)["State"] for service in ("reviewer", "recorder")} == {"Enabled"}


def test_an_agent_and_all_models_are_switched_and_audited_under_the_documents_name(
    local_aws: LocalStack, execute: Execute
) -> None:
    execute("set-flag", Agent="security", Mode="off")
    execute("bypass-models")
    flags = said(local_aws, "flags", "show", "--deployment")
    assert (flags["models"], flags["agents"]["security"]["mode"]) == (False, "off")
    execute("set-flag", Agent="security", Mode="on")
    execute("bypass-models", Models="on")
    assert said(local_aws, "flags", "show", "--deployment")["models"] is True


def test_what_is_refused_ends_as_failed_with_its_reason(execute: Execute) -> None:
    with pytest.raises(AutomationError, match="no such agent"):
        execute("set-flag", Agent="nobody", Mode="off")
    with pytest.raises(AutomationError, match="no such tenant"):
        execute("block-tenant", Tenant="github.com:4242")
    with pytest.raises(AutomationError, match="is none of"):
        execute("bypass-models", Models="perhaps")


def test_a_tenant_is_blocked_and_served_again(local_aws: LocalStack, execute: Execute) -> None:
    tenant = tenant_of(local_aws, operator(local_aws), "consoled")
    execute("block-tenant", Tenant=tenant)
    assert said(local_aws, "tenants", "show", "--tenant", tenant)["is_blocked"] is True
    execute("block-tenant", Tenant=tenant, Action="unblock")
    assert said(local_aws, "tenants", "show", "--tenant", tenant)["is_blocked"] is False


def test_a_table_is_vacuumed_and_a_nights_upkeep_is_done(local_aws: LocalStack, execute: Execute) -> None:
    def done(action: str) -> int:
        return sum(f'"action":"{action}"' in line.replace(" ", "") for line in local_aws.logs("maintenance"))

    before = {action: done(action) for action in ("vacuum", "nightly")}
    execute("vacuum", Table="reviews")
    until(lambda: done("vacuum") > before["vacuum"])
    asked = "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'reviews'"
    with psycopg.connect(local_aws.database.superuser_dsn) as connection:
        (count,) = connection.execute(asked).fetchone() or (0,)
    assert count > 0
    execute("nightly")
    until(lambda: done("nightly") > before["nightly"])


def test_dead_letters_are_counted_and_moved_back(local_aws: LocalStack, execute: Execute) -> None:
    sqs, url = local_aws.aws.client("sqs"), local_aws.deployment.outputs["ReviewDeadLettersUrl"]
    with without_reconciler(local_aws):
        sqs.send_message(QueueUrl=url, MessageBody="{}", MessageGroupId="1")
        moved = execute("redrive", Queue="review", MessagesPerSecond=500)
    assert int(moved.outputs["count.Letters"]) >= 1
    assert moved.outputs["move.Task"]

    def is_empty() -> bool:
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return bool(answer["Attributes"]["ApproximateNumberOfMessages"] == "0")

    until(is_empty)


def test_a_secrets_new_version_becomes_the_current_one_and_goes_back(local_aws: LocalStack, execute: Execute) -> None:
    client, secret = local_aws.aws.client("secretsmanager"), local_aws.deployment.outputs["GitHubAppSecretArn"]
    before = client.get_secret_value(SecretId=secret)
    new, old = str(UUID(int=77)), before["VersionId"]
    client.put_secret_value(
        SecretId=secret, SecretString=before["SecretString"], ClientRequestToken=new, VersionStages=["AWSPENDING"]
    )
    execute("rotate-secret", Secret=secret, NewVersion=new, OldVersion=old)
    assert client.get_secret_value(SecretId=secret)["VersionId"] == new
    execute("rotate-secret", Secret=secret, NewVersion=old, OldVersion=new)
    assert client.get_secret_value(SecretId=secret)["VersionId"] == old
    with pytest.raises(ClientError):
        execute("rotate-secret", Secret=secret, NewVersion=str(UUID(int=78)), OldVersion=old)


def test_evidence_holds_how_everything_stands(execute: Execute) -> None:
    kept: Mapping[str, Any] = execute("collect-evidence").outputs
    assert {name.partition(".")[0] for name in kept} == {
        "alarms",
        "reviews",
        "reviewDeadLetters",
        "records",
        "recordDeadLetters",
        "reviewers",
        "recorders",
        "table",
    }
    assert "ApproximateNumberOfMessages" in kept["reviewDeadLetters.Queue"]
    assert (kept["reviewers.State"], kept["table.Status"]) == ("Enabled", "ACTIVE")


def test_every_document_was_run(documents: dict[str, dict[str, Any]]) -> None:
    """Holds this file to the template: a new document has to be executed above."""
    source = Path(__file__).read_text()
    assert [name for name in documents if f'execute("{name}"' not in source] == []
