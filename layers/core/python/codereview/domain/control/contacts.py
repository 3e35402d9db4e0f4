"""Where a tenant wants to be told by mail, and what a mail says."""

import re
from dataclasses import dataclass

from codereview import messages
from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.review import TenantId
from codereview.errors import RejectedError

MOST_ADDRESSES = 10

# What SES takes without quoting; whether anybody reads it only a mail can tell.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_{|}~-]{1,64}@(?=.{1,253}$)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_LOUD = frozenset({NoticeLevel.WARNING, NoticeLevel.INCIDENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """A tenant's addresses, put in by whoever runs the deployment, for one generation of the tenant."""

    tenant: TenantId
    generation: int = 0
    addresses: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail, as plain text."""

    to: str
    subject: str
    text: str


def checked(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses, each once; raises RejectedError for what is none, or for too many."""
    wrong = [address for address in addresses if not _ADDRESS.fullmatch(address)]
    if wrong:
        raise RejectedError(f"{wrong[0][:100]!r} is no mail address")
    if len(addresses) > MOST_ADDRESSES:
        raise RejectedError(f"a tenant has at most {MOST_ADDRESSES} addresses")
    return tuple(dict.fromkeys(addresses))


def are_void(contacts: Contacts, tenant: Tenant | None) -> bool:
    """Whether the addresses belong to nobody any more: the App was uninstalled, or came back as another generation."""
    return tenant is None or tenant.status is TenantStatus.REMOVED or tenant.generation != contacts.generation


def is_mailed(notice: Notice) -> bool:
    """Whether a notice is worth a mail: what is only good to know stands on the pages."""
    return notice.level in _LOUD


def mails(notice: Notice, contacts: Contacts) -> tuple[Mail, ...]:
    """Write a mail to each address; nobody sees the others."""
    level = messages.NOTICE_LEVELS[notice.level.value]
    text = messages.notice_mail(notice.text, until=f"{notice.until:%Y-%m-%d %H:%M} UTC")
    subject = f"{messages.PRODUCT}: {level}"
    return tuple(Mail(to=address, subject=subject, text=text) for address in contacts.addresses)
