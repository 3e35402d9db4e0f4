"""Changes where a tenant is told by mail; the audit log counts addresses, and holds none."""

from dataclasses import dataclass, replace
from typing import Protocol

from codereview.control_ports import Tenants
from codereview.domain.control.audit import AuditEntry, Request, audited
from codereview.domain.control.contacts import Contacts, are_void
from codereview.domain.review import TenantId
from codereview.errors import NotFoundError


class ContactStore(Protocol):
    """Where addresses lie."""

    def load(self, tenant: TenantId) -> Contacts:
        """Read a tenant's."""
        ...

    def save(self, contacts: Contacts, *, audit: AuditEntry) -> None:
        """Write over what was read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeContacts:
    """An operator's hands on them."""

    tenants: Tenants
    store: ContactStore

    def load(self, tenant: TenantId) -> Contacts:
        """Read a tenant's; raises NotFoundError where there is no such tenant."""
        found = self.tenants.load(tenant)
        if found is None:
            raise NotFoundError(f"there is no tenant {tenant}")
        contacts = self.store.load(tenant)
        if are_void(contacts, found):
            return replace(contacts, addresses=(), generation=found.generation)
        return contacts

    def change(self, tenant: TenantId, addresses: tuple[str, ...], *, request: Request) -> Contacts:
        """Put the addresses in place of those that there are."""
        before = self.load(tenant)
        after = replace(before, addresses=addresses)
        audit = audited(
            request,
            tenant=tenant,
            action="contacts.change",
            target="contacts",
            before={"addresses": len(before.addresses)},
            after={"addresses": len(after.addresses)},
        )
        self.store.save(after, audit=audit)
        return after
