"""What the control plane needs from the outside world.

Every method that changes something takes the AuditEntry that describes the change, and stores both or neither. Raised
everywhere: ThrottledError and RetryableError when the store cannot answer (the API says 503, admission parks).
`version` is the version that the caller read; another one in the store raises StaleVersionError (the API says 412), and
the stored version becomes `version + 1`. Lists are pages: `after` is the previous page's `next`, opaque to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from codereview.domain.control.audit import AuditEntry, Request
from codereview.domain.control.budgets import Reservation, Room, Shortage, Spender
from codereview.domain.control.exports import ExportJob, Link
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.identity import Identity
from codereview.domain.control.keys import ApiKey
from codereview.domain.control.notices import Notice
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.control.people import Membership, PersonId, Session
from codereview.domain.control.queues import MoveTask, QueueDepth, RawLetter
from codereview.domain.control.quotas import Budgets, QuotaSet
from codereview.domain.control.replies import Claim
from codereview.domain.control.tenants import InstallationProof, Tenant
from codereview.domain.export import ExportReport
from codereview.domain.limits import Decision, Take
from codereview.domain.review import ReviewState, TenantId
from codereview.ports import Lease, PullRequestKey, ReviewItem, ReviewStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """Some of a list, in its order; `next` None: there is no more."""

    items: tuple[T, ...]
    next: str | None = None


class Secrets(Protocol):
    """The only source of random secrets."""

    def draw(self, size: int) -> bytes:
        """Return `size` bytes that nobody can guess."""
        ...


class Installations(Protocol):
    """GitHub's word on who installed the App."""

    def prove(self, installation_id: int) -> InstallationProof | None:
        """Ask GitHub, as the App, whose installation it is; None if GitHub knows no such installation of ours."""
        ...


class IdentityProvider(Protocol):
    """GitHub's word on who somebody is."""

    def authorize_url(self, *, state: str, challenge: str) -> str:
        """Return where the person goes; `challenge` is PKCE's, by S256."""
        ...

    def identify(self, *, code: str, verifier: str) -> Identity | None:
        """Ask whose the code is; None if GitHub does not take it. Nothing of the person's is kept."""
        ...


class Tenants(Protocol):
    """Tenants. The API never takes one from a request body; only `use_cases.control.tenants` makes them, from proof."""

    def load(self, tenant: TenantId) -> Tenant | None:
        """Read one."""
        ...

    def page(self, *, limit: int, after: str | None = None) -> Page[Tenant]:
        """List all tenants, by id; for operators only."""
        ...

    def save(self, tenant: Tenant, *, audit: AuditEntry) -> Tenant:
        """Write over the version that `tenant.version` names (0: there is none yet); return it with its new version."""
        ...


class ApiKeys(Protocol):
    """API keys."""

    def load(self, key_id: str) -> ApiKey | None:
        """Read one by id, strongly consistent, whatever its state."""
        ...

    def page(self, tenant: TenantId, *, limit: int, after: str | None = None) -> Page[ApiKey]:
        """List a tenant's keys, by creation."""
        ...

    def save(self, key: ApiKey, *, audit: AuditEntry) -> ApiKey:
        """Write over the version that `key.version` names (0: new)."""
        ...

    def touch(self, key_id: str, *, now: datetime) -> None:
        """Remember, at most once an hour, that the key was used; not a change, and not audited."""
        ...


class Sessions(Protocol):
    """Sign-ins; `audit` None: of a stranger, whom the audit log is not woken for."""

    def load(self, session_id: str) -> Session | None:
        """Read one by id, strongly consistent."""
        ...

    def begin(self, session: Session, *, audit: AuditEntry | None) -> None:
        """Store a new one."""
        ...

    def end(self, session_id: str, *, at: datetime, audit: AuditEntry | None) -> None:
        """End it; one that ended already, or never was, is no error and not audited."""
        ...


class People(Protocol):
    """Who has which role where."""

    def load(self, tenant: TenantId, person: PersonId) -> Membership | None:
        """Read a person's role in a tenant."""
        ...

    def page(self, tenant: TenantId, *, limit: int, after: str | None = None) -> Page[Membership]:
        """List a tenant's people, by user id."""
        ...

    def tenants_of(self, person: PersonId, *, limit: int, after: str | None = None) -> Page[Membership]:
        """List the tenants in which a person has a role, by tenant id."""
        ...

    def save(self, membership: Membership, *, audit: AuditEntry) -> Membership:
        """Write over the version named; raises ConflictError if the tenant would be left without an admin."""
        ...

    def remove(self, membership: Membership, *, audit: AuditEntry) -> None:
        """Remove the version named; raises ConflictError if the tenant would be left without an admin."""
        ...


