"""Pauses of a tenant, a repository or a pull request."""

from datetime import datetime
from typing import Self

from pydantic import model_validator

from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.control.scopes import Scope
from codereview.entrypoints.api.fields import ActorShown, Body, Moment, Number, Page, Sentence, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route
from codereview.entrypoints.api.services import Services
from codereview.errors import RejectedError


class TargetWanted(Body):
    """The tenant itself, one repository of it, or one pull request of that."""

    repository_id: Number | None = None
    number: Number | None = None

    @model_validator(mode="after")
    def _is_a_place(self) -> Self:
        if self.number is not None and self.repository_id is None:
            raise ValueError("a pull request is named together with its repository's id")
        return self


class PauseWanted(TargetWanted):
    """What is paused, why, and until when; null: until somebody resumes it."""

    reason: Sentence
    until: Moment | None = None


class PauseShown(Shown):
    """A pause."""

    repository_id: int | None
    number: int | None
    reason: str
    by: ActorShown
    since: datetime
    until: datetime | None
    holds: bool


class PausesShown(Shown):
    """Some pauses."""

    items: list[PauseShown]
    next: str | None


def _target(call: Call) -> PauseTarget:
    wanted = call.body_as(TargetWanted)
    return PauseTarget(tenant=call.tenant.id, repository_id=wanted.repository_id, number=wanted.number)


def _shown(pause: Pause, now: datetime) -> PauseShown:
    return PauseShown(
        repository_id=pause.target.repository_id,
        number=pause.target.number,
        reason=pause.reason,
        by=ActorShown(kind=pause.by.kind.value, id=pause.by.id),
        since=pause.since,
        until=pause.until,
        holds=pause.holds(now),
    )


def _list(services: Services, call: Call) -> Answer:
    page = services.pauses.page(call.tenant.id, limit=call.page.limit, after=call.page.after)
    shown = [_shown(pause, call.request.at) for pause in page.items]
    return Answer(content=PausesShown(items=shown, next=page.next))


def _pause(services: Services, call: Call) -> Answer:
    wanted = call.body_as(PauseWanted)
    if wanted.until is not None and wanted.until <= call.request.at:
        raise RejectedError("a pause ends in the future")
    pause = Pause(
        target=_target(call), reason=wanted.reason, by=call.request.actor, since=call.request.at, until=wanted.until
    )
    services.change_pauses.pause(pause, request=call.request)
    return Answer(content=_shown(pause, call.request.at))


def _resume(services: Services, call: Call) -> Answer:
    services.change_pauses.resume(_target(call), request=call.request)
    return Answer()


ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/pauses",
        operation="pauses.list",
        summary="List what is paused",
        access=Scope.REVIEWS_READ,
        run=_list,
        answer=PausesShown,
        query=Page,
    ),
    Route(
        method="POST",
        path="/v1/tenants/{tenant}/pauses",
        operation="pauses.pause",
        summary="Pause reviews of the tenant, a repository or a pull request",
        access=Scope.REVIEWS_WRITE,
        run=_pause,
        answer=PauseShown,
        body=PauseWanted,
    ),
    Route(
        method="POST",
        path="/v1/tenants/{tenant}/pauses/resume",
        operation="pauses.resume",
        summary="Take a pause back; a wider one still holds",
        access=Scope.REVIEWS_WRITE,
        run=_resume,
        status=204,
        body=TargetWanted,
    ),
)
