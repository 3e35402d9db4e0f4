"""A function against the description of its routes: schemathesis asks, as somebody, and checks each answer.

`Gateway` is API Gateway before the function, as a WSGI application.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode

from codereview.domain.control.people import Role
from codereview.domain.control.scopes import Scope
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.openapi import text
from tests.functions.api.rights import ADMIN, ANYBODY, IN_TENANT, PEOPLE, SIGNED_IN
from tests.functions.api.samples import EVERY, sample
from tests.functions.api.world import World, event

FEW_SCOPES = frozenset({Scope.KEYS_READ, Scope.FLAGS_WRITE, Scope.FINDINGS_READ})

# A request of the right form may still ask for what is not there (404), has ended (409), was changed (412), or
# lies in the past (400, whose reason the description cannot say).
FOR_RIGHT_FORMS = ["2xx", "400", "403", "404", "409", "412", "422"]
FEW = settings(max_examples=5, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
ONE = settings(FEW, max_examples=1)
MANY = settings(FEW, max_examples=60, derandomize=False)

# Where there is nothing to send, nothing that is sent can be wrong.
NOTHING_TO_SEND = {"status.show", "sign_in.begin"}


def modes(operation: str) -> list[GenerationMode]:
    """Return the kinds of request that there are to an operation."""
    return [GenerationMode.POSITIVE] if operation in NOTHING_TO_SEND else list(GenerationMode)


@dataclass(frozen=True)
class Principal:
    """Somebody who asks."""

    token: Callable[[World], str | None]
    may: Callable[[str], bool]
    right_forms: list[str] = field(default_factory=lambda: FOR_RIGHT_FORMS)


def _has_scope(operation: str) -> bool:
    right = IN_TENANT.get(operation)
    return right is not None and right.scope in {scope.value for scope in FEW_SCOPES}


def _is_for_admins(operation: str) -> bool:
    right = IN_TENANT.get(operation)
    return right is not None and ADMIN in right.roles


PRINCIPALS: Mapping[str, Principal] = {
    "operator": Principal(token=lambda world: world.operator(), may=lambda _operation: True),
    "admin": Principal(
        token=lambda world: world.person(11, Role.ADMIN),
        may=lambda operation: operation in ANYBODY | SIGNED_IN | PEOPLE or _is_for_admins(operation),
    ),
    "a key with few scopes": Principal(
        token=lambda world: world.key(FEW_SCOPES),
        may=lambda operation: operation in ANYBODY | SIGNED_IN or _has_scope(operation),
    ),
    "nobody": Principal(
        token=lambda _world: None,
        may=lambda operation: operation in ANYBODY,
        right_forms=[*FOR_RIGHT_FORMS, "401"],
    ),
}


def config(principal: str) -> schemathesis.Config:
    """Run every check, with what may be answered to a request of the right form."""
    return schemathesis.Config.from_dict(
        {
            "checks": {"positive_data_acceptance": {"expected-statuses": PRINCIPALS[principal].right_forms}},
            "output": {"truncation": {"enabled": True}},
        }
    )


class Gateway:
    """API Gateway before a function, as a WSGI application; a minute passes between two requests."""

    def __init__(self, world: World, app: ApiApp[Any] | None = None) -> None:
        """Stand before the world's own function, or another one."""
        self.world = world
        self.app = app
        self.statuses: dict[int, int] = {}
        self._described = dict[str, Any]()

    def described(self, principal: str) -> Any:
        """Return the description as schemathesis reads it."""
        if principal not in self._described:
            self._described[principal] = schemathesis.openapi.from_wsgi("/openapi.json", self, config=config(principal))
        return self._described[principal]

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/openapi.json":
            start("200 OK", [("content-type", "application/json")])
            return [text().encode()]
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name == "CONTENT_TYPE" and value)
        }
        body = environ["wsgi.input"].read().decode("utf-8", errors="surrogateescape")
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", errors="replace")
        given = event(environ["REQUEST_METHOD"], path, headers=headers, body=body, query=environ["QUERY_STRING"])
        self.world.clock.sleep(timedelta(minutes=1))
        reply = self.world.send(given, app=self.app)
        self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1
        start(f"{reply.status} -", list(reply.headers.items()))
        return [reply.text.encode("utf-8", errors="surrogateescape")]


def hold_to_the_description(
    gateway: Any, operation: str, mode: GenerationMode, principal: str, *, rules: settings
) -> None:
    """Send requests of a kind to an operation as somebody, and run every check on each answer."""
    route, world, who = EVERY[operation], gateway.world, PRINCIPALS[principal]
    cases = gateway.described(principal)[route.path][route.method].as_strategy(generation_mode=mode)

    @rules
    @given(case=cases)
    def hold(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            right = sample(world, operation)
            found = route.pattern.fullmatch(right.path)
            assert found is not None
            case.path_parameters.update(found.groupdict())
            case.query.update(parse_qsl(right.query))
        # What is wrong about a request must still be there when it is written down: an empty list in a query is not.
        assume(not any(value in (None, [], {}) for value in (case.query or {}).values()))
        token = who.token(world)
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"} if token else {})

    gateway.statuses.clear()
    world.unblock()
    hold()
    assert not [status for status in gateway.statuses if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500]
    if not who.may(operation):
        assert not [status for status in gateway.statuses if status < 400]
    elif mode is GenerationMode.POSITIVE and route.method == "GET":
        assert HTTPStatus.OK in gateway.statuses
