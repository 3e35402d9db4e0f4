"""Secrets of the deployed system, replaced while it works, and nothing of them anywhere to be read."""

import json
from typing import Any

import pytest

from codereview.domain.control.audit_codec import decode_audit
from local.demo import open_and_wait, sample_repository
from local.stack import STACK_NAME, LocalStack
from tests.scenarios.commands import run, said
from tests.scenarios.test_deployed_doctor import forget_secrets

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]


def stored(stack: LocalStack, output: str) -> dict[str, str]:
    arn = stack.deployment.outputs[output]
    text = stack.aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    values: dict[str, str] = json.loads(text)
    return values


def is_reviewed(stack: LocalStack, name: str) -> bool:
    repository = stack.hub.add_repository(sample_repository(), owner="acme", name=name)
    return bool(open_and_wait(stack.hub, repository, base="main", head="change")["reviews"])


def test_f68_a_webhook_secret_is_rotated_and_retired_without_a_lost_delivery(local_aws: LocalStack) -> None:
    forget_secrets(local_aws)  # who has just met a forged webhook reads them again after a minute
    before = stored(local_aws, "WebhookSecretArn")["current"]
    done = run(local_aws, "secrets", "rotate", "webhook", "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["github_knows"]) == (0, True), done.stderr
    values = stored(local_aws, "WebhookSecretArn")
    assert values["previous"] == before
    assert local_aws.hub.app()["webhook_secret"] == values["current"] != before
    assert not [secret for secret in values.values() if secret in done.stdout + done.stderr]
    assert is_reviewed(local_aws, "rotated")
    assert run(local_aws, "secrets", "rotate", "webhook", "--yes").returncode == 1
    said(local_aws, "secrets", "retire", "webhook", "--yes")
    assert stored(local_aws, "WebhookSecretArn") == {"current": values["current"]}
    assert is_reviewed(local_aws, "retired")


def test_f68_the_apps_key_is_tried_before_it_is_stored_and_taken_up_by_new_versions(local_aws: LocalStack) -> None:
    values = stored(local_aws, "GitHubAppSecretArn")
    other = "-----BEGIN RSA PRIVATE KEY-----\nbm9uZQ==\n-----END RSA PRIVATE KEY-----\n"
    refused = run(local_aws, "secrets", "rotate", "github-app", "--from", "-", "--yes", stdin=other)
    assert (refused.returncode, "bm9uZQ" in refused.stderr) == (1, False)
    assert stored(local_aws, "GitHubAppSecretArn") == values
    client: Any = local_aws.aws.client("lambda")
    version = client.get_alias(FunctionName=f"{STACK_NAME}-reviewer", Name="live")["FunctionVersion"]
    done = said(local_aws, "secrets", "rotate", "github-app", "--from", "-", "--yes", stdin=values["private_key"])
    assert done["not_started_anew"] == []
    after = client.get_alias(FunctionName=f"{STACK_NAME}-reviewer", Name="live")["FunctionVersion"]
    assert int(after) > int(version)
    assert set(stored(local_aws, "GitHubAppSecretArn")) == {*values, "marker_key"}
    assert is_reviewed(local_aws, "with-a-new-key")


def test_a_rehearsal_changes_nothing_and_bad_input_is_one_line(local_aws: LocalStack) -> None:
    before = stored(local_aws, "WebhookSecretArn")
    assert said(local_aws, "secrets", "rotate", "webhook", "--dry-run") == {
        "secret": "webhook",
        "is_made": False,
        "works": True,
    }
    assert stored(local_aws, "WebhookSecretArn") == before
    for words, code in (
        (("rotate", "model", "--yes"), 2),
        (("rotate", "webhook", "--without-github", "--yes"), 2),
        (("rotate", "nothing", "--yes"), 2),
        (("retire", "webhook", "--yes"), 1),
    ):
        refused = run(local_aws, "secrets", *words)
        assert refused.returncode == code, words
        assert refused.stderr.splitlines()[-1].startswith(("Error: ", "codereview: ")), refused.stderr


def test_every_change_of_a_secret_is_audited_without_its_value(local_aws: LocalStack) -> None:
    said(local_aws, "secrets", "rotate", "model", "--from", "-", "--yes", stdin="canary-model-key-0123456789")
    items = local_aws.aws.client("dynamodb").scan(TableName=local_aws.deployment.outputs["ControlTableName"])["Items"]
    entries = [decode_audit(item["entry"]["S"]) for item in items if item["pk"]["S"].startswith("audit#")]
    assert ("secrets.rotate", "secret/model") in {(entry.action, entry.target) for entry in entries}
    assert "canary-model-key" not in json.dumps(items, default=str)
