"""The index of waiting work: what is due is found without a scan, and changed only while it still is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import (
    SHARDS,
    due_attributes,
    due_moment,
    due_text,
    held_pk,
    marshal,
    unmarshal,
)
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode, encode
from codereview.domain.parking import Held
from codereview.domain.reconciling import Due

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_INDEX = "due"
_HELD = "held#"
_AFTER_ANY_TENANT = "$"  # sorts right behind the "#" between time and tenant


class DynamoAgenda:
    """The control table as an Agenda."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def hold(self, held: Held) -> None:
        """Put the message's item; a second message for the same work only moves its time."""
        pk = held_pk(held.id)
        attributes = {
            "pk": pk,
            "envelope": encode(held.envelope),
            "reason": held.reason,
            **due_attributes(held.due_at, pk=pk, tenant=held.tenant),
        }
        try:
            self._client.put_item(TableName=self._table, Item=marshal(attributes))
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error

    def due(self, *, now: datetime, limit: int) -> Sequence[Due]:
        """Query each shard for its longest due entries."""
        return [entry for shard in range(SHARDS) for entry in self._due_in(f"work#{shard}", now, limit // SHARDS)]

    def _due_in(self, shard: str, now: datetime, limit: int) -> list[Due]:
        entries, start = list[Due](), dict[str, Any]()
        while len(entries) < limit:
            query: dict[str, Any] = {"ExclusiveStartKey": start} if start else {}
            try:
                page = self._client.query(
                    TableName=self._table,
                    IndexName=_INDEX,
                    KeyConditionExpression="due_shard = :shard AND due_at < :end",
                    ExpressionAttributeValues=marshal({":shard": shard, ":end": due_text(now) + _AFTER_ANY_TENANT}),
                    Limit=limit - len(entries),
                    **query,
                )
            except (ClientError, BotoCoreError) as error:
                raise translated(error) from error
            entries += [_entry(unmarshal(keys)) for keys in page["Items"]]
            start = dict(page.get("LastEvaluatedKey", {}))
            if not start:
                break
        return entries

    def envelope_of(self, entry: Due) -> Envelope | None:
        """Read the entry's item."""
        try:
            answer = self._client.get_item(TableName=self._table, Key=marshal({"pk": entry.id}), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        values = unmarshal(answer.get("Item", {}))
        if due_moment(values) != entry.due_at or "envelope" not in values:
            return None
        return decode(values["envelope"])

    def move_on(self, entry: Due, *, until: datetime) -> None:
        """Set a later time, if nobody else did something to the entry meanwhile."""
        later = due_attributes(until, pk=entry.id, tenant=entry.tenant)["due_at"]
        self._if_still_due(
            lambda condition: self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": entry.id}),
                UpdateExpression="SET due_at = :later",
                ConditionExpression="due_at = :due",
                ExpressionAttributeValues=marshal({":later": later, ":due": condition}),
            ),
            entry,
        )

    def drop(self, entry: Due) -> None:
        """Delete the item, if it was not held back again meanwhile."""
        self._if_still_due(
            lambda condition: self._client.delete_item(
                TableName=self._table,
                Key=marshal({"pk": entry.id}),
                ConditionExpression="due_at = :due",
                ExpressionAttributeValues=marshal({":due": condition}),
            ),
            entry,
        )

    def _if_still_due(self, write: Any, entry: Due) -> None:
        try:
            write(f"{due_text(entry.due_at)}#{entry.tenant}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error


def _entry(keys: Mapping[str, Any]) -> Due:
    moment, _, tenant = keys["due_at"].partition("#")
    return Due(
        id=keys["pk"], tenant=tenant, due_at=datetime.fromisoformat(moment), is_held=keys["pk"].startswith(_HELD)
    )
