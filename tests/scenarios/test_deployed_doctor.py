"""`codereview doctor` on the deployed system, well and with one thing after the other broken."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.stack import LocalStack
from tests.scenarios.commands import run
from tests.scenarios.test_deployed_faults import processes_of

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

# The account of the emulation may run as few functions as a new one; a stack that is a minute old has had no run of its
# reconciler; and other tests leave letters and failed deliveries behind.
OF_OTHER_TESTS = {
    "account concurrency",
    "reconciler",
    "deliveries",
    "dead letters of reviews",
    "dead letters of records",
    "queue of reviews",
}


def look(stack: LocalStack, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = run(stack, "doctor", "--json", *options)
    assert done.stdout, done.stderr
    return done.returncode, {each["subject"]: each for each in json.loads(done.stdout)["diagnoses"]}


@contextmanager
def secret(stack: LocalStack, output: str, value: str) -> Iterator[None]:
    """Put something else into a secret, for a while."""
    client, arn = stack.aws.client("secretsmanager"), stack.deployment.outputs[output]
    before = client.get_secret_value(SecretId=arn)["SecretString"]
    client.put_secret_value(SecretId=arn, SecretString=value)
    try:
        yield
    finally:
        client.put_secret_value(SecretId=arn, SecretString=before)
        forget_secrets(stack)


def forget_secrets(stack: LocalStack) -> None:
    """End the webhook's processes, which know a secret for minutes; the next call starts another."""
    for process in processes_of(stack, "webhook"):
        os.kill(process, signal.SIGKILL)


def test_a_deployment_that_is_well_is_green_but_for_its_mock_model(local_aws: LocalStack) -> None:
    code, found = look(local_aws)
    assert {"GitHub", "GitHub permissions", "GitHub events", "webhook", "database", "versions", "bucket"} <= set(found)
    not_green = {name for name, each in found.items() if each["colour"] != "green"}
    assert not_green - OF_OTHER_TESTS == {"model"}
    assert code == int(any(each["colour"] == "red" for each in found.values()))
    for each in found.values():
        assert (each["mend"] is None) == (each["colour"] == "green"), each


def test_a_wrong_webhook_secret_is_red_with_the_command_that_mends_it(local_aws: LocalStack) -> None:
    # The function keeps the secret for a while: what it has and what is stored differ then, which is the point. It has
    # read it just now, and reads it again for a forged webhook once a minute only.
    forget_secrets(local_aws)
    look(local_aws, "--without-model", "--without-database")
    with secret(local_aws, "WebhookSecretArn", json.dumps({"current": "another"})):
        code, found = look(local_aws, "--without-model", "--without-database")
    assert (code, found["webhook"]["colour"]) == (1, "red")
    assert found["webhook"]["mend"] == "codereview secrets rotate webhook"
    assert "model" not in found
    assert "database" not in found


def test_a_key_that_is_not_the_apps_is_red_and_the_rest_is_looked_at(local_aws: LocalStack) -> None:
    with secret(local_aws, "GitHubAppSecretArn", json.dumps({"app_id": "1", "private_key": "none"})):
        code, found = look(local_aws, "--without-database")
    assert (code, found["GitHub"]["colour"]) == (1, "red")
    assert "private key" in found["GitHub"]["said"]
    assert found["control table"]["colour"] == "green"


def test_paused_workers_are_red_until_they_are_resumed(local_aws: LocalStack) -> None:
    run(local_aws, "workers", "pause", "--yes")
    try:
        code, found = look(local_aws, "--without-database")
    finally:
        run(local_aws, "workers", "resume", "--yes")
    assert (code, found["workers of reviews"]["colour"]) == (1, "red")
    assert found["workers of reviews"]["mend"] == "codereview workers resume --queue review"


def test_what_is_deployed_is_priced_by_its_own_templates(local_aws: LocalStack) -> None:
    done = run(local_aws, "idle-cost", "--json", "--reviews", "2000")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["idle"]["charged"] < 5
    assert told["reviews"]["count"] == 2000
    assert 0 < told["reviews"]["listed"] < 2
