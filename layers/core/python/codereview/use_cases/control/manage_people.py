"""Roles of people in a tenant."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from codereview.control_ports import Page, People
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.describing import described
from codereview.domain.control.people import Membership, PersonId, Role
from codereview.domain.control.scopes import Scope, require_subset
from codereview.domain.control.tenants import Tenant
from codereview.errors import NotFoundError, StaleVersionError


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagePeople:
    """Gives and takes roles; a tenant keeps an admin once it has one (ConflictError)."""

    people: People

    def page(self, tenant: Tenant, *, limit: int, after: str | None = None) -> Page[Membership]:
        """List the people of this generation of the tenant."""
        page = self.people.page(tenant.id, limit=limit, after=after)
        return replace(page, items=tuple(each for each in page.items if each.generation == tenant.generation))

    def find(self, tenant: Tenant, person: PersonId) -> Membership:
        """Read a person's role; raises NotFoundError."""
        membership = self.people.load(tenant.id, person)
        if membership is None or membership.generation != tenant.generation:
            raise NotFoundError("no such person here")
        return membership

    def set_role(
        self,
        tenant: Tenant,
        person: PersonId,
        *,
        login: str,
        role: Role,
        held: AbstractSet[Scope],
        request: Request,
        version: int | None = None,
    ) -> Membership:
        """Give a person a role, or another one; `version` is If-Match's, None for whatever it is.

        Raises ForbiddenError if the giver has less than the role, or than the one that the person has now.
        """
        require_subset(role.scopes, held)
        before = self.people.load(tenant.id, person)
        is_current = before is not None and before.generation == tenant.generation
        if version is not None and version != (before.version if before and is_current else 0):
            raise StaleVersionError("the role was changed since it was read")
        if before is not None and is_current:
            require_subset(before.role.scopes, held)
        after = Membership(
            tenant=tenant.id,
            generation=tenant.generation,
            person=person,
            login=login,
            role=role,
            since=request.at,
            version=before.version if before else 0,
        )
        audit = audited(
            request,
            tenant=tenant.id,
            action="people.set_role",
            target=f"person/{person}",
            before=described(before) if before and is_current else None,
            after=described(after),
        )
        return self.people.save(after, audit=audit)

    def remove(
        self,
        tenant: Tenant,
        person: PersonId,
        *,
        held: AbstractSet[Scope],
        request: Request,
        version: int | None = None,
    ) -> None:
        """Take a person's role, `version` as in set_role; raises ForbiddenError if it is more than the caller's own."""
        before = self.find(tenant, person)
        if version is not None and version != before.version:
            raise StaleVersionError("the role was changed since it was read")
        require_subset(before.role.scopes, held)
        audit = audited(
            request,
            tenant=tenant.id,
            action="people.remove",
            target=f"person/{person}",
            before=described(before),
        )
        self.people.remove(before, audit=audit)
