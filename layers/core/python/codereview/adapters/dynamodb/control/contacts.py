"""Tenants' mail addresses, and which notices were mailed to whom, on the control table."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.control.documents import Documents, Place
from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import due_text, marshal
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.contacts import Contacts
from codereview.domain.control.notices import Notice
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_OWNER = "contacts"
_PAGE = 100
_KEPT = timedelta(days=30)


class DynamoContacts:
    """The `contacts#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, Contacts)

    def load(self, tenant: TenantId) -> Contacts:
        """Read a tenant's; without any, none."""
        stored = self._documents.load(_pk(tenant))
        return replace(stored.value, version=stored.version) if stored else Contacts(tenant=tenant)

    def save(self, contacts: Contacts, *, audit: AuditEntry) -> None:
        """Write over the version that was read."""
        place = Place(pk=_pk(contacts.tenant), owner=_OWNER, sort=contacts.tenant)
        self._documents.save(place, contacts, version=contacts.version, audit=audit)

    def remove(self, contacts: Contacts, *, audit: AuditEntry) -> None:
        """Delete the version that was read."""
        self._documents.remove(_pk(contacts.tenant), version=contacts.version, audit=audit)

    def all(self) -> Iterator[Contacts]:
        """Return every tenant's that ever had some."""
        after = None
        while True:
            found, after = self._documents.page(_OWNER, limit=_PAGE, after=after)
            yield from (replace(stored.value, version=stored.version) for stored in found)
            if after is None:
                return


class DynamoMailLog:
    """The `mailed#` items: each notice goes to a tenant once, however often it is confirmed."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def claim(self, notice: Notice, tenant: TenantId, *, now: datetime) -> bool:
        """Take it upon oneself to mail; False if somebody did before."""
        item = {"pk": _mailed(notice, tenant), "expires_at": int((now + _KEPT).timestamp())}
        try:
            self._client.put_item(
                TableName=self._table, Item=marshal(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error
        return True

    def give_back(self, notice: Notice, tenant: TenantId) -> None:
        """Let somebody else try: nothing was sent."""
        try:
            self._client.delete_item(TableName=self._table, Key=marshal({"pk": _mailed(notice, tenant)}))
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error


def _pk(tenant: TenantId) -> str:
    return f"contacts#{tenant}"


def _mailed(notice: Notice, tenant: TenantId) -> str:
    return f"mailed#{notice.id}#{due_text(notice.created_at)}#{tenant}"
