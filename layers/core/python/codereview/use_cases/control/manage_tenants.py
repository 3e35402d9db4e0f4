"""Tenants come from what GitHub says about installations, and from nothing else."""

from dataclasses import dataclass, replace

from codereview.control_ports import Flags, Installations, Pauses, Quotas, Tenants
from codereview.domain.control.audit import AuditEntry, Request, audited
from codereview.domain.control.describing import described
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.quotas import QuotaSet
from codereview.domain.control.tenants import InstallationProof, Tenant, TenantStatus
from codereview.domain.review import TenantId, tenant_of
from codereview.errors import NotFoundError
from codereview.use_cases.control.block_tenant import BlockTenant
from codereview.use_cases.control.renew_tenant import RenewTenant

_MOST_PAUSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageTenants:
    """Binds, renews and blocks tenants."""

    installations: Installations
    tenants: Tenants
    flags: Flags
    quotas: Quotas
    pauses: Pauses

    def bind(self, installation_id: int, *, request: Request) -> Tenant:
        """Ask GitHub whose installation it is, and make or renew that tenant; the id alone proves nothing.

        A tenant that had been removed, or has another installation than the one we know, begins a new generation with
        nothing of the old one: keys, roles and sessions of an older generation are void, settings and pauses are taken
        back. Raises NotFoundError for an installation that GitHub does not know as ours.
        """
        proof = self.installations.prove(installation_id)
        if proof is None:
            raise NotFoundError("GitHub knows no such installation")
        before = self.tenants.load(tenant_of(proof.host, proof.account_id))
        after = _bound(before, proof, request)
        if before is not None and replace(after, proven_at=before.proven_at) == before:
            return before
        if before is not None and after.generation != before.generation:
            # First, so that a death in between leaves a removed tenant without settings, and not a new one with them.
            self._forget(before, request)
        audit = audited(
            request,
            tenant=after.id,
            action="tenants.bind",
            target=f"tenant/{after.id}",
            before=described(before) if before else None,
            after=described(after),
        )
        return self.tenants.save(after, audit=audit)

    def _forget(self, tenant: Tenant, request: Request) -> None:
        """Take back what the tenant had set; the log keeps what it was."""

        def reset(action: str, target: str, before: object, after: object | None = None) -> AuditEntry:
            shown = described(after) if after is not None else None
            return audited(
                request, tenant=tenant.id, action=action, target=target, before=described(before), after=shown
            )

        flags, quotas = self.flags.load(tenant.id), self.quotas.load(tenant.id)
        empty = FlagSet(tenant=tenant.id, version=flags.version)
        if empty != flags:
            self.flags.save(empty, audit=reset("flags.reset", "flags", flags, _next(empty)))
        none = QuotaSet(tenant=tenant.id, version=quotas.version)
        if none != quotas:
            self.quotas.save(none, audit=reset("limits.reset", "limits", quotas, _next(none)))
        while pauses := self.pauses.page(tenant.id, limit=_MOST_PAUSES).items:
            for pause in pauses:
                self.pauses.resume(pause, audit=reset("pauses.reset", f"pause/{pause.target.path}", pause))

    def renew(self, tenant_id: TenantId, *, request: Request) -> Tenant:
        """Ask GitHub again about the tenant's installation; one that is gone or another's now removes the tenant."""
        return RenewTenant(installations=self.installations, tenants=self.tenants)(tenant_id, request=request)

    def block(self, tenant_id: TenantId, *, request: Request) -> Tenant:
        """Stop serving a tenant, whatever GitHub says."""
        return BlockTenant(tenants=self.tenants)(tenant_id, is_blocked=True, request=request)

    def unblock(self, tenant_id: TenantId, *, request: Request) -> Tenant:
        """Serve a tenant again, if GitHub still has it."""
        return BlockTenant(tenants=self.tenants)(tenant_id, is_blocked=False, request=request)


def _next[T: (FlagSet, QuotaSet)](value: T) -> T:
    """Return the value as it is once it is stored."""
    return replace(value, version=value.version + 1)


def _bound(before: Tenant | None, proof: InstallationProof, request: Request) -> Tenant:
    """Decide what the tenant becomes.

    An account has one installation of an App, so that another one means that it was uninstalled in between, whether we
    heard of that or not.
    """
    is_removed = before is not None and before.status is TenantStatus.REMOVED
    is_new = before is None or is_removed or before.installation_id != proof.installation_id
    return Tenant(
        host=proof.host,
        account_id=proof.account_id,
        login=proof.login,
        installation_id=proof.installation_id,
        status=TenantStatus.SUSPENDED if proof.is_suspended else TenantStatus.ACTIVE,
        generation=(before.generation if before else 0) + (1 if is_new else 0),
        proven_at=proof.seen_at,
        began_at=request.at if before is None or is_new else before.began_at,
        is_blocked=before is not None and before.is_blocked,
        version=before.version if before else 0,
    )