class Flags(Protocol):
    """Agent flags and kill switches, one set for each tenant and one for the deployment (`tenant` None)."""

    def load(self, tenant: TenantId | None) -> FlagSet:
        """Read a set; one that was never changed has version 0 and says nothing."""
        ...

    def save(self, flags: FlagSet, *, audit: AuditEntry) -> FlagSet:
        """Write over the version that `flags.version` names."""
        ...


class Quotas(Protocol):
    """Limits and budgets, one set for each tenant and one for the deployment (`tenant` None)."""

    def load(self, tenant: TenantId | None) -> QuotaSet:
        """Read a set; one that was never changed has version 0 and says nothing."""
        ...

    def save(self, quotas: QuotaSet, *, audit: AuditEntry) -> QuotaSet:
        """Write over the version that `quotas.version` names."""
        ...


class Pauses(Protocol):
    """What is paused."""

    def holding(self, target: PauseTarget, *, now: datetime) -> Pause | None:
        """Return the widest pause that holds for the target, or None."""
        ...

    def page(self, tenant: TenantId, *, limit: int, after: str | None = None) -> Page[Pause]:
        """List a tenant's pauses, also those that ran out and were not resumed."""
        ...

    def load(self, target: PauseTarget) -> Pause | None:
        """Read the target's own pause, also one that ran out."""
        ...

    def pause(self, pause: Pause, *, audit: AuditEntry) -> None:
        """Write over the version that `pause.version` names (0: the target has none)."""
        ...

    def resume(self, pause: Pause, *, audit: AuditEntry) -> None:
        """Remove the version that was read."""
        ...


class Notices(Protocol):
    """Notices to people."""

    def load(self, notice_id: UUID) -> Notice | None:
        """Read one."""
        ...

    def page(self, tenant: TenantId | None, *, limit: int, after: str | None = None) -> Page[Notice]:
        """List a tenant's own notices, or those to all (None), by creation."""
        ...

    def save(self, notice: Notice, *, audit: AuditEntry) -> Notice:
        """Write over the version named (0: new)."""
        ...

    def remove(self, notice: Notice, *, audit: AuditEntry) -> None:
        """Remove the version named."""
        ...


class LiveReviews(Protocol):
    """Reviews of the last 30 days, for live pages; their states never come from the record's database."""

    def load(self, tenant: TenantId, review_id: UUID) -> ReviewItem | None:
        """Read one; None also if it is another tenant's."""
        ...

    def page(
        self,
        tenant: TenantId,
        *,
        since: datetime,
        limit: int,
        after: str | None = None,
        states: frozenset[ReviewState] = frozenset(),
    ) -> Page[ReviewItem]:
        """List a tenant's reviews, the latest changed first; `states` empty: all. A page may hold less than `limit`.

        `since` is at least the tenant's `began_at`: what was before belongs to an account that had removed us.
        """
        ...


class Exports(Protocol):
    """Exports that were asked for in the last seven days."""

    def load(self, tenant: TenantId, job_id: UUID) -> ExportJob | None:
        """Read one; None also if it is another tenant's."""
        ...

    def page(self, tenant: TenantId, *, since: datetime, limit: int, after: str | None = None) -> Page[ExportJob]:
        """List a tenant's, the latest first."""
        ...

    def add(self, job: ExportJob, *, audit: AuditEntry) -> None:
        """Store a new one; raises StaleVersionError if there is one of this id."""
        ...


class Exporter(Protocol):
    """Whoever writes exports."""

    def __call__(self, job: ExportJob, *, request: Request) -> None:
        """Hand the job over; a second time, it is written a second time, in the same place."""
        ...


class ExportedFiles(Protocol):
    """What was written."""

    def written(self, tenant: TenantId) -> frozenset[UUID]:
        """Return the jobs of a tenant whose files are there."""
        ...

    def report(self, job: ExportJob) -> ExportReport | None:
        """Return what became of one; None while nothing is there."""
        ...

    def link(self, job: ExportJob, *, now: datetime) -> Link:
        """Make an address that the file can be fetched from without any other right."""
        ...


