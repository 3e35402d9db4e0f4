"""The audit outbox on DynamoDB: what waits, and what has gone."""

from datetime import timedelta
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.items import marshal
from tests.adapters.dynamodb.control.samples import NOW, entry

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def test_an_entry_waits_until_it_is_marked_as_sent(dynamodb: "DynamoDBClient", table: str) -> None:
    outbox, refusal = DynamoAuditOutbox(dynamodb, table), entry("keys.refused")
    assert [outbox.put(refusal), outbox.put(refusal)] == [True, False]
    assert outbox.unsent(now=NOW - timedelta(seconds=1), limit=10) == []
    assert outbox.unsent(now=NOW, limit=10) == [refusal]
    outbox.mark_sent(refusal, now=NOW)
    outbox.mark_sent(refusal, now=NOW)
    outbox.mark_sent(entry("never stored"), now=NOW)
    assert outbox.unsent(now=NOW, limit=10) == []
    (item,) = dynamodb.scan(TableName=table)["Items"]
    assert int(item["expires_at"]["N"]) == int((NOW + timedelta(days=30)).timestamp())


def test_entries_are_no_work_for_the_reconcilers_agenda(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda
) -> None:
    DynamoAuditOutbox(dynamodb, table).put(entry())
    assert agenda.due(now=NOW + timedelta(days=1), limit=100, most_of_a_tenant=100) == []


def test_an_entry_that_cannot_be_read_does_not_stop_the_others(dynamodb: "DynamoDBClient", table: str) -> None:
    outbox, good = DynamoAuditOutbox(dynamodb, table), entry()
    outbox.put(good)
    for shard in range(4):
        broken = {"pk": f"audit#broken-{shard}", "entry": "{}", "due_shard": f"audit#{shard}", "due_at": "2026-01-01"}
        dynamodb.put_item(TableName=table, Item=marshal(broken))
    assert outbox.unsent(now=NOW, limit=100) == [good]
