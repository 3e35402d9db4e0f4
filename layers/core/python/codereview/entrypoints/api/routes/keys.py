"""API keys of a tenant. A key's text is in the answer that makes it, and nowhere else."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from codereview.domain.control.callers import KeyCaller
from codereview.domain.control.keys import ApiKey
from codereview.domain.control.scopes import Scope
from codereview.entrypoints.api.fields import ActorShown, Body, Moment, Name, Page, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route
from codereview.entrypoints.api.services import Services
from codereview.use_cases.control.manage_keys import LONGEST_OVERLAP, Issued, ManageKeys

_LONGEST_OVERLAP_SECONDS = LONGEST_OVERLAP // timedelta(seconds=1)


class KeyShown(Shown):
    """A key without its text."""

    id: str
    name: str
    scopes: list[Scope]
    created_by: ActorShown
    created_at: datetime
    expires_at: datetime
    parent_id: str | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    former_until: datetime | None  # when the last text from before a rotation ends


class KeysShown(Shown):
    """Some keys."""

    items: list[KeyShown]
    next: str | None


class KeyIssued(Shown):
    """A new key, with the only copy of its text."""

    token: str
    key: KeyShown


class KeyWanted(Body):
    """What the new key may do, and for how long."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: Moment


class RotationWanted(Body):
    """For how long the texts from before go on."""

    overlap_seconds: Annotated[int, Field(ge=0, le=_LONGEST_OVERLAP_SECONDS)] = 0


def _shown(key: ApiKey) -> KeyShown:
    return KeyShown(
        id=key.id,
        name=key.name,
        scopes=sorted(key.scopes),
        created_by=ActorShown(kind=key.created_by.kind.value, id=key.created_by.id),
        created_at=key.created_at,
        expires_at=key.expires_at,
        parent_id=key.parent_id,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        former_until=max((each.until for each in key.former), default=None),
    )


def _issued(issued: Issued, call: Call) -> Answer:
    location = f"/v1/tenants/{call.tenant.id}/keys/{issued.key.id}"
    return Answer(content=KeyIssued(token=issued.token.text, key=_shown(issued.key)), location=location)


def _keys(services: Services, call: Call) -> ManageKeys:
    """Take the request's own ids, which are the same when it is repeated."""
    return replace(services.manage_keys, ids=call.ids)


def _asking(call: Call) -> ApiKey | None:
    return call.caller.key if isinstance(call.caller, KeyCaller) else None


def _list(services: Services, call: Call) -> Answer:
    page = services.manage_keys.page(call.tenant, limit=call.page.limit, after=call.page.after)
    return Answer(content=KeysShown(items=[_shown(key) for key in page.items], next=page.next))


def _show(services: Services, call: Call) -> Answer:
    key = services.manage_keys.find(call.tenant, call.path["key"])
    return Answer(content=_shown(key), version=key.version)


def _create(services: Services, call: Call) -> Answer:
    wanted = call.body_as(KeyWanted)
    issued = _keys(services, call).issue(
        call.tenant,
        name=wanted.name,
        scopes=frozenset(wanted.scopes),
        expires_at=wanted.expires_at,
        held=call.scopes,
        request=call.request,
        parent=_asking(call),
    )
    return _issued(issued, call)


def _revoke(services: Services, call: Call) -> Answer:
    services.manage_keys.revoke(call.tenant, call.path["key"], request=call.request, version=call.version)
    return Answer()


def _rotate(services: Services, call: Call) -> Answer:
    overlap = timedelta(seconds=call.body_as(RotationWanted).overlap_seconds)
    issued = services.manage_keys.rotate(
        call.tenant,
        call.path["key"],
        overlap=overlap,
        held=call.scopes,
        request=call.request,
        caller=_asking(call),
    )
    return _issued(issued, call)


ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/keys",
        operation="keys.list",
        summary="List a tenant's keys",
        access=Scope.KEYS_READ,
        run=_list,
        answer=KeysShown,
        query=Page,
    ),
    Route(
        method="POST",
        path="/v1/tenants/{tenant}/keys",
        operation="keys.create",
        summary="Make a key that may do no more than its maker",
        access=Scope.KEYS_WRITE,
        run=_create,
        answer=KeyIssued,
        status=201,
        body=KeyWanted,
    ),
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/keys/{key}",
        operation="keys.show",
        summary="Show a key, without its text",
        access=Scope.KEYS_READ,
        run=_show,
        answer=KeyShown,
        has_version=True,
    ),
    Route(
        method="DELETE",
        path="/v1/tenants/{tenant}/keys/{key}",
        operation="keys.revoke",
        summary="Revoke a key, and with it all that it made",
        access=Scope.KEYS_WRITE,
        run=_revoke,
        status=204,
        takes_version=True,
    ),
    Route(
        method="POST",
        path="/v1/tenants/{tenant}/keys/{key}/rotate",
        operation="keys.rotate",
        summary="Give a key another text, and end the one from before after an overlap",
        access=Scope.KEYS_WRITE,
        run=_rotate,
        answer=KeyIssued,
        status=201,
        body=RotationWanted,
    ),
)
