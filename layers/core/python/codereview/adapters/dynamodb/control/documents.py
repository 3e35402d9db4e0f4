"""Values of the control plane as versioned items, each written in one transaction with the audit entry that says so.

Races that are handled here: two callers that read the same version (each write is conditional on the version that was
read; the later one hears StaleVersionError), and a write whose answer was lost (the SDK repeats a transaction under the
same token, which DynamoDB takes once). Lists come from an index of keys that may be a moment behind; the items are then
read strongly consistent, so that a list never shows a value that is gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from codereview.adapters.dynamodb.control.outbox import put_entry
from codereview.adapters.dynamodb.control.transactions import Part, transact
from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import marshal, unmarshal
from codereview.domain.control.audit import AuditEntry
from codereview.errors import PermanentError, RetryableError, StaleVersionError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

OWNER_INDEX = "owner"
_MOST_READ_AT_ONCE = 100  # DynamoDB's own limit for one BatchGetItem
_MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an item lies and in which list: `owner` names the list, `sort` its place there; None: in no list."""

    pk: str
    owner: str | None = None
    sort: str | None = None
    expires_at: int | None = None  # seconds since 1970, for the table's TTL


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored[T]:
    """A value as it was read, with the version that it was written under and the item's other attributes."""

    value: T
    version: int
    attributes: Mapping[str, Any]


class Documents[T]:
    """All values of one kind."""

    def __init__(self, client: "DynamoDBClient", table: str, kind: type[T]) -> None:
        """Work on `table` with values of `kind`, a dataclass."""
        self._client = client
        self._table = table
        self._type = TypeAdapter(kind)

    def load(self, pk: str) -> Stored[T] | None:
        """Read one item, strongly consistent; raises PermanentError where what is stored is no such value."""
        try:
            answer = self._client.get_item(TableName=self._table, Key=marshal({"pk": pk}), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        return self._stored(answer["Item"]) if "Item" in answer else None

    def save(
        self,
        place: Place,
        value: T,
        *,
        version: int,
        audit: AuditEntry | None,
        extra: Mapping[str, Any] | None = None,
        others: Sequence[Part] = (),
    ) -> int:
        """Write over `version` (0: there is none) and return the new one; `extra` are attributes beside the value.

        `others` are written in the same transaction, each with the error that its refusal means; `audit` None: it is a
        stranger's change, whom the audit log is not woken for.
        """
        attributes = {
            "pk": place.pk,
            "owner": place.owner,
            "sort": place.sort,
            "expires_at": place.expires_at,
            "value": self._type.dump_json(value).decode(),
            "version": version + 1,
            **(extra or {}),
        }
        write = {"Put": {"TableName": self._table, "Item": marshal(attributes), **_condition(version)}}
        self._transact(write, audit, others)
        return version + 1

    def remove(
        self,
        pk: str,
        *,
        version: int,
        audit: AuditEntry,
        others: Sequence[Part] = (),
    ) -> None:
        """Delete the item, if its version is still this one."""
        delete = {"Delete": {"TableName": self._table, "Key": marshal({"pk": pk}), **_condition(version)}}
        self._transact(delete, audit, others)

    def _transact(
        self,
        write: Mapping[str, Any],
        audit: AuditEntry | None,
        others: Sequence[Part],
    ) -> None:
        stale = StaleVersionError("it was changed since it was read")
        twice = StaleVersionError("the same request made this change already")
        entries = [(put_entry(self._table, audit), twice)] if audit is not None else []
        transact(self._client, [(write, stale), *others, *entries])

    def page(
        self, owner: str, *, limit: int, after: str | None, newest_first: bool = False, since: str | None = None
    ) -> tuple[list[Stored[T]], str | None]:
        """Return a page of a list, and where the next one begins; `since` is the least sort that belongs to it."""
        pks, following = page_of_keys(
            self._client, self._table, owner, limit=limit, after=after, newest_first=newest_first, since=since
        )
        found = self.load_all(pks)
        return [found[pk] for pk in pks if pk in found], following

    def load_all(self, pks: Sequence[str]) -> dict[str, Stored[T]]:
        """Read many items, strongly consistent; those that do not exist are left out."""
        return {pk: self._stored(item) for pk, item in batch_get(self._client, self._table, pks).items()}

    def _stored(self, item: Mapping[str, Any]) -> Stored[T]:
        attributes = unmarshal(item)
        try:
            value = self._type.validate_json(attributes.get("value", ""))
        except ValidationError as error:
            kind = attributes["pk"].partition("#")[0]
            raise PermanentError(f"a stored {kind} does not fit its form: {error.error_count()} problems") from error
        return Stored(value=value, version=int(attributes.get("version", 0)), attributes=attributes)


def _condition(version: int) -> dict[str, Any]:
    if version == 0:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": marshal({":version": version}),
    }


def page_of_keys(
    client: "DynamoDBClient",
    table: str,
    owner: str,
    *,
    limit: int,
    after: str | None,
    newest_first: bool = False,
    since: str | None = None,
) -> tuple[list[str], str | None]:
    """Return the keys of a page of one list, and the place of the last, which the next page begins after."""
    start: dict[str, Any] = {"ExclusiveStartKey": marshal(_position(owner, after))} if after is not None else {}
    names, values = {"#owner": "owner"}, {":owner": owner}
    condition = "#owner = :owner"
    if since is not None:
        names, values, condition = (
            names | {"#sort": "sort"},
            values | {":since": since},
            f"{condition} AND #sort >= :since",
        )
    try:
        answer = client.query(
            TableName=table,
            IndexName=OWNER_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=marshal(values),
            ScanIndexForward=not newest_first,
            Limit=limit,
            **start,
        )
    except (ClientError, BotoCoreError) as error:
        raise translated(error) from error
    keys = [unmarshal(item) for item in answer["Items"]]
    has_more = bool(answer.get("LastEvaluatedKey")) and bool(keys)
    return [key["pk"] for key in keys], _position_text(keys[-1]) if has_more else None


def _position(owner: str, after: str) -> dict[str, str]:
    sort, _, pk = after.partition("\n")
    return {"owner": owner, "sort": sort, "pk": pk}


def _position_text(key: Mapping[str, str]) -> str:
    return f"{key['sort']}\n{key['pk']}"


def batch_get(client: "DynamoDBClient", table: str, pks: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Read items by key, strongly consistent, again and again what DynamoDB leaves out for its size."""
    found: dict[str, Mapping[str, Any]] = {}
    for begin in range(0, len(pks), _MOST_READ_AT_ONCE):
        left: Any = {table: {"Keys": _keys(pks[begin : begin + _MOST_READ_AT_ONCE]), "ConsistentRead": True}}
        for _ in range(_MOST_ROUNDS):
            try:
                answer = client.batch_get_item(RequestItems=left)
            except (ClientError, BotoCoreError) as error:
                raise translated(error) from error
            found |= {item["pk"]["S"]: item for item in answer["Responses"].get(table, [])}
            left = answer.get("UnprocessedKeys")
            if not left:
                break
        else:
            raise RetryableError("control table does not read all that it was asked for")
    return found


def _keys(pks: Sequence[str]) -> list[dict[str, Any]]:
    return [marshal({"pk": pk}) for pk in dict.fromkeys(pks)]
