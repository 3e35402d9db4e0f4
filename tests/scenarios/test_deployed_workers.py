"""An operator's hands on the deployed workers: more of them, none, larger ones."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from codereview.domain.control.audit_codec import decode_audit
from local.demo import open_and_wait, sample_repository
from local.stack import STACK_NAME, LocalStack
from tests.scenarios.commands import run, said

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

REVIEWER, RECONCILER = f"{STACK_NAME}-reviewer", f"{STACK_NAME}-reconciler"


@pytest.fixture(autouse=True)
def as_before(local_aws: LocalStack) -> Iterator[None]:
    """Leave the stack to the other tests as it was."""
    client: Any = local_aws.aws.client("lambda")
    aliases = {name: client.get_alias(FunctionName=name, Name="live") for name in (REVIEWER, RECONCILER)}
    yield
    run(local_aws, "workers", "restore", "--yes")
    run(local_aws, "workers", "resume", "--yes")
    for name, alias in aliases.items():
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=alias["FunctionVersion"])


def audited(stack: LocalStack) -> set[str]:
    """Return what is in the audit log, sent to the record or not."""
    items = stack.aws.client("dynamodb").scan(TableName=stack.deployment.outputs["ControlTableName"])["Items"]
    return {decode_audit(item["entry"]["S"]).action for item in items if item["pk"]["S"].startswith("audit#")}


def told(stack: LocalStack, function: str) -> str:
    found = stack.aws.client("lambda").get_function_configuration(FunctionName=function, Qualifier="live")
    return str(found["Environment"]["Variables"]["MAX_CONCURRENT_REVIEWS"])


def is_reviewed(stack: LocalStack, name: str) -> bool:
    repository = stack.hub.add_repository(sample_repository(), owner="acme", name=name)
    return bool(open_and_wait(stack.hub, repository, base="main", head="change")["reviews"])


@pytest.mark.long  # the rehearsal of a backlog does it by the page, and the documents by the console
def test_reviewers_are_scaled_and_the_original_number_is_put_back(local_aws: LocalStack) -> None:
    before = said(local_aws, "workers", "status")
    plan = said(local_aws, "workers", "scale", "40", "--dry-run")
    assert (plan["is_made"], plan["changes"]["concurrency"]) == (False, {"before": 10, "after": 40})
    assert said(local_aws, "workers", "status") == before
    said(local_aws, "workers", "scale", "20", "--yes")
    said(local_aws, "workers", "scale", "40", "--yes")
    now = said(local_aws, "workers", "status")
    assert (now["concurrency"], now["told"], now["scaled_from"]) == (40, 40, 10)
    # Tenants' shares, and what is released in a minute, follow the number.
    assert {told(local_aws, REVIEWER), told(local_aws, RECONCILER)} == {"40"}
    assert is_reviewed(local_aws, "scaled")
    said(local_aws, "workers", "restore", "--yes")
    after = said(local_aws, "workers", "status")
    assert (after["concurrency"], after["told"], "scaled_from" in after) == (10, 10, False)
    again = run(local_aws, "workers", "restore", "--yes")
    assert (again.returncode, again.stderr.count("\n"), "nothing to restore" in again.stderr) == (1, 1, True)


@pytest.mark.long  # the same
def test_paused_workers_take_nothing_and_resumed_ones_lose_nothing(local_aws: LocalStack) -> None:
    said(local_aws, "workers", "pause", "--queue", "record", "--yes")
    said(local_aws, "workers", "pause", "--yes")
    assert said(local_aws, "workers", "status")["is_enabled"] is False
    assert said(local_aws, "workers", "status", "--queue", "record")["is_enabled"] is False
    said(local_aws, "workers", "resume", "--queue", "record", "--yes")
    said(local_aws, "workers", "resume", "--yes")
    assert is_reviewed(local_aws, "resumed")
    assert {"workers.pause", "workers.resume"} <= audited(local_aws)


def test_resized_workers_review_with_a_version_of_their_own(local_aws: LocalStack) -> None:
    before = said(local_aws, "workers", "status")
    made = said(local_aws, "workers", "resize", str(before["memory_mb"] + 256), "--yes")
    after = said(local_aws, "workers", "status")
    assert (after["memory_mb"], int(after["version"])) == (
        before["memory_mb"] + 256,
        int(made["changes"]["version"]["after"]),
    )
    assert int(after["version"]) > int(before["version"])
    assert is_reviewed(local_aws, "resized")


def test_after_a_rollback_nothing_brings_the_rolled_back_release_again(local_aws: LocalStack) -> None:
    client: Any = local_aws.aws.client("lambda")
    timeout = client.get_function_configuration(FunctionName=REVIEWER)["Timeout"]
    client.update_function_configuration(FunctionName=REVIEWER, Timeout=timeout - 1)
    client.get_waiter("function_updated_v2").wait(FunctionName=REVIEWER, WaiterConfig={"Delay": 1})
    try:
        refused = run(local_aws, "workers", "resize", "1024", "--yes")
    finally:
        client.update_function_configuration(FunctionName=REVIEWER, Timeout=timeout)
        client.get_waiter("function_updated_v2").wait(FunctionName=REVIEWER, WaiterConfig={"Delay": 1})
    assert (refused.returncode, "deploy first" in refused.stderr) == (1, True)


@pytest.mark.parametrize("words", [("scale", "1"), ("scale", "many"), ("resize", "20000"), ("scale", "5")])
def test_what_makes_no_sense_is_refused_in_one_line(local_aws: LocalStack, words: tuple[str, ...]) -> None:
    before = said(local_aws, "workers", "status")
    refused = run(local_aws, "workers", *words)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("Error: ")
    assert json.dumps(said(local_aws, "workers", "status")) == json.dumps(before)
