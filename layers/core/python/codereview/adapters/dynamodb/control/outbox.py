"""The audit outbox: entries that wait in the table, due at once, until the record queue has them."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import SHARDS, due_text, marshal, shard_of, unmarshal
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.audit_codec import decode_audit, encode_audit
from codereview.errors import PermanentError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_INDEX = "due"

# After that the record has the entry, or nobody ever will: the message was kept for fourteen days at most.
_KEPT = timedelta(days=30)


def entry_pk(entry: AuditEntry) -> str:
    """Name the item of an entry."""
    return f"audit#{entry.id}"


def put_entry(table: str, entry: AuditEntry) -> dict[str, Any]:
    """Spell out the part of a transaction that stores the entry, unsent; an entry that is there already refuses."""
    pk = entry_pk(entry)
    attributes = {"pk": pk, "entry": encode_audit(entry), "due_shard": _shard(pk), "due_at": due_text(entry.at)}
    return {
        "Put": {
            "TableName": table,
            "Item": marshal(attributes),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }


def _shard(pk: str) -> str:
    """Keep entries in partitions of their own: the reconciler's work is found under other names."""
    return shard_of(pk).replace("work#", "audit#")


class DynamoAuditOutbox:
    """The control table as an AuditOutbox."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def put(self, entry: AuditEntry) -> bool:
        """Store one entry, and say whether it is new; the same again changes nothing."""
        try:
            part: Any = put_entry(self._table, entry)
            self._client.transact_write_items(TransactItems=[part])
        except ClientError as error:
            reasons: Any = error.response.get("CancellationReasons", [])
            if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                raise translated(error) from error
            return False
        except BotoCoreError as error:
            raise translated(error) from error
        return True

    def unsent(self, *, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """Query each shard for its oldest entries, and read those, strongly consistent; one that is broken stays."""
        entries = list[AuditEntry]()
        for shard in range(SHARDS):
            for pk in self._waiting_in(f"audit#{shard}", now, max(limit // SHARDS, 1)):
                with suppress(PermanentError):
                    entries += self._read(pk)
        return entries

    def _waiting_in(self, shard: str, now: datetime, limit: int) -> list[str]:
        try:
            page = self._client.query(
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at <= :now",
                ExpressionAttributeValues=marshal({":shard": shard, ":now": due_text(now)}),
                Limit=limit,
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        return [unmarshal(keys)["pk"] for keys in page["Items"]]

    def _read(self, pk: str) -> list[AuditEntry]:
        try:
            answer = self._client.get_item(TableName=self._table, Key=marshal({"pk": pk}), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        values = unmarshal(answer.get("Item", {}))
        return [decode_audit(values["entry"])] if "due_shard" in values else []

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        """Take the entry out of the index, and let it go when the record must have it."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": entry_pk(entry)}),
                UpdateExpression="SET expires_at = :end REMOVE due_shard, due_at",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=marshal({":end": int((now + _KEPT).timestamp())}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error
