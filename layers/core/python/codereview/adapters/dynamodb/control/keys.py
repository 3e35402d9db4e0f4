"""API keys on the control table: looked up by id, compared by hash."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.control.documents import Documents, Place, Stored
from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import due_text, epoch_ms, marshal, moment_of
from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.keys import TOUCHED_EVERY, ApiKey
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=90)  # after its end, so that a list can still say what an audit entry's key was


class DynamoApiKeys:
    """The `key#` items. When a key was last used stands beside its value: it is no change and has no version."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table
        self._documents = Documents(client, table, ApiKey)

    def load(self, key_id: str) -> ApiKey | None:
        """Read one by id."""
        stored = self._documents.load(_pk(key_id))
        return _key(stored) if stored else None

    def page(self, tenant: TenantId, *, limit: int, after: str | None = None) -> Page[ApiKey]:
        """List a tenant's keys, by creation."""
        found, following = self._documents.page(f"keys#{tenant}", limit=limit, after=after)
        return Page(items=tuple(_key(stored) for stored in found), next=following)

    def save(self, key: ApiKey, *, audit: AuditEntry) -> ApiKey:
        """Write over the version that was read."""
        place = Place(
            pk=_pk(key.id),
            owner=f"keys#{key.tenant}",
            sort=due_text(key.created_at),
            expires_at=int((key.expires_at + _KEPT).timestamp()),
        )
        used = {"used_at": epoch_ms(key.last_used_at)} if key.last_used_at else None
        version = self._documents.save(place, key, version=key.version, audit=audit, extra=used)
        return replace(key, version=version)

    def touch(self, key_id: str, *, now: datetime) -> None:
        """Remember the use, unless one of the last hour is remembered."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": _pk(key_id)}),
                UpdateExpression="SET used_at = :now",
                ConditionExpression="attribute_exists(pk) AND (attribute_not_exists(used_at) OR used_at <= :then)",
                ExpressionAttributeValues=marshal({":now": epoch_ms(now), ":then": epoch_ms(now - TOUCHED_EVERY)}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error


def _pk(key_id: str) -> str:
    return f"key#{key_id}"


def _key(stored: Stored[ApiKey]) -> ApiKey:
    used = stored.attributes.get("used_at")
    return replace(stored.value, version=stored.version, last_used_at=moment_of(used) if used is not None else None)
