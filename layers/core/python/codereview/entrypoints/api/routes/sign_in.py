"""Signing in with GitHub: a state and a PKCE challenge that only who began can complete.

The client keeps the ticket of `sign_in.begin`, sends the person to `authorize_url`, and hands GitHub's `code` and
`state` back with the ticket. Nothing is stored in between, and nobody else's answer fits the ticket: a link that
somebody made signs nobody in.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from codereview.domain.control.callers import Caller, KeyCaller, PersonCaller
from codereview.entrypoints.api.fields import Body, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route, Who
from codereview.entrypoints.api.services import Services
from codereview.errors import NotFoundError, RetryableError
from codereview.use_cases.control.identify import Identify

_Opaque = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[A-Za-z0-9._~-]+$")]


class SignInBegun(Shown):
    """Where the person goes, and what the client keeps meanwhile."""

    authorize_url: str
    ticket: str
    expires_at: datetime


class SignInAnswer(Body):
    """What GitHub sent back, and the ticket that it is for."""

    ticket: _Opaque
    code: _Opaque
    state: _Opaque


class CallerShown(Shown):
    """Who calls."""

    kind: str
    id: str
    login: str | None
    is_operator: bool
    tenant: str | None


class SessionBegun(Shown):
    """A session, with the only copy of its token."""

    token: str
    expires_at: datetime
    caller: CallerShown


def _identify(services: Services) -> Identify:
    if services.identify is None:
        raise NotFoundError("nobody can sign in here: the deployment does not know its GitHub App's client id")
    return services.identify


def _caller(caller: Caller) -> CallerShown:
    match caller:
        case KeyCaller(key=key):
            return CallerShown(kind="key", id=key.id, login=None, is_operator=False, tenant=key.tenant)
        case PersonCaller():
            return CallerShown(
                kind="person", id=str(caller.person), login=caller.login, is_operator=caller.is_operator, tenant=None
            )


def _begin(services: Services, call: Call) -> Answer:
    begun = _identify(services).begin(now=call.request.at)
    return Answer(
        content=SignInBegun(authorize_url=begun.authorize_url, ticket=begun.ticket, expires_at=begun.expires_at)
    )


def _complete(services: Services, call: Call) -> Answer:
    wanted = call.body_as(SignInAnswer)
    identify = _identify(services)
    session = identify.complete(ticket=wanted.ticket, code=wanted.code, state=wanted.state, request=call.request)
    caller = services.verify(session.token.text)
    if caller is None:
        raise RetryableError("the session cannot be read back")
    return Answer(content=SessionBegun(token=session.token.text, expires_at=session.expires_at, caller=_caller(caller)))


def _end(services: Services, call: Call) -> Answer:
    services.sign_in.end(call.person.session_id, call.person.person, request=call.request)
    return Answer()


def _me(_services: Services, call: Call) -> Answer:
    if call.caller is None:
        raise LookupError("the route lets nobody in without a name")
    return Answer(content=_caller(call.caller))


ROUTES = (
    Route(
        method="POST",
        path="/v1/sign-in",
        operation="sign_in.begin",
        summary="Begin to sign in with GitHub",
        access=Who.ANYBODY,
        run=_begin,
        answer=SignInBegun,
    ),
    Route(
        method="POST",
        path="/v1/sign-in/complete",
        operation="sign_in.complete",
        summary="Complete it with GitHub's answer, and get a session",
        access=Who.ANYBODY,
        run=_complete,
        answer=SessionBegun,
        status=201,
        body=SignInAnswer,
    ),
    Route(
        method="DELETE",
        path="/v1/session",
        operation="session.end",
        summary="Sign out",
        access=Who.PERSON,
        run=_end,
        status=204,
    ),
    Route(
        method="GET",
        path="/v1/me",
        operation="me.show",
        summary="Say who the caller is",
        access=Who.SIGNED_IN,
        run=_me,
        answer=CallerShown,
    ),
)
