"""Deletes everything of a tenant, and leaves a tombstone: what its audit chain ended with, in the deployment's chain.

The order is what makes it safe to die anywhere: the rule says that the tenant is being deleted until the last
transaction takes the rule away, so the next run finds it and does what is left.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from codereview.domain.archive import archive_prefix
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.tenants import parse_tenant_id
from codereview.domain.retention import refuse_held
from codereview.domain.review import TenantId
from codereview.errors import NotFoundError
from codereview.ports import Clock
from codereview.record_ports import NONE_DELETED, Deleted, Retention, Shelf

_ROWS_AT_ONCE = 2_000
_KINDS = ("results", "answers", "exports", "anchors")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionReport:
    """What was deleted; not finished: the next run goes on."""

    tenant: TenantId
    objects: int = 0
    deleted: Deleted = NONE_DELETED
    is_finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTenant:
    """Deletes tenants."""

    clock: Clock
    retention: Retention
    shelf: Shelf

    def request(self, tenant: TenantId, *, request: Request) -> None:
        """Say that the tenant is to be deleted, audited; raises ConflictError under a legal hold."""
        if parse_tenant_id(tenant) is None:
            raise NotFoundError("no such tenant")
        rule, now = self.retention.rule(tenant), self.clock.now()
        refuse_held(rule, now)
        entry = audited(request, tenant=tenant, action="tenants.delete", target=f"tenant/{tenant}")
        self.retention.change(replace(rule, deleting_since=rule.deleting_since or now), audit=entry, now=now)

    def pending(self, *, request: Request, deadline: datetime) -> tuple[DeletionReport, ...]:
        """Go on with every tenant that is to be deleted."""
        return tuple(
            self.delete(tenant, request=request, deadline=deadline)
            for tenant in self.retention.deleting()
            if not self.retention.rule(tenant).is_held(self.clock.now())
        )

    def delete(self, tenant: TenantId, *, request: Request, deadline: datetime) -> DeletionReport:
        """Delete objects, then rows, then the chain; stops at the deadline.

        Raises ConflictError for a tenant that nobody asked to delete, or under a legal hold.
        """
        report = DeletionReport(tenant=tenant)
        self.retention.expire(tenant, now=self.clock.now(), limit=_ROWS_AT_ONCE, everything=True)
        own = tenant.replace(":", "/")
        for prefix in (archive_prefix(tenant), *(f"{kind}/{own}/" for kind in _KINDS)):
            while keys := self.shelf.keys(prefix):
                for key in keys:
                    if self.clock.now() >= deadline:
                        return report
                    self.shelf.delete(key)
                    report = replace(report, objects=report.objects + 1)
        while self.clock.now() < deadline:
            batch = self.retention.expire(tenant, now=self.clock.now(), limit=_ROWS_AT_ONCE, everything=True)
            report = replace(report, deleted=report.deleted + batch)
            if batch.total == 0:
                entry = audited(
                    request,
                    tenant=None,
                    action="tenants.deleted",
                    target=f"tenant/{tenant}",
                    after={"objects": report.objects, "rows": report.deleted.total},
                )
                self.retention.bury(tenant, audit=entry, now=self.clock.now())
                return replace(report, is_finished=True)
        return report
