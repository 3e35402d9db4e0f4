"""What the upkeep of the record needs from the outside world.

Every method may raise RetryableError (the same call may succeed later) and ConfigurationError (the schema or a grant
is missing). Each is one transaction, all or nothing, and a call whose answer was lost may be repeated.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from codereview.domain.archive import Archived, Packed
from codereview.domain.audit import GENESIS, AuditRecord, Head
from codereview.domain.control.audit import AuditEntry
from codereview.domain.export import ExportedFinding
from codereview.domain.retention import RetentionRule
from codereview.domain.review import TenantId
from codereview.ports import StoredObject


class Shelf(Protocol):
    """Archives and exports as objects (S3). Keys are made of ids only."""

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> StoredObject:
        """Store, over what was there."""
        ...

    def get(self, key: str) -> bytes | None:
        """Read; None if there is no such object."""
        ...

    def delete(self, key: str) -> None:
        """Remove; what is not there is no error."""
        ...

    def keys(self, prefix: str) -> Sequence[str]:
        """List up to a thousand keys below a prefix, in their order."""
        ...


class SingleFlight(Protocol):
    """One run of the upkeep at a time."""

    def hold(self) -> AbstractContextManager[bool]:
        """Give whether nobody else is at it; held until the end, or until the connection is lost."""
        ...


class Partitions(Protocol):
    """The months of findings."""

    def make_ahead(self, *, now: datetime, months: int) -> int:
        """Make what is missing of the coming months, and of months whose rows stand in the default partition.

        Returns how many months from now on there are.
        """
        ...

    def default_rows(self) -> int:
        """Count the rows that no month has."""
        ...

    def ended_before(self, moment: datetime, *, now: datetime) -> Sequence[date]:
        """List the months that ended by then and still are partitions, the oldest first, but for restored ones."""
        ...

    def rows_by_tenant(self, month: date) -> Mapping[TenantId, int]:
        """Count a month's rows."""
        ...

    def drop(self, month: date) -> bool:
        """Drop a month's partition if every row of it is in a verified archive; no lock waits longer than 100 ms.

        Returns False if a row is in none. The archives' state is DROPPED in the same transaction.
        """
        ...


class AuditChains(Protocol):
    """The audit log's chains, to be read."""

    def tenants(self) -> Sequence[TenantId]:
        """Name whose chains there are."""
        ...

    def records(self, tenant: TenantId, *, start: Head = GENESIS) -> Iterator[AuditRecord]:
        """Read a chain behind `start`, in its order."""
        ...

    def hash_of(self, tenant: TenantId, seq: int) -> bytes | None:
        """Return an entry's hash as it stands; None where there is none, and the beginning's for 0."""
        ...

    def latest(self, tenant: TenantId, *, limit: int) -> Sequence[AuditRecord]:
        """Return a chain's last entries, the newest first."""
        ...


