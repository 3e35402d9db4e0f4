"""When the system tells people by itself what holds their reviews up, and for how long."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.parking import WaitReason
from codereview.domain.review import TenantId
from codereview.domain.waiting import Waiting

_NAMESPACE = UUID("5d1f6c0e-7a0b-4c53-8a3f-0e3a2f1b9c44")

# A notice ends by itself when nothing has confirmed it for so long, and is confirmed when half of that has passed.
SHOWN_FOR = timedelta(minutes=20)
_CONFIRMED_BEFORE = SHOWN_FOR / 2

# One repository that makes GitHub fail is no outage; two tenants that wait at once are one, or many reviews of one.
_LEAST_REVIEWS, _LEAST_TENANTS, _MANY_REVIEWS = 3, 2, 10
_OF_ONE_TENANT = 5


class Trouble(StrEnum):
    """What people are told of."""

    OUTAGE = "outage"
    THROTTLE = "throttle"  # by GitHub or the model's provider
    LIMIT = "limit"  # the tenant's own
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Something to tell; `tenant` None: everybody."""

    trouble: Trouble
    tenant: TenantId | None

    @property
    def notice_id(self) -> UUID:
        """The same for the same trouble, so that it is told once however often it is seen."""
        return uuid5(_NAMESPACE, f"{self.trouble.value}\n{self.tenant or ''}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReasons:
    """The words for waits that are no outage: a tenant's limit, its budget, and for a turn that comes by itself."""

    limit: str
    budget: str
    turns: frozenset[str]


def announcements(waiting: Iterable[Waiting], own: OwnReasons) -> tuple[Announcement, ...]:
    """Decide what to tell by what waits."""
    found = [_told(each, own) for each in waiting]
    general = [
        Announcement(trouble=trouble, tenant=None)
        for trouble, reason in ((Trouble.OUTAGE, WaitReason.OUTAGE), (Trouble.THROTTLE, WaitReason.RATE_LIMIT))
        if _is_general([each.tenant for each in found if each.reason == reason.value])
    ]
    limited = Counter(each.tenant for each in found if each.reason == own.limit)
    spent = {each.tenant for each in found if each.reason == own.budget}
    theirs = [
        Announcement(trouble=Trouble.LIMIT, tenant=who) for who, count in limited.items() if count >= _OF_ONE_TENANT
    ]
    theirs += [Announcement(trouble=Trouble.BUDGET, tenant=who) for who in spent]
    return (*general, *sorted(theirs, key=lambda each: (each.tenant or "", each.trouble)))


def _told(waiting: Waiting, own: OwnReasons) -> Waiting:
    """Take a message that is held back for an outage, unless it waits for its turn."""
    if not waiting.is_held or waiting.reason in {*own.turns, WaitReason.RATE_LIMIT.value}:
        return waiting
    return replace(waiting, reason=WaitReason.OUTAGE.value)


def _is_general(tenants: list[TenantId]) -> bool:
    several = len(tenants) >= _LEAST_REVIEWS and len(set(tenants)) >= _LEAST_TENANTS
    return several or len(tenants) >= _MANY_REVIEWS


def due_notice(announcement: Announcement, known: Notice | None, text: str, *, now: datetime) -> Notice | None:
    """Return the notice to write; None while the one that is there says so for long enough.

    What an operator changed in its text stays as long as it is shown.
    """
    if known is not None and known.is_shown(now):
        if known.until - now > _CONFIRMED_BEFORE:
            return None
        return replace(known, until=now + SHOWN_FOR)
    is_outage = announcement.trouble is Trouble.OUTAGE
    return Notice(
        id=announcement.notice_id,
        tenant=announcement.tenant,
        level=NoticeLevel.INCIDENT if is_outage else NoticeLevel.WARNING,
        text=text,
        created_at=now,
        until=now + SHOWN_FOR,
        version=known.version if known is not None else 0,
    )