class ObjectTimes(Protocol):
    """When objects were stored."""

    def written(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """List up to a thousand keys below a prefix, each with its time."""
        ...


class SeizableReviews(ReviewStore, Protocol):
    """The states of reviews, for whoever may take one out of a worker's hands."""

    def seize(self, pull_request: PullRequestKey, *, owner: UUID, until: datetime) -> Lease:
        """Take the pull request's lease, whoever has it: every later write of that one is void."""
        ...

    def save_audited(self, lease: Lease, item: ReviewItem, *, now: datetime, audit: AuditEntry) -> None:
        """Write the review under the lease's fence, together with the entry that says so."""
        ...


class WatchedQueue(Protocol):
    """A queue with its dead letters. Where they came from the queue itself knows: nobody names an address."""

    @property
    def name(self) -> str:
        """The queue's name in the API."""
        ...

    def depth(self) -> QueueDepth:
        """Say about how much there is."""
        ...

    def letters(self, *, limit: int) -> Sequence[RawLetter]:
        """Look at some dead letters; they stay, and are hidden for a few seconds."""
        ...

    def move(self, *, messages_per_second: int) -> None:
        """Start moving all letters back; raises ConflictError while a move runs."""
        ...

    def moves(self) -> Sequence[MoveTask]:
        """List the latest moves, the newest first."""
        ...

    def stop(self) -> None:
        """Stop the move that runs; raises ConflictError if none does."""
        ...


class Replies(Protocol):
    """Answers that are kept for a day, in case the same request comes again."""

    def claim(self, name: str, *, fingerprint: str, now: datetime, until: datetime) -> Claim:
        """Take the name until then, unless it is taken or answered. A claim that ran out without an answer is free."""
        ...

    def keep(self, name: str, *, fingerprint: str, reply: bytes, now: datetime) -> None:
        """Keep the answer for a day."""
        ...

    def drop(self, name: str) -> None:
        """Give the name back: nothing was done."""
        ...


class Seal(Protocol):
    """Makes bytes unreadable for whoever reads the store, and readable again for us."""

    def close(self, data: bytes, *, bound: str) -> bytes:
        """Seal; `bound` is where it will lie, and nothing else opens it there."""
        ...

    def open(self, sealed: bytes, *, bound: str) -> bytes:
        """Open; raises PermanentError for what was not sealed by us for this place."""
        ...


class Buckets(Protocol):
    """Token buckets. All buckets that one decision takes from lie under one `owner`, and so in one item."""

    def take(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision:
        """Take from all buckets or from none; exact under contention. A call whose answer was lost may charge twice."""
        ...

    def look(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision:
        """Say what `take` would decide now, and take nothing."""
        ...


class BudgetLedger(Protocol):
    """Money. What a review may spend is reserved before it begins, and counted against every ceiling above it."""

    def room(self, spender: Spender, budgets: Budgets) -> Room:
        """Read what is left under each ceiling; what the review itself has reserved counts as left."""
        ...

    def held(self, spender: Spender) -> Reservation | None:
        """Return the reservation that a review has, settled or not."""
        ...

    def reserve(self, spender: Spender, budgets: Budgets, *, amount: int, until: datetime) -> Reservation | Shortage:
        """Set money aside until then, or say which ceiling is too low.

        Asked again for the same review, as after a crash, it changes what is left of the reservation that is there to
        `amount` instead of making a second.
        """
        ...

    def spend(self, reservation: Reservation, *, call: str, amount: int) -> Reservation:
        """Count one call's cost, once for each `call`; more than was reserved is counted all the same."""
        ...

    def settle(self, reservation: Reservation) -> None:
        """Give back what was not spent; again is no error."""
        ...

    def expire(self, *, now: datetime, limit: int) -> int:
        """Settle reservations whose time has passed, and return how many."""
        ...


class AuditOutbox(Protocol):
    """Entries that the record queue does not have yet."""

    def put(self, entry: AuditEntry) -> bool:
        """Store an entry that belongs to no change of the table's; False: it is there already, and nothing changes."""
        ...

    def unsent(self, *, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """Return up to `limit` entries, the oldest of each shard first."""
        ...

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        """Take it out of the index; again is no error."""
        ...


class AuditQueue(Protocol):
    """The record queue, for audit entries. The recorder writes an entry once, however often it is sent."""

    def send(self, entry: AuditEntry) -> None:
        """Hand over one entry; returning means that the queue has it."""
        ...
