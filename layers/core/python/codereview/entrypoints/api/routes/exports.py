"""Exports: a tenant's findings as a file, written by the maintenance function and fetched from S3."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from codereview.domain.control.exports import ExportState
from codereview.domain.control.scopes import Scope
from codereview.domain.export import ExportFormat
from codereview.entrypoints.api.fields import Body, Moment, Page, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route
from codereview.entrypoints.api.services import Services
from codereview.use_cases.control.order_exports import Standing

_USUAL: Final = timedelta(days=90)


class ExportWanted(Body):
    """What to write: the findings of a period, the last ninety days if it says nothing."""

    format: ExportFormat = ExportFormat.JSON_LINES
    since: Moment | None = None
    until: Moment | None = None


class ExportListed(Shown):
    """An export; one that has not come within twenty minutes counts as failed."""

    id: UUID
    format: ExportFormat
    since: datetime
    until: datetime
    state: ExportState
    started_at: datetime


class ExportShown(ExportListed):
    """An export, and once it is done where to fetch it. `is_cut`: there are more; `last` is from where to go on."""

    rows: int | None
    is_cut: bool | None
    last: datetime | None
    url: str | None
    url_expires_at: datetime | None


class ExportsShown(Shown):
    """Some exports, the latest first."""

    items: list[ExportListed]
    next: str | None


def _listed(standing: Standing) -> ExportListed:
    job = standing.job
    return ExportListed(
        id=job.id,
        format=job.format,
        since=job.since,
        until=job.until,
        state=standing.state,
        started_at=job.started_at,
    )


def _shown(standing: Standing) -> ExportShown:
    report, link = standing.report, standing.link
    return ExportShown(
        **_listed(standing).model_dump(),
        rows=report.rows if report else None,
        is_cut=report.is_cut if report else None,
        last=datetime.fromisoformat(report.last) if report and report.last else None,
        url=link.url if link else None,
        url_expires_at=link.expires_at if link else None,
    )


def _start(services: Services, call: Call) -> Answer:
    wanted = call.body_as(ExportWanted)
    until = wanted.until or call.request.at
    started = services.exports.start(
        call.tenant,
        call.ids.new(),
        form=wanted.format,
        since=wanted.since or until - _USUAL,
        until=until,
        request=call.request,
    )
    return Answer(content=_listed(started), location=f"/v1/tenants/{call.tenant.id}/exports/{started.job.id}")


def _show(services: Services, call: Call) -> Answer:
    return Answer(content=_shown(services.exports.show(call.tenant, UUID(call.path["job"]), now=call.request.at)))


def _list(services: Services, call: Call) -> Answer:
    page = services.exports.page(call.tenant, limit=call.page.limit, after=call.page.after, now=call.request.at)
    return Answer(content=ExportsShown(items=[_listed(each) for each in page.items], next=page.next))


_ALL = "/v1/tenants/{tenant}/exports"

# Who may read findings page by page may have them as a file.
ROUTES = (
    Route(
        method="GET",
        path=_ALL,
        operation="exports.list",
        summary="List the exports of the last seven days, the latest first",
        access=Scope.FINDINGS_READ,
        run=_list,
        answer=ExportsShown,
        query=Page,
    ),
    Route(
        method="POST",
        path=_ALL,
        operation="exports.start",
        summary="Have a tenant's findings written as CSV, JSON Lines or SARIF",
        access=Scope.FINDINGS_READ,
        run=_start,
        answer=ExportListed,
        status=202,
        body=ExportWanted,
    ),
    Route(
        method="GET",
        path=f"{_ALL}/{{job}}",
        operation="exports.show",
        summary="Show how an export stands, with an address to fetch it from for fifteen minutes",
        access=Scope.FINDINGS_READ,
        run=_show,
        answer=ExportShown,
    ),
)
