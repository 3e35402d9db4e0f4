"""Tenants: read by their people, bound and blocked by whoever runs the deployment."""

from datetime import datetime
from typing import Literal

from codereview.control_ports import Page as StoredPage
from codereview.domain.control.audit import ActorKind
from codereview.domain.control.callers import KeyCaller, PersonCaller
from codereview.domain.control.scopes import Scope
from codereview.domain.control.tenants import Tenant
from codereview.entrypoints.api.fields import Body, Number, Page, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route, Who
from codereview.entrypoints.api.services import Services


class TenantShown(Shown):
    """A GitHub account that installed the App."""

    id: str
    host: str
    account_id: int
    login: str
    installation_id: int
    status: Literal["active", "suspended", "removed"]
    is_blocked: bool
    proven_at: datetime
    began_at: datetime


class TenantsShown(Shown):
    """Some tenants."""

    items: list[TenantShown]
    next: str | None


class TenantWanted(Body):
    """An installation of the App; whose it is, GitHub is asked."""

    installation_id: Number


def _shown(tenant: Tenant) -> TenantShown:
    return TenantShown(
        id=tenant.id,
        host=tenant.host,
        account_id=tenant.account_id,
        login=tenant.login,
        installation_id=tenant.installation_id,
        status=tenant.status.value,
        is_blocked=tenant.is_blocked,
        proven_at=tenant.proven_at,
        began_at=tenant.began_at,
    )


def _list(services: Services, call: Call) -> Answer:
    page = _reachable(services, call)
    shown = [_shown(tenant) for tenant in page.items]
    return Answer(content=TenantsShown(items=shown, next=page.next))


def _reachable(services: Services, call: Call) -> StoredPage[Tenant]:
    """List what exists for the caller: a key's one tenant, a person's, or all for an operator."""
    if call.request.actor.kind is ActorKind.OPERATOR:
        return services.tenants.page(limit=call.page.limit, after=call.page.after)
    match call.caller:
        case KeyCaller(key=key):
            own = services.tenants.load(key.tenant)
            return StoredPage(items=(own,) if own else ())
        case PersonCaller(is_operator=True):
            return services.tenants.page(limit=call.page.limit, after=call.page.after)
        case PersonCaller(person=person):
            roles = services.people.tenants_of(person, limit=call.page.limit, after=call.page.after)
            tenants = [services.verify.tenant_for(call.caller, role.tenant) for role in roles.items]
            return StoredPage(items=tuple(found[0] for found in tenants if found), next=roles.next)
    return StoredPage(items=())


def _show(_services: Services, call: Call) -> Answer:
    return Answer(content=_shown(call.tenant), version=call.tenant.version)


def _bind(services: Services, call: Call) -> Answer:
    wanted = call.body_as(TenantWanted)
    tenant = services.manage_tenants.bind(wanted.installation_id, request=call.request)
    return Answer(content=_shown(tenant), version=tenant.version, location=f"/v1/tenants/{tenant.id}")


def _renew(services: Services, call: Call) -> Answer:
    tenant = services.manage_tenants.renew(call.tenant.id, request=call.request)
    return Answer(content=_shown(tenant), version=tenant.version)


def _block(services: Services, call: Call) -> Answer:
    tenant = services.manage_tenants.block(call.tenant.id, request=call.request)
    return Answer(content=_shown(tenant), version=tenant.version)


def _unblock(services: Services, call: Call) -> Answer:
    tenant = services.manage_tenants.unblock(call.tenant.id, request=call.request)
    return Answer(content=_shown(tenant), version=tenant.version)


ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants",
        operation="tenants.list",
        summary="List the tenants that the caller reaches",
        access=Who.SIGNED_IN,
        run=_list,
        answer=TenantsShown,
        query=Page,
    ),
    Route(
        method="POST",
        path="/v1/tenants",
        operation="tenants.bind",
        summary="Make or renew the tenant of an installation, by what GitHub says about it",
        access=Who.OPERATOR,
        run=_bind,
        answer=TenantShown,
        body=TenantWanted,
        has_version=True,
    ),
    Route(
        method="GET",
        path="/v1/tenants/{tenant}",
        operation="tenants.show",
        summary="Show a tenant",
        access=Scope.TENANTS_READ,
        run=_show,
        answer=TenantShown,
        has_version=True,
    ),
    Route(
        method="POST",
        path="/v1/tenants/{tenant}/renew",
        operation="tenants.renew",
        summary="Ask GitHub again about a tenant's installation",
        access=Scope.TENANTS_WRITE,
        run=_renew,
        answer=TenantShown,
        has_version=True,
    ),
    Route(
        method="POST",
        path="/v1/tenants/{tenant}/block",
        operation="tenants.block",
        summary="Stop serving a tenant",
        access=Scope.TENANTS_WRITE,
        run=_block,
        answer=TenantShown,
        has_version=True,
    ),
    Route(
        method="POST",
        path="/v1/tenants/{tenant}/unblock",
        operation="tenants.unblock",
        summary="Serve a tenant again",
        access=Scope.TENANTS_WRITE,
        run=_unblock,
        answer=TenantShown,
        has_version=True,
    ),
)
