"""Warnings and incidents by mail: to whom left an address, once each, and never lost in silence."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.contacts import Contacts, Mail, checked, mails
from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.review import TenantId
from codereview.errors import PermanentError, RejectedError, RetryableError
from codereview.ports import JobState
from codereview.use_cases.reconcile.forget_contacts import ForgetContacts
from codereview.use_cases.reconcile.mail_notices import Mailed, MailNotices

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINE, THEIRS = TenantId("github.com:1"), TenantId("github.com:2")
ANN, BOB, CLEO = "ann@example.com", "bob@example.com", "cleo@example.org"


def notice(number: int, tenant: TenantId | None = None, level: NoticeLevel = NoticeLevel.INCIDENT) -> Notice:
    return Notice(
        id=UUID(int=number),
        tenant=tenant,
        level=level,
        text=f"notice {number}",
        created_at=NOW,
        until=NOW + timedelta(hours=1),
    )


@dataclass
class Accounts:
    """The tenants: both are served, unless something is said."""

    said: dict[TenantId, Tenant | None] = field(default_factory=dict)

    def load(self, tenant: TenantId) -> Tenant | None:
        usual = Tenant(
            host="github.com",
            account_id=int(tenant.rpartition(":")[2]),
            login="acme",
            installation_id=7,
            status=TenantStatus.ACTIVE,
            generation=1,
            proven_at=NOW,
            began_at=NOW,
        )
        return self.said.get(tenant, usual)

    def page(self, *, limit: int, after: str | None = None) -> Page[Tenant]:
        raise AssertionError("no list is needed")

    def save(self, tenant: Tenant, *, audit: AuditEntry) -> Tenant:
        raise AssertionError("nothing is changed")


@dataclass
class Deployment:
    """Two tenants with addresses, the notices that there are, and SES."""

    time: datetime = NOW
    found: list[Notice] = field(default_factory=list)
    claimed: set[tuple[UUID, datetime, TenantId]] = field(default_factory=set)
    sent: list[tuple[str, str]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    forgotten: list[TenantId] = field(default_factory=list)
    tenants: Accounts = field(default_factory=Accounts)

    def run(self, *, seconds: int = 50) -> Mailed | None:
        job = MailNotices(clock=self, jobs=self, tenants=self.tenants, notices=self, contacts=self, log=self, post=self)
        return job(deadline=self.time + timedelta(seconds=seconds))

    def forget(self) -> int | None:
        return ForgetContacts(clock=self, ids=self, jobs=self, tenants=self.tenants, contacts=self)()

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        raise AssertionError("nobody waits here")

    def begin(self, name: str, *, now: datetime, every: timedelta) -> JobState | None:
        return JobState()

    def finish(self, name: str, state: JobState, *, next_at: datetime | None = None) -> None:
        raise AssertionError("nothing to remember")

    def load(self, notice_id: UUID) -> Notice | None:
        raise AssertionError("lists are enough")

    def page(self, tenant: TenantId | None, *, limit: int, after: str | None = None) -> Page[Notice]:
        return Page(items=tuple(each for each in self.found if each.tenant == tenant)[:limit], next=None)

    def save(self, notice: Notice, *, audit: AuditEntry) -> Notice:
        raise AssertionError("nothing is changed")

    def remove(self, contacts: Contacts | Notice, *, audit: AuditEntry) -> None:
        assert isinstance(contacts, Contacts)
        assert (audit.action, audit.tenant) == ("contacts.forget", contacts.tenant)
        assert audit.before == {"addresses": len(contacts.addresses)}
        self.forgotten.append(contacts.tenant)

    def new(self) -> UUID:
        return UUID(int=len(self.forgotten) + 1)

    def all(self) -> Iterable[Contacts]:
        mine = Contacts(tenant=MINE, generation=1, addresses=(ANN, BOB), version=1)
        return [mine, Contacts(tenant=THEIRS, generation=1, addresses=(CLEO,), version=1)]

    def claim(self, notice: Notice, tenant: TenantId, *, now: datetime) -> bool:
        key = (notice.id, notice.created_at, tenant)
        is_new = key not in self.claimed
        self.claimed.add(key)
        return is_new

    def give_back(self, notice: Notice, tenant: TenantId) -> None:
        self.claimed.remove((notice.id, notice.created_at, tenant))

    def send(self, mail: Mail) -> None:
        if mail.to in self.away:
            raise RetryableError("SES answered ServiceUnavailable")
        if mail.to in self.refuses:
            raise PermanentError("SES rejects the mail")
        self.sent.append((mail.to, mail.text.splitlines()[0]))


def test_everybody_hears_of_what_is_general_and_a_tenant_alone_of_its_own() -> None:
    deployment = Deployment(found=[notice(1), notice(2, MINE, NoticeLevel.WARNING)])
    assert deployment.run() == Mailed(sent=5, refused=0)
    assert sorted(deployment.sent) == [
        (ANN, "notice 1"),
        (ANN, "notice 2"),
        (BOB, "notice 1"),
        (BOB, "notice 2"),
        (CLEO, "notice 1"),
    ]


def test_a_notice_is_mailed_once_also_when_it_is_confirmed_and_again_when_it_comes_anew() -> None:
    deployment = Deployment(found=[notice(1, THEIRS)])
    deployment.run()
    deployment.found = [replace(notice(1, THEIRS), until=NOW + timedelta(days=1), version=2)]
    assert deployment.run() == Mailed(sent=0, refused=0)
    deployment.found = [replace(notice(1, THEIRS), created_at=NOW + timedelta(hours=3), until=NOW + timedelta(days=1))]
    assert deployment.run() == Mailed(sent=1, refused=0)


def test_b103_what_was_told_to_a_tenant_that_left_is_not_mailed_when_it_is_back() -> None:
    deployment = Deployment(found=[notice(1), notice(2, MINE)])
    known = deployment.tenants.load(MINE)
    assert known is not None
    deployment.tenants.said[MINE] = replace(known, began_at=NOW + timedelta(seconds=1))
    assert deployment.run() == Mailed(sent=3, refused=0)
    assert {text for _, text in deployment.sent} == {"notice 1"}


def test_what_is_good_to_know_or_over_is_not_mailed() -> None:
    over = replace(notice(2), until=NOW)
    deployment = Deployment(found=[notice(1, None, NoticeLevel.INFO), over])
    assert deployment.run() == Mailed(sent=0, refused=0)


def test_an_address_that_ses_refuses_keeps_nobody_else_from_being_told() -> None:
    deployment = Deployment(found=[notice(1)], refuses={ANN})
    assert deployment.run() == Mailed(sent=2, refused=1)
    assert deployment.run() == Mailed(sent=0, refused=0)


def test_an_outage_of_ses_is_made_up_for_by_the_next_run_without_a_second_mail() -> None:
    deployment = Deployment(found=[notice(1)], away={ANN})
    with pytest.raises(RetryableError):
        deployment.run()
    deployment.away = {BOB}
    assert deployment.run() == Mailed(sent=2, refused=1)
    deployment.away = set()
    deployment.run()
    assert sorted(to for to, _ in deployment.sent) == [ANN, CLEO]


def test_a_run_ends_in_time_and_the_next_one_goes_on() -> None:
    deployment = Deployment(found=[notice(1)])
    assert deployment.run(seconds=1) == Mailed(sent=0, refused=0)
    assert deployment.run() == Mailed(sent=3, refused=0)


@pytest.mark.parametrize("changes", [None, {"status": TenantStatus.REMOVED}, {"generation": 2}])
def test_the_addresses_of_a_tenant_that_is_gone_are_deleted_and_not_mailed(changes: dict[str, Any] | None) -> None:
    deployment = Deployment(found=[notice(1)])
    known = deployment.tenants.load(THEIRS)
    assert known is not None
    deployment.tenants.said[THEIRS] = replace(known, **changes) if changes is not None else None
    assert deployment.run() == Mailed(sent=2, refused=0)
    assert deployment.forget() == 1
    assert deployment.forgotten == [THEIRS]


@pytest.mark.parametrize("changes", [{"is_blocked": True}, {"status": TenantStatus.SUSPENDED}])
def test_a_tenant_that_is_not_served_just_now_is_not_mailed_and_keeps_its_addresses(changes: dict[str, Any]) -> None:
    deployment = Deployment(found=[notice(1)])
    known = deployment.tenants.load(THEIRS)
    assert known is not None
    deployment.tenants.said[THEIRS] = replace(known, **changes)
    assert deployment.run() == Mailed(sent=2, refused=0)
    assert deployment.forget() == 0
    assert deployment.forgotten == []


def test_a_mail_has_one_recipient_and_says_why_it_came() -> None:
    first, second = mails(notice(1), Contacts(tenant=MINE, addresses=(ANN, BOB)))
    assert (first.to, second.to) == (ANN, BOB)
    assert first.subject == "AI Code Review: Incident"
    assert first.text == (
        "notice 1\n\nShown until 2026-01-01 01:00 UTC.\n\n-- \n"
        "You get this since whoever runs the service put in your address; ask them to take it out.\n"
    )


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "ann@exa mple.com",
        "a@b.c\nBcc: x@y.z",
        "ann@example.com,b@c.d",
        "ä@b.de",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(RejectedError, match="no mail address"):
        checked((ANN, address))


def test_an_address_counts_once_and_ten_are_enough() -> None:
    assert checked((ANN, BOB, ANN)) == (ANN, BOB)
    with pytest.raises(RejectedError, match="at most 10"):
        checked(tuple(f"a{number}@example.com" for number in range(11)))
