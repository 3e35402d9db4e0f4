"""The index of waiting work: what is due is found without a scan, and changed only while it still is.

Its entries are ordered by tenant, then by lane, reviews before held messages, then by time. A look takes the longest
due ones of a lane and passes over the rest in one step, so that it comes to everything, however many a tenant has: a
request for each page of entries, and one more for each lane that has more than a page.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import (
    HELD_LANE,
    SHARDS,
    due_attributes,
    due_moment,
    due_spellings,
    has_begun_pk,
    held_pk,
    is_held_pk,
    marshal,
    read_due,
    unmarshal,
)
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode, encode
from codereview.domain.parking import Held, held_id
from codereview.domain.reconciling import Due

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_INDEX = "due"
_PAGE = 250
_FIRST, _LAST = " ", "~"  # before and behind all tenants
_STILL_DUE = "due_at IN (:due, :formerly, :at_first)"
_BEFORE, _BEHIND = "#", "$"  # what stands between lane and time, and what sorts right behind it


class DynamoAgenda:
    """The control table as an Agenda."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table
        self._begin_at = dict[str, str]()  # where the last look into a shard had read enough

    def hold(self, held: Held) -> None:
        """Put the message's item; a second message for the same work only moves its time."""
        pk = held_pk(held.id, has_begun=held.has_begun)
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

    def due(self, *, now: datetime, limit: int, most_of_a_tenant: int) -> Sequence[Due]:
        """Go through each shard, beginning with the lanes that the last look had not come to."""
        found = list[Due]()
        for shard in (f"work#{number}" for number in range(SHARDS)):
            begin = self._begin_at.pop(shard, _FIRST)
            look = _Look(now=now, limit=limit // SHARDS, most_of_a_tenant=most_of_a_tenant)
            ends_at = self._walk(shard, look, begin, _LAST)
            if ends_at is None and begin != _FIRST:
                ends_at = self._walk(shard, look, _FIRST, begin)
            if ends_at is not None:
                self._begin_at[shard] = ends_at
            found += look.found
        return found

    def _walk(self, shard: str, look: "_Look", begin: str, end: str) -> str | None:
        """Look at a part of a shard; returns where to go on if there is more than was asked for."""
        start = dict[str, Any]()
        while True:
            page, start = self._page(shard, begin, end, start)
            for keys in page:
                place = _place(keys)
                if look.has_enough:
                    return place + (_BEHIND if look.took_last_from == place else _BEFORE)
                look.take(_entry(keys), place)
            if not start:
                return None
            place = _place(page[-1])
            if look.is_done_with(_entry(page[-1]), place):
                begin, start = place + _BEHIND, {}

    def _page(
        self, shard: str, begin: str, end: str, start: Mapping[str, Any]
    ) -> tuple[Sequence[Mapping[str, Any]], dict[str, Any]]:
        query: dict[str, Any] = {"ExclusiveStartKey": start} if start else {}
        try:
            page = self._client.query(
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at BETWEEN :begin AND :end",
                ExpressionAttributeValues=marshal({":shard": shard, ":begin": begin, ":end": end}),
                Limit=_PAGE,
                **query,
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        return [unmarshal(keys) for keys in page["Items"]], dict(page.get("LastEvaluatedKey", {}))

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
                ConditionExpression=_STILL_DUE,
                ExpressionAttributeValues=marshal({":later": later, **condition}),
            ),
            entry,
        )

    def drop(self, entry: Due) -> None:
        """Delete the item, if it was not held back again meanwhile."""
        self._if_still_due(
            lambda condition: self._client.delete_item(
                TableName=self._table,
                Key=marshal({"pk": entry.id}),
                ConditionExpression=_STILL_DUE,
                ExpressionAttributeValues=marshal(condition),
            ),
            entry,
        )

    def _if_still_due(self, write: Any, entry: Due) -> None:
        spellings = due_spellings(entry.due_at, tenant=entry.tenant)
        try:
            write(dict(zip((":due", ":formerly", ":at_first"), spellings, strict=True)))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error

    def holds(self, envelope: Envelope) -> bool:
        """Ask for the message's item, no more than whether there is one."""
        try:
            answer = self._client.get_item(
                TableName=self._table,
                Key=marshal({"pk": held_pk(held_id(envelope))}),
                ProjectionExpression="pk",
                ConsistentRead=True,
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        return "Item" in answer


def _entry(keys: Mapping[str, Any]) -> Due:
    pk, (tenant, moment) = keys["pk"], read_due(keys["due_at"])
    return Due(id=pk, tenant=tenant, due_at=moment, is_held=is_held_pk(pk), has_begun=has_begun_pk(pk))


def _place(keys: Mapping[str, Any]) -> str:
    """Return what all entries of a lane begin with."""
    place: str = keys["due_at"].partition("#")[0]
    return place


class _Look:
    """What one look into a shard has found so far."""

    def __init__(self, *, now: datetime, limit: int, most_of_a_tenant: int) -> None:
        self.found = list[Due]()
        self._now, self._limit, self._most = now, limit, most_of_a_tenant
        self._taken = Counter[tuple[str, bool]]()
        self.took_last_from: str | None = None

    @property
    def has_enough(self) -> bool:
        return len(self.found) >= self._limit

    def take(self, entry: Due, place: str) -> None:
        """Take an entry, unless it is not due or too much of its tenant's lane."""
        if entry.due_at <= self._now and not self._is_full(entry.tenant, is_held=entry.is_in_held_lane):
            self._taken[entry.tenant, entry.is_in_held_lane] += 1
            self.found.append(entry)
            self.took_last_from = place

    def is_done_with(self, entry: Due, place: str) -> bool:
        """Whether nothing that stands behind the entry in its place is to be taken.

        Held messages of an earlier release stand among the reviews, which are looked for behind any number of them.
        """
        return entry.due_at > self._now or self._is_full(entry.tenant, is_held=place.endswith(HELD_LANE))

    def _is_full(self, tenant: str, *, is_held: bool) -> bool:
        return self._taken[tenant, is_held] >= self._most
