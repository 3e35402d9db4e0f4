"""Deletes the mail addresses of tenants that are gone: they are people's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from codereview.control_ports import Tenants
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request, audited
from codereview.domain.control.contacts import Contacts, are_void
from codereview.ports import Clock, Ids, Jobs

_NAME = "contacts"
_EVERY = timedelta(hours=1)


class Addresses(Protocol):
    """All addresses that there are."""

    def all(self) -> Iterable[Contacts]:
        """Return every tenant's that ever had some."""
        ...

    def remove(self, contacts: Contacts, *, audit: AuditEntry) -> None:
        """Delete the version that was read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetContacts:
    """The hourly job, also where nobody is mailed."""

    clock: Clock
    ids: Ids
    jobs: Jobs
    tenants: Tenants
    contacts: Addresses

    def __call__(self) -> int | None:
        """Delete what is nobody's any more, and say of how many tenants; None if it is not time yet."""
        now = self.clock.now()
        if self.jobs.begin(_NAME, now=now, every=_EVERY) is None:
            return None
        gone = [each for each in self.contacts.all() if are_void(each, self.tenants.load(each.tenant))]
        for contacts in gone:
            request = Request(actor=Actor(kind=ActorKind.SYSTEM, id="reconciler"), id=str(self.ids.new()), at=now)
            before = {"addresses": len(contacts.addresses)}
            audit = audited(request, tenant=contacts.tenant, action="contacts.forget", target="contacts", before=before)
            self.contacts.remove(contacts, audit=audit)
        return len(gone)
