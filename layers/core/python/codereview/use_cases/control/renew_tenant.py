"""Makes a tenant what GitHub says about its installation."""

from dataclasses import dataclass, replace

from codereview.control_ports import Installations, Tenants
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.describing import described
from codereview.domain.control.tenants import InstallationProof, Tenant, TenantStatus
from codereview.domain.review import TenantId
from codereview.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewTenant:
    """Writes nothing but the tenant's own item: it begins no new life, so that whoever hears of an event may use it."""

    installations: Installations
    tenants: Tenants

    def __call__(self, tenant_id: TenantId, *, request: Request) -> Tenant:
        """Ask GitHub about the tenant's installation; one that is gone or another's now removes the tenant.

        A removed tenant stays so, since GitHub gives no number of an installation twice: only binding it anew brings it
        back. Raises NotFoundError for a tenant that there is not, and StaleVersionError if it was changed meanwhile.
        """
        before = self.tenants.load(tenant_id)
        if before is None:
            raise NotFoundError("no such tenant")
        if before.status is TenantStatus.REMOVED:
            return before
        after = _renewed(before, self.installations.prove(before.installation_id))
        if replace(after, proven_at=before.proven_at) == before:
            return before
        audit = audited(
            request,
            tenant=tenant_id,
            action="tenants.remove" if after.status is TenantStatus.REMOVED else "tenants.renew",
            target=f"tenant/{tenant_id}",
            before=described(before),
            after=described(after),
        )
        return self.tenants.save(after, audit=audit)


def _renewed(before: Tenant, proof: InstallationProof | None) -> Tenant:
    if proof is None or (proof.host, proof.account_id) != (before.host, before.account_id):
        return replace(before, status=TenantStatus.REMOVED)
    status = TenantStatus.SUSPENDED if proof.is_suspended else TenantStatus.ACTIVE
    return replace(before, login=proof.login, status=status, proven_at=proof.seen_at)
