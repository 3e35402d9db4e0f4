"""Two tenants of one deployment, for histories: on one clock, behind webhooks of which some never arrive.

Each has a world of its own, with what the reconciler goes through for it: the reviews and messages that are due,
GitHub's log of deliveries, and the sweep of open heads.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from codereview.domain.envelope import Envelope
from codereview.domain.redelivering import Delivery
from codereview.domain.sweeping import Installed, OpenHead
from codereview.errors import RetryableError
from codereview.github_ports import RepositoryIdentity
from codereview.sweep_ports import HeadsPage
from codereview.use_cases.reconcile.redeliver import RedeliverFailed
from codereview.use_cases.reconcile.sweep_heads import SweepHeads
from tests.scenarios.events import NOW, command_event, pull_request_event
from tests.scenarios.fake_desk import reserving
from tests.scenarios.fake_jobs import Log, MemoryJobs
from tests.scenarios.fake_stores import Agenda, Clock, Ids, ReviewQueue, Store
from tests.scenarios.faults import Death
from tests.scenarios.memory_turns import TurnItem
from tests.scenarios.test_sweep import Accounts, Lists, Memory
from tests.scenarios.world import RECONCILER_TIMEOUT, World

MINUTE = timedelta(minutes=1)
REVIEWERS = 3  # of which one tenant may have two while the other is about
WRITER, STRANGER = 7, 8
_SWEPT_EVERY = timedelta(minutes=61)  # a round rests for an hour
_LOG_READ_EVERY = timedelta(minutes=15)


class Fate(Enum):
    """What becomes of a webhook."""

    ARRIVES = "arrives"
    FAILS = "fails"  # GitHub's log has it, and it can be asked for again
    NEVER_SENT = "never sent"  # no log has it


@dataclass
class Shared:
    """What the tenants have in common: the clock, and the reviewers."""

    moment: datetime = NOW
    turns: TurnItem = field(default_factory=TurnItem)


class TenantsWorld(World):
    """One tenant's pull request; its repository may move to another account, and back."""

    def __init__(self, account: int, shared: Shared) -> None:
        self.shared = shared
        super().__init__(
            account=account, admission=reserving, turns=shared.turns, reviewers=REVIEWERS, writers={WRITER}
        )
        self.accounts = (account, account + 2)
        self.changed_at = NOW  # by GitHub's word
        self.is_unheard = False  # nothing that we accepted tells of the state that the pull request has now
        self.fate = Fate.ARRIVES  # of the next webhook
        self.commands: dict[int, int] = {}  # of the comments that were delivered: who wrote them
        self.log = Webhooks(self)
        self.lists = PullRequestList(self)
        self.memory, self.jobs = Memory(self), MemoryJobs(self)
        self.swept_at = self.log_read_at = NOW

    @property
    def now(self) -> datetime:
        return self.shared.moment

    @now.setter
    def now(self, value: datetime) -> None:
        self.shared.moment = max(self.shared.moment, value)

    @property
    def installation(self) -> int:
        """The account's own installation of our App."""
        return 10 + self.account

    @property
    def has_access(self) -> bool:
        """Whether GitHub lets us in."""
        return self.is_known and not self.is_suspended

    def event(self, action: str) -> Envelope:
        """Make the message of a webhook about the pull request as it is."""
        return self._signed(pull_request_event(self.head, action=action))

    def comment(self, sender: int) -> Envelope:
        """Make the message of somebody's `/review`."""
        return self._signed(command_event(sender, comment=self.next_id()))

    def _signed(self, envelope: Envelope) -> Envelope:
        return replace(
            envelope,
            delivery=f"00000000-0000-4000-8000-{self.next_id():012}",
            installation_id=self.installation,
            owner_id=self.account,
            received_at=self.now.isoformat(),
        )

    def change(self) -> None:
        """Note that GitHub lists the pull request as changed."""
        self.changed_at = self.now

    def reconcile(self) -> None:
        """Run what is due of the reconciler; a run that finds nothing due does nothing, and is left out."""
        if min(self.due_times, default=self.now + MINUTE) <= self.now:
            super().reconcile()
        self.is_dead = False
        if self.log.is_behind and self.now >= self.log_read_at + _LOG_READ_EVERY:
            self.log_read_at = self.now
            with suppress(RetryableError, Death):
                RedeliverFailed(clock=Clock(self), jobs=self.jobs, log=self.log)(deadline=self.now + RECONCILER_TIMEOUT)
        if self.now >= self.swept_at + _SWEPT_EVERY:
            self.swept_at = self.now
            self.is_dead = False
            with suppress(RetryableError, Death):
                self._sweep()

    def _sweep(self) -> None:
        SweepHeads(
            clock=Clock(self),
            ids=Ids(self),
            jobs=self.jobs,
            github=self.lists,
            memory=self.memory,
            tenants=Accounts(self),
            store=Store(self),
            agenda=Agenda(self),
            queue=ReviewQueue(self),
            host="github.com",
        )(deadline=self.now + RECONCILER_TIMEOUT)

    @property
    def tenant(self) -> str:
        """The tenant that the repository belongs to now."""
        return f"github.com:{self.account}"

    @property
    def is_reviewed(self) -> bool:
        """Whether the present head has its review, of the present account."""
        standing = {review.id for review, _ in self.reviews}
        return any(
            (item.key.head_sha, item.key.tenant, item.key.kind) == (self.head, self.tenant, "auto")
            and item.github_review_id in standing
            for item in self.items.values()
        )

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is left to do, and nothing to be found."""
        return not self.waits and not self.log.is_behind and (not self.is_unheard or self.is_reviewed)

    @property
    def next_look(self) -> datetime:
        """When the reconciler has something to do for this tenant, whether or not it finds anything."""
        looks = [self.swept_at + _SWEPT_EVERY, *self.due_times]
        return min([*looks, self.log_read_at + _LOG_READ_EVERY] if self.log.is_behind else looks)


class Webhooks(Log):
    """GitHub's log of a tenant's deliveries."""

    world: TenantsWorld

    def __init__(self, world: TenantsWorld) -> None:
        super().__init__(world)
        self.failed: dict[str, Envelope] = {}  # by GUID, what never arrived

    @property
    def is_behind(self) -> bool:
        """Whether something can be asked for again."""
        return bool(self.failed)

    def fail(self, envelope: Envelope) -> None:
        """Note a delivery that we answered with 503."""
        self.failed[envelope.delivery] = envelope
        attempt = Delivery(
            id=len(self.attempts) + 1,
            guid=envelope.delivery,
            delivered_at=self.world.now,
            is_ok=False,
            status_code=503,
        )
        self.attempts.append(attempt)

    def _repeat(self, attempt: int) -> None:
        (first,) = [entry for entry in self.attempts if entry.id == attempt]
        number = len(self.attempts) + 1
        self.attempts.append(replace(first, id=number, delivered_at=self.world.now, is_ok=True, is_redelivery=True))
        envelope = self.failed.pop(first.guid, None)
        if envelope is not None:
            self.world.queue.append(replace(envelope, received_at=self.world.now.isoformat()))


class PullRequestList(Lists):
    """GitHub's lists for one tenant, with its one pull request."""

    world: TenantsWorld

    def installations(self, page: int) -> tuple[Sequence[Installed], bool]:
        world = self.world
        month_ago = NOW - timedelta(days=30)
        installed = Installed(
            id=world.installation,
            account_id=world.account,
            login=None,
            created_at=month_ago,
            is_suspended=world.is_suspended,
        )
        self.installed = [installed]
        self.repositories_of = {world.installation: [2] if world.is_known else []}
        return super().installations(page)

    def heads(
        self, installation_id: int, repository: RepositoryIdentity, *, page: int, etag: str | None
    ) -> HeadsPage | None:
        world = self.world
        head = OpenHead(
            number=3, head_sha=world.head, is_draft=world.is_draft, is_author_bot=False, updated_at=world.changed_at
        )
        self.open_of = {2: [head] if world.is_open else []}
        return super().heads(installation_id, repository, page=page, etag=etag)
