"""Stops and resumes serving a tenant, whatever GitHub says of it."""

from dataclasses import dataclass, replace

from codereview.control_ports import Tenants
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.describing import described
from codereview.domain.control.tenants import Tenant
from codereview.domain.review import TenantId
from codereview.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTenant:
    """Needs nobody but the table, so that it also works where GitHub cannot be asked."""

    tenants: Tenants

    def __call__(self, tenant_id: TenantId, *, is_blocked: bool, request: Request) -> Tenant:
        """Change it, if it is not so already; raises NotFoundError for a tenant that there is not."""
        before = self.tenants.load(tenant_id)
        if before is None:
            raise NotFoundError("no such tenant")
        after = replace(before, is_blocked=is_blocked)
        if after == before:
            return before
        audit = audited(
            request,
            tenant=tenant_id,
            action="tenants.block" if is_blocked else "tenants.unblock",
            target=f"tenant/{tenant_id}",
            before=described(before),
            after=described(after),
        )
        return self.tenants.save(after, audit=audit)
