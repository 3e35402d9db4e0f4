"""Functions of the deployed system are killed as the kernel kills: at a stage, by -9, with no last word.

GitHub holds the function at the stage, by being slow to answer one operation. What would take minutes afterwards is
not waited for: the lease and the due time are set back, as if the time had passed. The way on is the product's own,
through the reconciler and the queue.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from codereview.adapters.dynamodb.items import (
    due_attributes,
    epoch_ms,
    marshal,
    pull_request_pk,
    review_attributes,
    review_pk,
)
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.ports import PullRequestKey, ReviewItem
from local.demo import sample_repository, wait_for_record
from local.stack import STACK_NAME, LocalStack

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

HELD_SECONDS = 25.0  # a read of ours is given up after 30
PATIENCE_SECONDS = 200.0
A_MOMENT_SECONDS = 3  # from what the table says to the request that is held
AGAIN_SECONDS = 15  # longer than the recorder takes
Pull = dict[str, Any]


def until[Found](look: Callable[[], Found | None]) -> Found:
    """Return what a look finds, as soon as it finds something."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < ends_at, "it does not come"
        time.sleep(0.05)
    return found


def processes_of(stack: LocalStack, function: str) -> set[int]:
    """Find the processes that run a function of this very stack: they alone know its emulator's address."""
    wanted = {
        f"AWS_LAMBDA_FUNCTION_NAME={STACK_NAME}-{function}".encode(),
        f"AWS_ENDPOINT_URL={stack.aws.endpoint_url}".encode(),
    }
    found = set[int]()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = set((process / "environ").read_bytes().split(b"\0"))
        except OSError:
            continue
        if wanted <= environment:
            found.add(int(process.name))
    return found


def item_of(stack: LocalStack, pull: Pull) -> ReviewItem | None:
    """Read the review's item, which its check run names."""
    if not pull["check_runs"]:
        return None
    table = stack.deployment.outputs["ControlTableName"]
    return DynamoReviews(stack.aws.client("dynamodb"), table).load(UUID(pull["check_runs"][0]["external_id"]))


def let_time_pass(stack: LocalStack, item: ReviewItem) -> None:
    """Set lease, due time and the unknown post back, as an hour does."""
    client, table = stack.aws.client("dynamodb"), stack.deployment.outputs["ControlTableName"]
    place = PullRequestKey(tenant=item.key.tenant, repository_id=item.key.repository_id, number=item.key.number)
    now = datetime.now(tz=UTC)  # noqa: TID251 -- of the functions, which run in real time
    client.update_item(
        TableName=table,
        Key=marshal({"pk": pull_request_pk(place)}),
        UpdateExpression="SET lease_until = :past",
        ExpressionAttributeValues=marshal({":past": epoch_ms(now - timedelta(minutes=1))}),
    )
    pk = review_pk(item.key.review_id)
    posting = item.posting_since - timedelta(hours=1) if item.posting_since else None
    aged = review_attributes(replace(item, posting_since=posting, due_at=now), now=now)
    assert due_attributes(now, pk=pk, tenant=item.key.tenant).items() <= aged.items()
    client.put_item(TableName=table, Item=marshal({"pk": pk, **aged}))


