"""Exports that were asked for, on the control table."""

from typing import TYPE_CHECKING
from uuid import UUID

from codereview.adapters.dynamodb.control.documents import Documents, Place
from codereview.adapters.dynamodb.items import due_text
from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.exports import KEPT, ExportJob
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from datetime import datetime

    from types_boto3_dynamodb import DynamoDBClient


class DynamoExports:
    """The tenants' `job#` items; the tenant is part of the key, so that no id reaches another's."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, ExportJob)

    def load(self, tenant: TenantId, job_id: UUID) -> ExportJob | None:
        """Read one."""
        stored = self._documents.load(_pk(tenant, job_id))
        return stored.value if stored else None

    def page(self, tenant: TenantId, *, since: "datetime", limit: int, after: str | None = None) -> Page[ExportJob]:
        """List them, the latest first."""
        found, following = self._documents.page(
            _owner(tenant), limit=limit, after=after, newest_first=True, since=due_text(since)
        )
        return Page(items=tuple(stored.value for stored in found), next=following)

    def add(self, job: ExportJob, *, audit: AuditEntry) -> None:
        """Store a new one."""
        place = Place(
            pk=_pk(job.tenant, job.id),
            owner=_owner(job.tenant),
            sort=due_text(job.started_at),
            expires_at=int((job.started_at + KEPT).timestamp()),
        )
        self._documents.save(place, job, version=0, audit=audit)


def _pk(tenant: TenantId, job_id: UUID) -> str:
    return f"job#{tenant}#{job_id}"


def _owner(tenant: TenantId) -> str:
    return f"jobs#{tenant}"
