"""Mails warnings and incidents to the tenants that left an address, once each.

The claim comes before the mail: a death in between loses a mail, which the pages make good; the other way round would
send it twice, and then again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from codereview.control_ports import Notices, Tenants
from codereview.domain.control.contacts import Contacts, Mail, are_void, is_mailed, mails
from codereview.domain.control.notices import Notice
from codereview.domain.review import TenantId
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock, Jobs

_NAME = "mail"
_EVERY = timedelta(minutes=2)
_LEAST_TIME = timedelta(seconds=5)
_MOST = 20  # notices of one list


class ContactBook(Protocol):
    """Who wants mail."""

    def all(self) -> Iterable[Contacts]:
        """Return every tenant's that ever had some."""
        ...


class MailLog(Protocol):
    """What was mailed to whom."""

    def claim(self, notice: Notice, tenant: TenantId, *, now: datetime) -> bool:
        """Take it upon oneself; False if somebody did before."""
        ...

    def give_back(self, notice: Notice, tenant: TenantId) -> None:
        """Let somebody else try: nothing was sent."""
        ...


class Post(Protocol):
    """What carries mail."""

    def send(self, mail: Mail) -> None:
        """Hand one over; PermanentError for one that never goes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """What one run did."""

    sent: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailNotices:
    """The job of every second minute."""

    clock: Clock
    jobs: Jobs
    tenants: Tenants
    notices: Notices
    contacts: ContactBook
    log: MailLog
    post: Post

    def __call__(self, *, deadline: datetime) -> Mailed | None:
        """Send what is due; None if it is not time yet. What does not go now is tried by the next run."""
        now = self.clock.now()
        if self.jobs.begin(_NAME, now=now, every=_EVERY) is None:
            return None
        general = self._shown(None, now)
        sent = refused = 0
        for contacts in self.contacts.all():
            tenant = self.tenants.load(contacts.tenant)
            if tenant is None or not tenant.is_served or are_void(contacts, tenant):
                continue
            own = [notice for notice in self._shown(contacts.tenant, now) if notice.is_of(tenant)]
            for notice in (*general, *own):
                if deadline - self.clock.now() < _LEAST_TIME:
                    return Mailed(sent=sent, refused=refused)
                if self.log.claim(notice, contacts.tenant, now=now):
                    done, failed = self._send(notice, contacts)
                    sent, refused = sent + done, refused + failed
        return Mailed(sent=sent, refused=refused)

    def _shown(self, tenant: TenantId | None, now: datetime) -> list[Notice]:
        found = self.notices.page(tenant, limit=_MOST).items
        return [notice for notice in found if notice.is_shown(now) and is_mailed(notice)]

    def _send(self, notice: Notice, contacts: Contacts) -> tuple[int, int]:
        """Send to each address; an outage before the first one gives the claim back."""
        sent = refused = 0
        for mail in mails(notice, contacts):
            try:
                self.post.send(mail)
                sent += 1
            except PermanentError:
                refused += 1
            except RetryableError:
                if not sent:
                    self.log.give_back(notice, contacts.tenant)
                    raise
                refused += 1
        return sent, refused