def reconcile(stack: LocalStack) -> None:
    name = stack.deployment.resources["ReconcilerFunction"]
    answer = stack.aws.client("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read())["Release"] == "done"


def claimed(item: ReviewItem, _pull: Pull) -> bool:
    return item.result is None


def answered(item: ReviewItem, _pull: Pull) -> bool:
    return item.result is not None


def posted(_item: ReviewItem, pull: Pull) -> bool:
    return bool(pull["reviews"])


def ended(item: ReviewItem, _pull: Pull) -> bool:
    return item.state.is_end


STAGES = [
    pytest.param("pulls/list-files", {"delay": HELD_SECONDS}, claimed, id="claimed", marks=pytest.mark.long),
    pytest.param("pulls/list-reviews", {"delay": HELD_SECONDS}, answered, id="answered", marks=pytest.mark.long),
    pytest.param("pulls/create-review", {"linger": HELD_SECONDS}, posted, id="posted"),
    pytest.param("checks/update", {"delay": HELD_SECONDS, "is_cut": True}, ended, id="ended", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("operation", "fault", "is_there"), STAGES)
def test_f28_f41_a_reviewer_that_is_killed_at_a_stage_leaves_one_review_in_the_end(
    local_aws: LocalStack,
    operation: str,
    fault: dict[str, Any],
    is_there: Callable[[ReviewItem, Pull], bool],
    request: pytest.FixtureRequest,
) -> None:
    stack, hub = local_aws, local_aws.hub
    repository = hub.add_repository(sample_repository(), owner="acme", name=f"killed-{request.node.callspec.id}")
    hub.script(operation, fault)
    number = hub.open_pull(repository, base="main", head="change", title="Kill me")["number"]

    def at_the_stage() -> ReviewItem | None:
        pull = hub.pull(repository, number)
        item = item_of(stack, pull)
        return item if item is not None and is_there(item, pull) else None

    until(at_the_stage)
    time.sleep(A_MOMENT_SECONDS)
    doomed = processes_of(stack, "reviewer")
    assert doomed, "no process runs the reviewer"
    for process in doomed:
        os.kill(process, signal.SIGKILL)
    item = item_of(stack, hub.pull(repository, number))
    assert item is not None
    assert not item.is_settled
    let_time_pass(stack, item)
    reconcile(stack)
    pull = until(lambda: finished(hub.pull(repository, number)))
    wait_for_record(stack.database.superuser_dsn, str(item.key.review_id))
    assert [review["commit_id"] for review in pull["reviews"]] == [pull["head_sha"]]
    assert [run["conclusion"] for run in pull["check_runs"]] == ["neutral"]
    comments = [(one["path"], one["line"], one["body"]) for one in pull["reviews"][0]["comments"]]
    assert comments
    assert len(set(comments)) == len(comments)
    with psycopg.connect(stack.database.superuser_dsn) as connection:
        query = "SELECT state FROM reviews WHERE review_id = %s"
        assert connection.execute(query, [str(item.key.review_id)]).fetchall() == [("posted",)]


@contextmanager
def gathered(stack: LocalStack) -> Iterator[Callable[[], None]]:
    """Keep the record's messages from the recorder until the returned function is called.

    What it does not acknowledge is there again in seconds, not in minutes.
    """
    client: Any = stack.aws.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName=f"{STACK_NAME}-recorder:live")["EventSourceMappings"]
    queues, queue = stack.aws.client("sqs"), stack.deployment.outputs["RecordQueueUrl"]
    usual = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]

    def go_on() -> None:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    queues.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(AGAIN_SECONDS)})
    try:
        yield go_on
    finally:
        queues.set_queue_attributes(QueueUrl=queue, Attributes=usual)
        go_on()


def waits_for_a_lock(connection: psycopg.Connection[Any]) -> bool | None:
    query = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return True if connection.execute(query).fetchone() is not None else None


@pytest.mark.long
def test_f28_a_recorder_that_is_killed_in_a_batch_leaves_each_review_on_record_once(local_aws: LocalStack) -> None:
    stack, hub = local_aws, local_aws.hub
    with gathered(stack) as go_on, psycopg.connect(stack.database.superuser_dsn, autocommit=True) as connection:
        places = [hub.add_repository(sample_repository(), owner="acme", name=f"recorded-{n}") for n in (1, 2)]
        numbers = [hub.open_pull(place, base="main", head="change", title="Record me")["number"] for place in places]

        def ends() -> list[ReviewItem] | None:
            items = [item_of(stack, hub.pull(place, number)) for place, number in zip(places, numbers, strict=True)]
            done = [item for item in items if item is not None and item.is_settled]
            return done if len(done) == len(items) else None

        items = until(ends)
        last = items[-1].key
        # What the recorder itself takes first of all, in the transaction of this pull request.
        lock = f"pull request {last.tenant} {last.repository_id} {last.number}"
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [lock])
        go_on()
        until(lambda: waits_for_a_lock(connection))
        doomed = processes_of(stack, "recorder")
        assert doomed, "no process runs the recorder"
        for process in doomed:
            os.kill(process, signal.SIGKILL)
        connection.execute("SELECT pg_advisory_unlock_all()")
        found = [wait_for_record(stack.database.superuser_dsn, str(item.key.review_id)) for item in items]
        until(lambda: None if waiting_records(stack) else True)  # acknowledged in the end, the first of them too
        rows = "SELECT count(*) FROM reviews WHERE review_id = %s"
        assert [connection.execute(rows, [str(item.key.review_id)]).fetchone() for item in items] == [(1,), (1,)]
    assert found[0] == found[1]  # of the same change
    assert found[0]
    assert len(set(found[0])) == len(found[0])


def waiting_records(stack: LocalStack) -> int:
    """Count the messages of the record queue, those that somebody has received too."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queue = stack.deployment.outputs["RecordQueueUrl"]
    answer = stack.aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def finished(pull: Pull) -> Pull | None:
    return pull if all(run["status"] == "completed" for run in pull["check_runs"]) else None
