"""Tenants on the control table."""

from dataclasses import replace
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import Documents, Place, Stored
from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.tenants import Tenant
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoTenants:
    """The `tenant#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, Tenant)

    def load(self, tenant: TenantId) -> Tenant | None:
        """Read one."""
        stored = self._documents.load(_pk(tenant))
        return _tenant(stored) if stored else None

    def page(self, *, limit: int, after: str | None = None) -> Page[Tenant]:
        """List all, by id."""
        found, following = self._documents.page("tenants", limit=limit, after=after)
        return Page(items=tuple(_tenant(stored) for stored in found), next=following)

    def save(self, tenant: Tenant, *, audit: AuditEntry) -> Tenant:
        """Write over the version that was read."""
        place = Place(pk=_pk(tenant.id), owner="tenants", sort=tenant.id)
        version = self._documents.save(place, tenant, version=tenant.version, audit=audit)
        return replace(tenant, version=version)


def _pk(tenant: TenantId) -> str:
    return f"tenant#{tenant}"


def _tenant(stored: Stored[Tenant]) -> Tenant:
    return replace(stored.value, version=stored.version)