class Archives(Protocol):
    """What is archived, and the way of rows there and back."""

    def of_month(self, month: date) -> Mapping[TenantId, Archived]:
        """Read the archives of a month."""
        ...

    def of_tenant(self, tenant: TenantId) -> Sequence[Archived]:
        """Read a tenant's archives, the oldest first."""
        ...

    def tenants(self) -> Sequence[TenantId]:
        """Name the tenants that have archives."""
        ...

    def pack(self, tenant: TenantId, month: date) -> Packed:
        """Copy a month's rows out of the database."""
        ...

    @property
    def revision(self) -> str:
        """Name the schema that archives are written under."""
        ...

    def keep(self, archived: Archived) -> None:
        """Remember an archive, over what was known of the month."""
        ...

    def load(self, archived: Archived, data: bytes, *, until: datetime | None, audit: AuditEntry | None) -> int:
        """Copy rows back, each once whatever is there, and mark the month RESTORED; returns how many were missing.

        `data` was checked. Raises DamagedArchiveError for columns that this schema does not have.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """How many rows of a tenant are deleted, or would be."""

    reviews: int = 0
    findings: int = 0
    usage: int = 0
    identities: int = 0

    def __add__(self, other: "Deleted") -> "Deleted":
        """Sum two counts."""
        return Deleted(
            reviews=self.reviews + other.reviews,
            findings=self.findings + other.findings,
            usage=self.usage + other.usage,
            identities=self.identities + other.identities,
        )

    @property
    def total(self) -> int:
        """All rows."""
        return self.reviews + self.findings + self.usage + self.identities


NONE_DELETED = Deleted()


class Retention(Protocol):
    """Rules of retention, and deletion by them."""

    def rule(self, tenant: TenantId) -> RetentionRule:
        """Read a tenant's rule; without one, the usual."""
        ...

    def tenants(self) -> Sequence[TenantId]:
        """Name the tenants that have reviews."""
        ...

    def deleting(self) -> Sequence[TenantId]:
        """Name the tenants that are to be deleted."""
        ...

    def change(self, rule: RetentionRule, *, audit: AuditEntry, now: datetime) -> None:
        """Write a rule and its audit entry."""
        ...

    def expired(self, tenant: TenantId, *, now: datetime) -> Deleted:
        """Count what the tenant's rule says to delete."""
        ...

    def expire(self, tenant: TenantId, *, now: datetime, limit: int, everything: bool = False) -> Deleted:
        """Delete up to `limit` rows of each kind that are older than the rule says; nothing under a legal hold.

        `everything`: whatever its age, for a tenant that is to be deleted; raises ConflictError for another.
        """
        ...

    def forget_archive(self, archived: Archived, *, now: datetime) -> None:
        """Mark an archive as DELETED; raises ConflictError under a legal hold."""
        ...

    def bury(self, tenant: TenantId, *, audit: AuditEntry, now: datetime) -> None:
        """Delete what is left of a tenant that has no reviews any more, its audit chain too, and its rule.

        In the same transaction the entry goes into the deployment's chain, with the last number and hash of the
        tenant's: the tombstone.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHealth:
    """A table, or one partition, by PostgreSQL's statistics."""

    name: str
    bytes: int
    live_rows: int
    dead_rows: int
    transaction_age: int  # of the oldest row that no VACUUM has frozen, in transactions
    last_vacuum: datetime | None
    options: tuple[str, ...]

    @property
    def dead_ratio(self) -> float:
        """Give the share of rows that are dead: what bloat comes from."""
        return self.dead_rows / max(1, self.dead_rows + self.live_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """The whole database."""

    bytes: int
    transaction_age: int
    open_span: int  # transactions between the oldest that runs and the newest
    tables: tuple[TableHealth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """An index. `is_own`: added by an operator, and so may be dropped by one."""

    name: str
    table: str
    definition: str
    bytes: int
    scans: int
    is_valid: bool
    is_own: bool


class Tables(Protocol):
    """The tables' health. Names are checked against the record's own; RejectedError otherwise."""

    def health(self) -> DatabaseHealth:
        """Read sizes, dead rows and ages."""
        ...

    def vacuum(self, table: str, *, within: timedelta) -> None:
        """Run VACUUM (ANALYZE); raises RetryableError when the time is up."""
        ...


class Care(Tables, Protocol):
    """What an operator may do to the tables."""

    def set_autovacuum(self, table: str, *, scale_factor: float) -> None:
        """Set the share of dead rows at which autovacuum begins; of findings, for every partition and those to come."""
        ...

    def indexes(self) -> Sequence[IndexInfo]:
        """List the indexes."""
        ...

    def add_index(self, table: str, columns: Sequence[str], *, within: timedelta) -> str:
        """Build an index without blocking anybody, and return its name; one that is there is no error."""
        ...

    def drop_index(self, name: str, *, within: timedelta) -> None:
        """Drop an index that an operator added; RejectedError for any other."""
        ...


class RecordedReviews(Protocol):
    """Which reviews the record has."""

    def states(self, tenant: TenantId, review_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Read the states of those that are there."""
        ...


class FindingSource(Protocol):
    """A tenant's findings, for an export."""

    def findings(self, tenant: TenantId, *, since: datetime, until: datetime, limit: int) -> Sequence[ExportedFinding]:
        """Read them, the oldest first."""
        ...
