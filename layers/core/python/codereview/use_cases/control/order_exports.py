"""Exports on demand: the maintenance function writes them, since only it may read what so many rows are.

The races that this module is built around:

- A death between the job and the call: the job never gets a report, and counts as failed after a while. The same
  request repeated (`Idempotency-Key`) finds its job and calls again; a second run writes over the first's objects.
- Requests at the same moment may go past the number that may run at once, by as many as they are: it keeps one tenant
  from having the database for itself, and one more does not.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from codereview.control_ports import ExportedFiles, Exporter, Exports, Page
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.exports import GIVEN_UP_AFTER, KEPT, ExportJob, ExportState, Link
from codereview.domain.control.tenants import Tenant
from codereview.domain.export import ExportFormat, ExportReport
from codereview.errors import ConflictError, NotFoundError, RejectedError

MOST_AT_ONCE: Final = 3  # of one tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A job and how it stands; `report` and `link` only where it is done and one was asked for."""

    job: ExportJob
    state: ExportState
    report: ExportReport | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExports:
    """What people and programs ask of exports."""

    jobs: Exports
    files: ExportedFiles
    exporter: Exporter

    def start(
        self, tenant: Tenant, job_id: UUID, *, form: ExportFormat, since: datetime, until: datetime, request: Request
    ) -> Standing:
        """Have the findings of a period written; nothing of an earlier life of the account is among them.

        Raises RejectedError for a period that is none, ConflictError where too many of the tenant's exports run.
        """
        since = max(since, tenant.began_at)
        if since >= until:
            raise RejectedError("a period begins before it ends, and ends after the tenant began")
        job = self.jobs.load(tenant.id, job_id)
        if job is None:
            self._require_room(tenant, request.at)
            job = ExportJob(id=job_id, tenant=tenant.id, format=form, since=since, until=until, started_at=request.at)
            after = {"format": form.value, "since": since.isoformat(), "until": until.isoformat()}
            entry = audited(request, tenant=tenant.id, action="exports.start", target=f"export/{job_id}", after=after)
            self.jobs.add(job, audit=entry)
        self.exporter(job, request=request)
        return Standing(job=job, state=ExportState.RUNNING)

    def show(self, tenant: Tenant, job_id: UUID, *, now: datetime) -> Standing:
        """Say how one stands, with the address to fetch it from; raises NotFoundError."""
        job = self.jobs.load(tenant.id, job_id)
        if job is None or job.started_at < _begin(tenant, now):
            raise NotFoundError("no such export")
        report = self.files.report(job)
        state = job.state(is_written=report is not None, now=now)
        link = self.files.link(job, now=now) if report is not None else None
        return Standing(job=job, state=state, report=report, link=link)

    def page(self, tenant: Tenant, *, limit: int, after: str | None, now: datetime) -> Page[Standing]:
        """List the exports of the last seven days, the latest first."""
        page = self.jobs.page(tenant.id, since=_begin(tenant, now), limit=limit, after=after)
        written = self.files.written(tenant.id) if page.items else frozenset()
        items = tuple(Standing(job=job, state=job.state(is_written=job.id in written, now=now)) for job in page.items)
        return Page(items=items, next=page.next)

    def _require_room(self, tenant: Tenant, now: datetime) -> None:
        page = self.jobs.page(tenant.id, since=now - GIVEN_UP_AFTER, limit=100)
        if len(page.items) < MOST_AT_ONCE:
            return
        written = self.files.written(tenant.id)
        states = [job.state(is_written=job.id in written, now=now) for job in page.items]
        if states.count(ExportState.RUNNING) >= MOST_AT_ONCE:
            raise ConflictError(f"{MOST_AT_ONCE} exports of the tenant are running; wait for one of them")


def _begin(tenant: Tenant, now: datetime) -> datetime:
    return max(tenant.began_at, now - KEPT)
