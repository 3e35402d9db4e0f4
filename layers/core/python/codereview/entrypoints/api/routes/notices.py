"""Notices: written by operators, read by everybody whom they concern."""

from datetime import datetime
from uuid import UUID

from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.control.scopes import Scope
from codereview.domain.control.tenants import parse_tenant_id
from codereview.domain.review import TenantId
from codereview.entrypoints.api.fields import Body, Moment, Page, Sentence, Shown, Text
from codereview.entrypoints.api.routing import Answer, Call, Route, Who
from codereview.entrypoints.api.services import Services
from codereview.errors import NotFoundError, RejectedError, StaleVersionError

_MOST_SHOWN = 100


class NoticeShown(Shown):
    """A notice; `tenant` null: it is for everybody."""

    id: UUID
    tenant: str | None
    level: NoticeLevel
    text: str
    created_at: datetime
    until: datetime


class NoticesShown(Shown):
    """Some notices."""

    items: list[NoticeShown]
    next: str | None


class CurrentNotices(Shown):
    """The notices that concern a tenant now."""

    items: list[NoticeShown]


class NoticeWanted(Body):
    """What is said, how loud, until when; `tenant` null: to everybody."""

    level: NoticeLevel
    text: Sentence
    until: Moment
    tenant: Text | None = None


class NoticeChanged(Body):
    """The notice as it shall be; whom it is for does not change."""

    level: NoticeLevel
    text: Sentence
    until: Moment


class NoticesPage(Page):
    """Which part of the list, of which tenant; without one, those to everybody."""

    tenant: Text | None = None


def _shown(notice: Notice) -> NoticeShown:
    return NoticeShown(
        id=notice.id,
        tenant=notice.tenant,
        level=notice.level,
        text=notice.text,
        created_at=notice.created_at,
        until=notice.until,
    )


def _tenant(services: Services, text: str | None) -> TenantId | None:
    if text is None:
        return None
    tenant = parse_tenant_id(text)
    if tenant is None or services.tenants.load(tenant) is None:
        raise NotFoundError("no such tenant")
    return tenant


def _current(services: Services, call: Call) -> Answer:
    general = services.notices.page(None, limit=_MOST_SHOWN).items
    page = services.notices.page(call.tenant.id, limit=_MOST_SHOWN).items
    own = [notice for notice in page if notice.is_of(call.tenant)]
    shown = [_shown(notice) for notice in (*general, *own) if notice.is_shown(call.request.at)]
    return Answer(content=CurrentNotices(items=shown))


def _list(services: Services, call: Call) -> Answer:
    tenant = _tenant(services, call.query_as(NoticesPage).tenant)
    page = services.notices.page(tenant, limit=call.page.limit, after=call.page.after)
    return Answer(content=NoticesShown(items=[_shown(each) for each in page.items], next=page.next))


def _until(wanted: NoticeWanted | NoticeChanged, call: Call) -> datetime:
    if wanted.until <= call.request.at:
        raise RejectedError("a notice ends in the future")
    return wanted.until


def _create(services: Services, call: Call) -> Answer:
    wanted = call.body_as(NoticeWanted)
    notice = Notice(
        id=call.ids.new(),
        tenant=_tenant(services, wanted.tenant),
        level=wanted.level,
        text=wanted.text,
        created_at=call.request.at,
        until=_until(wanted, call),
    )
    notice = services.change_notices.save(notice, request=call.request)
    return Answer(content=_shown(notice), version=notice.version, location=f"/v1/deployment/notices/{notice.id}")


def _find(services: Services, call: Call) -> Notice:
    notice = services.notices.load(UUID(call.path["notice"]))
    if notice is None:
        raise NotFoundError("no such notice")
    return notice


def _show(services: Services, call: Call) -> Answer:
    notice = _find(services, call)
    return Answer(content=_shown(notice), version=notice.version)


def _change(services: Services, call: Call) -> Answer:
    wanted, before = call.body_as(NoticeChanged), _find(services, call)
    notice = Notice(
        id=before.id,
        tenant=before.tenant,
        level=wanted.level,
        text=wanted.text,
        created_at=before.created_at,
        until=_until(wanted, call),
        version=call.known_version,
    )
    notice = services.change_notices.save(notice, request=call.request)
    return Answer(content=_shown(notice), version=notice.version)


def _remove(services: Services, call: Call) -> Answer:
    notice = _find(services, call)
    if call.version is not None and call.version != notice.version:
        raise StaleVersionError("the notice was changed since it was read")
    services.change_notices.remove(notice, request=call.request)
    return Answer()


_ALL, _ONE = "/v1/deployment/notices", "/v1/deployment/notices/{notice}"

ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/notices",
        operation="notices.show_current",
        summary="Show what concerns a tenant now",
        access=Scope.NOTICES_READ,
        run=_current,
        answer=CurrentNotices,
    ),
    Route(
        method="GET",
        path=_ALL,
        operation="notices.list",
        summary="List notices to everybody, or to one tenant",
        access=Who.OPERATOR,
        run=_list,
        answer=NoticesShown,
        query=NoticesPage,
    ),
    Route(
        method="POST",
        path=_ALL,
        operation="notices.create",
        summary="Tell everybody, or one tenant",
        access=Who.OPERATOR,
        run=_create,
        answer=NoticeShown,
        status=201,
        body=NoticeWanted,
        has_version=True,
    ),
    Route(
        method="GET",
        path=_ONE,
        operation="notices.show",
        summary="Show a notice",
        access=Who.OPERATOR,
        run=_show,
        answer=NoticeShown,
        has_version=True,
    ),
    Route(
        method="PUT",
        path=_ONE,
        operation="notices.change",
        summary="Change a notice",
        access=Who.OPERATOR,
        run=_change,
        answer=NoticeShown,
        body=NoticeChanged,
        needs_version=True,
        has_version=True,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        operation="notices.remove",
        summary="Remove a notice",
        access=Who.OPERATOR,
        run=_remove,
        status=204,
        takes_version=True,
    ),
)
