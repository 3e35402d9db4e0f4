"""Finds open pull requests whose head nobody was told of: their webhook was never sent, or is in no log any more.

The walk goes from installation to installation, each within a tenth of its hourly requests, and stores after every
repository how far it is: a run that dies goes on there, and one whose time is up is followed by one that goes on with
the next installation. What is found is sent as any webhook's message would be, and is the same review. A list that
changes under the walk can hide a repository until the next round. Blocked accounts are passed by: their heads are found
when they are not blocked any more.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.review import ReviewKey, ReviewState, tenant_of
from codereview.domain.sweeping import (
    REST,
    Installed,
    OpenHead,
    Round,
    Seen,
    allowance,
    behind,
    horizon,
    is_fresh,
    is_lost,
    is_settled,
    usable_etag,
    visited,
    was_sent,
)
from codereview.errors import PermanentError, RetryableError
from codereview.github_ports import RepositoryIdentity
from codereview.ports import Agenda, Clock, Ids, Jobs, JobState, ReviewQueue, ReviewStore
from codereview.sweep_ports import HeadsPage, OpenHeads, SweepMemory, TenantBook

_NAME = "sweep"
_EVERY = timedelta(minutes=1)
_LEAST_TIME = timedelta(seconds=10)
_MOST_PAGES = 10  # of one repository's open pull requests, the latest changed first


@dataclass(slots=True, kw_only=True)
class Swept:
    """What one run did."""

    requests: int = 0
    repositories: int = 0
    unchanged: int = 0
    sent: int = 0
    rounds: int = 0  # that came to their end
    troubles: int = 0  # installations and repositories that could not be read this time


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepHeads:
    """The job over all installations; `host` is the GitHub host that they are at."""

    clock: Clock
    ids: Ids
    jobs: Jobs
    github: OpenHeads
    memory: SweepMemory
    tenants: TenantBook
    store: ReviewStore
    agenda: Agenda
    queue: ReviewQueue
    host: str

    def __call__(self, *, deadline: datetime) -> Swept | None:
        """Go on where the last run stopped, until the time is up or every installation had its turn."""
        state = self.jobs.begin(_NAME, now=self.clock.now(), every=_EVERY)
        if state is None:
            return None
        swept, first = Swept(), max(state.generation, 1)
        page, is_first, last = first, True, state.notes or ""
        while self._has_time(deadline) and (is_first or page != first):
            is_first = False
            installations, is_last = self.github.installations(page)
            for installed in behind(installations, last):
                if not self._has_time(deadline):
                    break
                self._visit(installed, swept, deadline, page)
            else:
                page, last = 1 if is_last else page + 1, ""
                self.jobs.finish(_NAME, JobState(generation=page, notes=last))
        return swept

    def _has_time(self, deadline: datetime) -> bool:
        return deadline - self.clock.now() >= _LEAST_TIME

    def _visit(self, installed: Installed, swept: Swept, deadline: datetime, page: int) -> None:
        """Do a part of an installation's round; its trouble is no other's.

        It had its turn from its beginning on: the next run goes on behind it, whether this one is out of time or dies.
        """
        now = self.clock.now()
        state = self.memory.round(installed.id)
        allowed = allowance(state.visited_at, now=now)
        if installed.is_suspended or allowed < 1 or (state.rests_until is not None and now < state.rests_until):
            return
        if self._is_blocked(installed):
            return
        # Paid for before it is spent, so that a run that dies again and again does not spend it again and again.
        self.jobs.finish(_NAME, JobState(generation=page, notes=str(installed.id)))
        state = replace(state, visited_at=visited(0, allowed, now=now), rests_until=None)
        self.memory.keep_round(installed.id, state)
        before = swept.requests
        try:
            state = self._go_on(installed, state, swept, allowed, deadline)
        except RetryableError:
            swept.troubles += 1
            state = self.memory.round(installed.id)
        except PermanentError:  # suspended or removed since it was listed
            swept.troubles += 1
            state = Round(rests_until=now + REST)
        paid = visited(swept.requests - before, allowed, now=now)
        self.memory.keep_round(installed.id, replace(state, visited_at=paid))

    def _is_blocked(self, installed: Installed) -> bool:
        if installed.account_id is None:
            return False
        tenant = self.tenants.load(tenant_of(self.host, installed.account_id))
        return tenant is not None and tenant.is_blocked

    def _go_on(self, installed: Installed, state: Round, swept: Swept, allowed: int, deadline: datetime) -> Round:
        """Walk on while requests are left; returns how far it came."""
        ends = swept.requests + allowed
        while swept.requests < ends and self._has_time(deadline):
            swept.requests += 1
            repositories, is_last = self.github.repositories(installed.id, state.page)
            for repository in repositories[state.done :]:
                if swept.requests >= ends or not self._has_time(deadline):
                    return state
                self._sweep(installed, repository, swept)
                state = replace(state, done=state.done + 1)
                self.memory.keep_round(installed.id, state)
            if is_last:
                swept.rounds += 1
                return Round(rests_until=self.clock.now() + REST)
            state = replace(state, page=state.page + 1, done=0)
        return state

    def _sweep(self, installed: Installed, repository: RepositoryIdentity, swept: Swept) -> None:
        """Look at one repository; one that cannot be read must not stop the others for ever."""
        now = self.clock.now()
        seen = self.memory.seen(installed.id, repository.id) or Seen(first_at=now)
        pages, swept.repositories = list[HeadsPage](), swept.repositories + 1
        since = horizon(installed, seen, now=now)
        try:
            while len(pages) < _MOST_PAGES:
                etag = None if pages else usable_etag(seen, now=now)
                swept.requests += 1
                page = self.github.heads(installed.id, repository, page=len(pages) + 1, etag=etag)
                if page is None:
                    swept.unchanged += 1
                    return
                pages.append(page)
                if page.is_last or page.heads[-1].updated_at < since:
                    break
        except PermanentError:
            swept.troubles += 1
            return
        heads = [head for page in pages for head in page.heads if head.updated_at >= since]
        is_open, sent_at = False, seen.sent_at
        for head in heads:
            state, reason = self._review_of(repository, head)
            is_open |= is_fresh(head, now=now) or not is_settled(head, state, reason)
            if is_fresh(head, now=now) or not is_lost(head, state, reason) or was_sent(head, state, seen, now=now):
                continue
            envelope = self._message(installed, repository, head)
            if self.agenda.holds(envelope):  # it was heard of, and waits
                continue
            self.queue.send(envelope)
            swept.sent, sent_at = swept.sent + 1, now
        # The latest changed come first, so that the first page's tag speaks for all of them.
        tag = None if is_open else pages[0].etag
        seen = replace(seen, etag=tag, etag_at=now if tag else None, sent_at=sent_at)
        self.memory.keep_seen(installed.id, repository.id, seen)

    def _review_of(self, repository: RepositoryIdentity, head: OpenHead) -> tuple[ReviewState | None, str | None]:
        tenant = tenant_of(self.host, repository.owner_id)
        key = ReviewKey(tenant=tenant, repository_id=repository.id, number=head.number, head_sha=head.head_sha)
        item = self.store.load(key.review_id)
        return (item.state, item.reason) if item is not None else (None, None)

    def _message(self, installed: Installed, repository: RepositoryIdentity, head: OpenHead) -> Envelope:
        return Envelope(
            delivery=str(self.ids.new()),
            event="pull_request",
            action="swept",
            host=self.host,
            installation_id=installed.id,
            owner_id=repository.owner_id,
            trigger=Trigger.PULL_REQUEST,
            repository_id=repository.id,
            number=head.number,
            head_sha=head.head_sha,
            received_at=self.clock.now().isoformat(),
        )
