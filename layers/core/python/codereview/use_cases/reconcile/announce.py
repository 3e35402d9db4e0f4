"""Tells people by itself what holds reviews up: an outage everybody, a limit or a budget the tenant that has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from codereview import messages
from codereview.control_ports import Notices
from codereview.domain.control.announcements import OwnReasons, Trouble, announcements, due_notice
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.waiting import Waiting
from codereview.errors import StaleVersionError
from codereview.ports import Clock, Ids, Jobs
from codereview.use_cases.control.admit_review import AdmissionReason
from codereview.use_cases.control.change_settings import ChangeNotices
from codereview.use_cases.control.pace_github import MANY_BEGIN, MANY_WRITE
from codereview.use_cases.hold_busy import PULL_REQUEST_IS_TAKEN
from codereview.use_cases.review_pull_request import FEW_REQUESTS, TOO_LATE
from codereview.use_cases.take_turns import SHARE_IS_TAKEN

_NAME = "notices"
_EVERY = timedelta(minutes=2)
_MOST = 200  # of what waits, of each tenant as much as of the others: enough to see what is general

_OWN = OwnReasons(
    limit=AdmissionReason.RATE,
    budget=AdmissionReason.SPENT,
    turns=frozenset({SHARE_IS_TAKEN, PULL_REQUEST_IS_TAKEN, MANY_BEGIN, MANY_WRITE, FEW_REQUESTS, TOO_LATE}),
)
TEXTS: Final[Mapping[Trouble, str]] = {
    Trouble.OUTAGE: messages.NOTICE_OF_OUTAGE,
    Trouble.THROTTLE: messages.NOTICE_OF_THROTTLE,
    Trouble.LIMIT: messages.NOTICE_OF_LIMIT,
    Trouble.BUDGET: messages.NOTICE_OF_BUDGET,
}


class WaitingWork(Protocol):
    """What waits, and why."""

    def read(self, *, most: int) -> Sequence[Waiting]:
        """Return some of it, of every tenant as much as of the others."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What one run did: `seen` troubles, of which `told` were written anew or confirmed."""

    seen: int
    told: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceTrouble:
    """The job of every second minute. A notice that nothing confirms any more ends by itself."""

    clock: Clock
    ids: Ids
    jobs: Jobs
    waiting: WaitingWork
    notices: Notices
    change_notices: ChangeNotices

    def __call__(self) -> Announced | None:
        """Look, and tell; None if it is not time yet."""
        now = self.clock.now()
        if self.jobs.begin(_NAME, now=now, every=_EVERY) is None:
            return None
        found = announcements(self.waiting.read(most=_MOST), _OWN)
        told = 0
        for each in found:
            notice = due_notice(each, self.notices.load(each.notice_id), TEXTS[each.trouble], now=now)
            if notice is None:
                continue
            try:
                actor = Actor(kind=ActorKind.SYSTEM, id="reconciler")
                self.change_notices.save(notice, request=Request(actor=actor, id=str(self.ids.new()), at=now))
            except StaleVersionError:
                continue  # an operator was quicker; the next run sees it
            told += 1
        return Announced(seen=len(found), told=told)
