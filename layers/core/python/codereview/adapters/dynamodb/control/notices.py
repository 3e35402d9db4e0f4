"""Notices on the control table."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from codereview.adapters.dynamodb.control.documents import Documents, Place, Stored
from codereview.adapters.dynamodb.items import due_text
from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.notices import Notice
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=30)


class DynamoNotices:
    """The `notice#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, Notice)

    def load(self, notice_id: UUID) -> Notice | None:
        """Read one."""
        stored = self._documents.load(_pk(notice_id))
        return _notice(stored) if stored else None

    def page(self, tenant: TenantId | None, *, limit: int, after: str | None = None) -> Page[Notice]:
        """List a tenant's own, or those to all."""
        found, following = self._documents.page(_owner(tenant), limit=limit, after=after)
        return Page(items=tuple(_notice(stored) for stored in found), next=following)

    def save(self, notice: Notice, *, audit: AuditEntry) -> Notice:
        """Write over the version that was read."""
        place = Place(
            pk=_pk(notice.id),
            owner=_owner(notice.tenant),
            sort=due_text(notice.created_at),
            expires_at=int((notice.until + _KEPT).timestamp()),
        )
        return replace(notice, version=self._documents.save(place, notice, version=notice.version, audit=audit))

    def remove(self, notice: Notice, *, audit: AuditEntry) -> None:
        """Delete the version that was read."""
        self._documents.remove(_pk(notice.id), version=notice.version, audit=audit)


def _pk(notice_id: UUID) -> str:
    return f"notice#{notice_id}"


def _owner(tenant: TenantId | None) -> str:
    return f"notices#{tenant or 'all'}"


def _notice(stored: Stored[Notice]) -> Notice:
    return replace(stored.value, version=stored.version)
