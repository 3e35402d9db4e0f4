"""Deletes what the tenants' rules say, and changes the rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from codereview.domain.archive import Archived, ArchiveState
from codereview.domain.control.audit import Request, audited
from codereview.domain.retention import RetentionRule, checked_rule
from codereview.domain.review import TenantId
from codereview.errors import ConflictError
from codereview.ports import Clock
from codereview.record_ports import NONE_DELETED, Archives, Deleted, Retention, Shelf

_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What was deleted, or with a dry run what would be."""

    deleted: Deleted = NONE_DELETED
    archives: int = 0
    held: tuple[TenantId, ...] = ()
    is_finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRetention:
    """Goes through the tenants; a tenant under a legal hold is left alone."""

    clock: Clock
    retention: Retention
    archives: Archives
    shelf: Shelf

    def __call__(self, *, deadline: datetime, dry_run: bool = False) -> RetentionReport:
        """Delete until the deadline."""
        report = RetentionReport()
        for tenant in sorted({*self.retention.tenants(), *self.archives.tenants()}):
            rule = self.retention.rule(tenant)
            cutoff = rule.cutoff(self.clock.now())
            if cutoff is None:
                report = replace(report, held=(*report.held, tenant))
                continue
            due = [each for each in self.archives.of_tenant(tenant) if _is_over(each, cutoff)]
            if dry_run:
                found = self.retention.expired(tenant, now=self.clock.now())
                report = replace(report, deleted=report.deleted + found, archives=report.archives + len(due))
                continue
            deleted, is_finished = self._expire(tenant, deadline)
            archives = self._forget(due, deadline)
            report = replace(
                report,
                deleted=report.deleted + deleted,
                archives=report.archives + archives,
                is_finished=report.is_finished and is_finished and archives == len(due),
            )
        return report

    def _expire(self, tenant: TenantId, deadline: datetime) -> tuple[Deleted, bool]:
        total = Deleted()
        while self.clock.now() < deadline:
            batch = self.retention.expire(tenant, now=self.clock.now(), limit=_ROWS_AT_ONCE)
            total += batch
            if batch.total == 0:
                return total, True
        return total, False

    def _forget(self, due: Sequence[Archived], deadline: datetime) -> int:
        """Delete objects, then say so: one that is gone and not said to be is deleted again, which changes nothing.

        A hold that came in between is asked for before each.
        """
        done = 0
        for archived in due:
            if self.clock.now() >= deadline or self.retention.rule(archived.tenant).is_held(self.clock.now()):
                break
            self.shelf.delete(archived.key)
            self.retention.forget_archive(archived, now=self.clock.now())
            done += 1
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRetention:
    """Sets a tenant's rule."""

    clock: Clock
    retention: Retention

    def __call__(self, tenant: TenantId, *, keep_days: int, hold_until: date | None, request: Request) -> RetentionRule:
        """Write the rule, audited; raises RejectedError for one that makes no sense, ConflictError while deleting."""
        before, now = self.retention.rule(tenant), self.clock.now()
        if before.deleting_since is not None:
            raise ConflictError(f"{tenant} is being deleted")
        after = checked_rule(replace(before, keep_days=keep_days, hold_until=hold_until), now=now)
        entry = audited(
            request,
            tenant=tenant,
            action="retention.change",
            target="retention",
            before=_described(before),
            after=_described(after),
        )
        self.retention.change(after, audit=entry, now=now)
        return after


def _described(rule: RetentionRule) -> dict[str, object]:
    return {"keep_days": rule.keep_days, "hold_until": rule.hold_until.isoformat() if rule.hold_until else None}


def _is_over(archived: Archived, cutoff: datetime) -> bool:
    """Whether the youngest row that the archive can hold is past its time."""
    month = archived.month.year * 12 + archived.month.month
    end = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return archived.state is not ArchiveState.DELETED and end <= cutoff
