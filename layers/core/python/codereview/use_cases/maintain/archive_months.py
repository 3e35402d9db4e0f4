"""Takes months that nobody reads any more out of the database, each row into an object first."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from codereview.domain.archive import Archived, ArchiveState, DamagedArchiveError, archive_key, check
from codereview.domain.review import TenantId
from codereview.errors import RetryableError
from codereview.ports import Clock
from codereview.record_ports import Archives, Partitions, Shelf

# Findings of the last thirteen months stay in the database: a year can be compared with the one before.
MONTHS_ONLINE = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What was done, or with a dry run what would be."""

    months: tuple[str, ...] = ()  # dropped
    left: tuple[str, ...] = ()  # ended, and still there: no time, or a row that came late
    archives: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveMonths:
    """Archives month by month and tenant by tenant; whatever it dies of, the next run goes on from there."""

    clock: Clock
    partitions: Partitions
    archives: Archives
    shelf: Shelf
    months_online: int = MONTHS_ONLINE

    def __call__(self, *, deadline: datetime, dry_run: bool = False) -> ArchiveReport:
        """Archive and drop what has ended long enough ago, the oldest month first, until the deadline."""
        now = self.clock.now()
        months = self.partitions.ended_before(_first_of_month(now, back=self.months_online), now=now)
        report = ArchiveReport(left=tuple(f"{month:%Y-%m}" for month in months))
        for month in months:
            rows = self.partitions.rows_by_tenant(month)
            if dry_run:
                report = replace(report, archives=report.archives + len(rows), rows=report.rows + sum(rows.values()))
                continue
            known = self.archives.of_month(month)
            for tenant, count in sorted(rows.items()):
                if self.clock.now() >= deadline:
                    return report
                self._archive(tenant, month, count, known.get(tenant))
                report = replace(report, archives=report.archives + 1, rows=report.rows + count)
            if self.partitions.drop(month):
                name = f"{month:%Y-%m}"
                left = tuple(each for each in report.left if each != name)
                report = replace(report, months=(*report.months, name), left=left)
        return report

    def _archive(self, tenant: TenantId, month: date, count: int, known: Archived | None) -> None:
        """Put a tenant's month into an object and read it back, before anything says that it is there.

        Rows that came after their month had been dropped are joined with the archived ones first: the object that takes
        their place must hold both.
        """
        if known is not None and known.state is ArchiveState.DROPPED:
            data = check(self.shelf.get(known.key), sha256=known.sha256, row_count=known.row_count)
            self.archives.load(known, data, until=None, audit=None)
        elif known is not None and known.row_count == count and self._is_intact(known):
            self.archives.keep(replace(known, state=ArchiveState.VERIFIED, restored_until=None))
            return
        packed = self.archives.pack(tenant, month)
        key = archive_key(tenant, month)
        self.shelf.put(key, packed.data, content_type="application/gzip")
        try:
            check(self.shelf.get(key), sha256=packed.sha256, row_count=packed.row_count)
        except DamagedArchiveError as error:
            raise RetryableError(f"what was stored is not what came back: {error}") from error
        self.archives.keep(
            Archived(
                tenant=tenant,
                month=month,
                key=key,
                sha256=packed.sha256,
                row_count=packed.row_count,
                byte_count=len(packed.data),
                revision=self.archives.revision,
                state=ArchiveState.VERIFIED,
                created_at=self.clock.now(),
            )
        )

    def _is_intact(self, known: Archived) -> bool:
        if known.state is ArchiveState.DELETED:
            return False
        try:
            check(self.shelf.get(known.key), sha256=known.sha256, row_count=known.row_count)
        except DamagedArchiveError:
            return False
        return True


def _first_of_month(now: datetime, *, back: int) -> datetime:
    """Return the first moment of the month so many before this one."""
    month = now.year * 12 + now.month - 1 - back
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
