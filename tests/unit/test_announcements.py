"""What the system tells people by itself about what holds their reviews up."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from codereview.control_ports import Page
from codereview.domain.control.announcements import (
    SHOWN_FOR,
    Announcement,
    OwnReasons,
    Trouble,
    announcements,
    due_notice,
)
from codereview.domain.control.audit import ActorKind, AuditEntry
from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.parking import WaitReason
from codereview.domain.review import TenantId
from codereview.domain.waiting import Waiting
from codereview.errors import StaleVersionError
from codereview.ports import JobState
from codereview.use_cases.control.change_settings import ChangeNotices
from codereview.use_cases.control.pace_github import MANY_BEGIN, MANY_WRITE
from codereview.use_cases.hold_busy import PULL_REQUEST_IS_TAKEN
from codereview.use_cases.reconcile import announce
from codereview.use_cases.reconcile.announce import TEXTS, AnnounceTrouble
from codereview.use_cases.review_pull_request import FEW_REQUESTS, TOO_LATE
from codereview.use_cases.take_turns import SHARE_IS_TAKEN

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWN = OwnReasons(limit="a limit", budget="a budget", turns=frozenset({"a share", "a lease"}))
OUTAGE, THROTTLE = WaitReason.OUTAGE.value, WaitReason.RATE_LIMIT.value
TWO_MINUTES = timedelta(minutes=2)


def waits(reason: str | None, *tenants: int, is_held: bool = False) -> list[Waiting]:
    return [
        Waiting(tenant=TenantId(f"github.com:{tenant}"), reason=reason, due_at=NOW, is_held=is_held)
        for tenant in tenants
    ]


def told(*waiting: Waiting) -> list[tuple[str, str | None]]:
    return [(each.trouble.value, each.tenant) for each in announcements(waiting, OWN)]


@pytest.mark.parametrize(
    ("tenants", "is_told"),
    [((1,), False), ((1, 2), False), ((1, 1, 1), False), ((1, 1, 2), True), ((1,) * 9, False), ((1,) * 10, True)],
)
@pytest.mark.parametrize(("reason", "trouble"), [(OUTAGE, "outage"), (THROTTLE, "throttle")])
def test_what_hits_several_tenants_or_many_reviews_is_told_everybody(
    reason: str, trouble: str, tenants: tuple[int, ...], is_told: bool
) -> None:
    assert told(*waits(reason, *tenants)) == ([(trouble, None)] if is_told else [])


def test_messages_that_are_held_back_are_an_outage_unless_they_wait_for_their_turn() -> None:
    assert told(*waits("GitHub answered 502", 1, 2, 3, is_held=True)) == [("outage", None)]
    for reason in OWN.turns:
        assert told(*waits(reason, 1, 2, 3, is_held=True)) == []
    assert told(*waits("GitHub answered 502", 1, 2, 3)) == []


def test_a_limit_and_a_budget_are_told_the_tenant_that_has_them_alone() -> None:
    assert told(*waits(OWN.limit, 1, 1, 1, 1)) == []
    assert told(*waits(OWN.limit, 1, 1, 1, 1, 1), *waits(OWN.budget, 2)) == [
        ("limit", "github.com:1"),
        ("budget", "github.com:2"),
    ]


def test_what_waits_for_its_turn_by_our_own_words_is_no_outage() -> None:
    for reason in (SHARE_IS_TAKEN, PULL_REQUEST_IS_TAKEN, MANY_BEGIN, MANY_WRITE, FEW_REQUESTS, TOO_LATE):
        assert announcements(waits(reason, *range(20), is_held=True), announce._OWN) == ()


def test_what_is_under_way_is_nobodys_trouble() -> None:
    assert told(*waits(None, *range(100))) == []


GENERAL = Announcement(trouble=Trouble.OUTAGE, tenant=None)


def test_a_notice_is_confirmed_when_half_its_time_has_passed() -> None:
    first = due_notice(GENERAL, None, "text", now=NOW)
    assert first is not None
    assert (first.level, first.tenant, first.until) == (NoticeLevel.INCIDENT, None, NOW + SHOWN_FOR)
    known = replace(first, version=1, text="as an operator put it")
    assert due_notice(GENERAL, known, "text", now=NOW + SHOWN_FOR / 2 - TWO_MINUTES) is None
    later = NOW + SHOWN_FOR / 2
    assert due_notice(GENERAL, known, "text", now=later) == replace(known, until=later + SHOWN_FOR)


def test_a_trouble_that_comes_again_is_told_anew() -> None:
    first = due_notice(GENERAL, None, "text", now=NOW)
    assert first is not None
    again = NOW + SHOWN_FOR
    told_again = due_notice(GENERAL, replace(first, version=4), "text", now=again)
    assert told_again is not None
    assert (told_again.created_at, told_again.version, told_again.id) == (again, 4, first.id)


@dataclass
class Deployment:
    """The time, what waits, and the notices that there are."""

    time: datetime = NOW
    waiting: list[Waiting] = field(default_factory=list)
    notices: dict[UUID, Notice] = field(default_factory=dict)
    entries: list[AuditEntry] = field(default_factory=list)
    is_quicker: bool = False
    due: datetime = NOW

    def __post_init__(self) -> None:
        self.numbers = count(1)
        self.announce = AnnounceTrouble(
            clock=self, ids=self, jobs=self, waiting=self, notices=self, change_notices=ChangeNotices(notices=self)
        )

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.time += duration

    def new(self) -> UUID:
        return UUID(int=next(self.numbers))

    def begin(self, name: str, *, now: datetime, every: timedelta) -> JobState | None:
        if now < self.due:
            return None
        self.due = now + every
        return JobState()

    def finish(self, name: str, state: JobState, *, next_at: datetime | None = None) -> None:
        raise AssertionError("nothing to remember")

    def read(self, *, most: int) -> Sequence[Waiting]:
        return self.waiting[:most]

    def load(self, notice_id: UUID) -> Notice | None:
        return self.notices.get(notice_id)

    def page(self, tenant: TenantId | None, *, limit: int, after: str | None = None) -> Page[Notice]:
        raise AssertionError("no list is needed")

    def save(self, notice: Notice, *, audit: AuditEntry) -> Notice:
        known = self.notices.get(notice.id)
        if self.is_quicker or notice.version != (known.version if known else 0):
            raise StaleVersionError("it was changed since it was read")
        self.entries.append(audit)
        self.notices[notice.id] = replace(notice, version=notice.version + 1)
        return self.notices[notice.id]

    def remove(self, notice: Notice, *, audit: AuditEntry) -> None:
        raise AssertionError("a notice ends by itself")

    def shown(self) -> list[str]:
        return [notice.text for notice in self.notices.values() if notice.is_shown(self.time)]


def test_an_outage_is_shown_as_long_as_it_lasts_and_not_much_longer() -> None:
    deployment = Deployment(waiting=waits(OUTAGE, 1, 2, 3))
    for _ in range(30):
        deployment.announce()
        assert deployment.shown() == [TEXTS[Trouble.OUTAGE]]
        deployment.sleep(TWO_MINUTES)
    # Written now and then, not with every look.
    assert len(deployment.entries) <= 8
    assert {entry.actor.kind for entry in deployment.entries} == {ActorKind.SYSTEM}
    deployment.waiting = []
    deployment.announce()
    deployment.sleep(SHOWN_FOR)
    assert deployment.shown() == []


def test_it_looks_every_other_minute_and_an_operator_who_is_quicker_is_no_trouble() -> None:
    deployment = Deployment(waiting=waits(OUTAGE, 1, 2, 3), is_quicker=True)
    first = deployment.announce()
    assert first is not None
    assert (first.seen, first.told) == (1, 0)
    deployment.sleep(timedelta(minutes=1))
    assert deployment.announce() is None


def test_every_trouble_has_a_text_that_names_no_tenant() -> None:
    assert set(TEXTS) == set(Trouble)
    assert not [text for text in TEXTS.values() if "github.com:" in text]
