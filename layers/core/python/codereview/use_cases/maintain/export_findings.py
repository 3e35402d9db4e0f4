"""Writes a tenant's findings into an object that somebody may fetch for a week."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from codereview.domain.control.audit import Request, audited
from codereview.domain.export import (
    CONTENT_TYPES,
    REPORT_ENDING,
    ExportFormat,
    ExportReport,
    export_key,
    handed_out,
    rendered,
)
from codereview.domain.review import TenantId
from codereview.errors import RejectedError
from codereview.ports import AuditLog
from codereview.record_ports import FindingSource, Shelf

# What fits into the function's memory as objects and text; who needs more asks for one period after the other.
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFindings:
    """The use case of an export; the job's id names its objects, so that a repeated one takes their place."""

    source: FindingSource
    shelf: Shelf
    audit: AuditLog

    def __call__(
        self, tenant: TenantId, *, form: ExportFormat, since: datetime, until: datetime, job: UUID, request: Request
    ) -> ExportReport:
        """Export, audited; beside the file lies `<job>.json`, the report, once the file is there."""
        if since >= until:
            raise RejectedError("an export begins before it ends")
        after = {"format": form.value, "since": since.isoformat(), "until": until.isoformat()}
        self.audit.append(
            [audited(request, tenant=tenant, action="exports.create", target=f"export/{job}", after=after)]
        )
        found = self.source.findings(tenant, since=since, until=until, limit=MOST_ROWS + 1)
        kept = found[:MOST_ROWS]
        given = handed_out(kept, form)
        key = export_key(tenant, job, form.value)
        self.shelf.put(key, rendered(given, form), content_type=CONTENT_TYPES[form])
        report = ExportReport(
            job=str(job),
            key=key,
            rows=len(given),
            is_cut=len(found) > len(kept),
            last=kept[-1].created_at.isoformat() if kept else None,
        )
        document = json.dumps(asdict(report)).encode()
        self.shelf.put(export_key(tenant, job, REPORT_ENDING), document, content_type="application/json")
        return report
