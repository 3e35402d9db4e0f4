"""Whether a refusal tells more than that it is one: what is another's, what is nobody's, and no form at all."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from codereview.domain.control.tokens import TokenKind, make_token
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.routing import Route
from tests.functions.api.samples import EVERY, Sample, sample
from tests.functions.api.world import MINE, THEIRS, World, event

NOWHERE = "github.com:999"
# Of the form of an id, and none; then not even of the form.
MADE_UP = {
    "key": "0123456789ABCDEFGHabcd",
    "user": "987654321",
    "review": "6dcb09b5-b578-4f33-8f61-aebed695e2e4",
    "notice": "6dcb09b5-b578-4f33-8f61-aebed695e2e4",
    "job": "6dcb09b5-b578-4f33-8f61-aebed695e2e4",
    "queue": "records",
}
NO_FORM = "-"
# A person whom nobody knows is given a role all the same: GitHub's number is enough.
MAKES_WHAT_IT_NAMES = {"people.set_role"}
Heard = tuple[int, tuple[tuple[str, str], ...], str]


def hear(world: World, asked: Sample, token: str | None, *, app: ApiApp[Any] | None = None) -> Heard:
    """Ask a minute later, so that no bucket tells one request from another, and return every byte of the answer.

    All requests have one id: the answer's own is all that may differ.
    """
    world.clock.sleep(timedelta(minutes=1))
    headers = dict(asked.headers) | ({"authorization": f"Bearer {token}"} if token is not None else {})
    body = None
    if asked.body is not None:
        headers["content-type"] = "application/json"
        body = json.dumps(asked.body)
    given = event(asked.method, asked.path, headers=headers, query=asked.query, body=body)
    given["requestContext"]["requestId"] = "the-same"
    reply = world.send(given, app=app)
    return reply.status, tuple(sorted(reply.headers.items())), reply.text


def elsewhere(theirs: Sample, route: Route) -> Iterator[list[Sample]]:
    """Group requests between which nobody of our tenant may be able to tell: the first of each is another tenant's."""
    ids = route.pattern.fullmatch(theirs.path)
    assert ids is not None
    others = {name: text for name, text in ids.groupdict().items() if name != "tenant"}
    spelt = [others] + ([{name: MADE_UP[name] for name in others}, dict.fromkeys(others, NO_FORM)] if others else [])
    if "tenant" not in route.parameters:
        yield [replace(theirs, path=_path(route, each)) for each in spelt]
        return
    their_tenant = ids["tenant"]
    yield [
        replace(theirs, path=_path(route, each | {"tenant": tenant}))
        for tenant in (their_tenant, NOWHERE, NO_FORM)
        for each in spelt
    ]
    if others and route.operation not in MAKES_WHAT_IT_NAMES:
        # Who is let in may well hear that what they wrote is no id: they know that without us.
        yield [replace(theirs, path=_path(route, each | {"tenant": f"github.com:{MINE}"})) for each in spelt[:2]]


def _path(route: Route, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], route.path)


def hold_uniform(world: World, operation: str, token: str, *, app: ApiApp[Any] | None = None) -> set[int]:
    """Compare what is heard of another's things with what is heard of nobody's; return the statuses."""
    route, theirs = EVERY[operation], sample(world, operation, account=THEIRS)
    statuses = set()
    for group in elsewhere(theirs, route):
        first, *rest = [hear(world, asked, token, app=app) for asked in group]
        for asked, heard in zip(group[1:], rest, strict=True):
            assert heard == first, asked.path
        statuses.add(first[0])
    return statuses


def strangers(world: World) -> list[str | None]:
    """Return what nobody is let in with: no token, none of ours, and those that were some or could have been."""
    revoked, ended = world.issue(), world.issue(days=0.001)
    world.app.services.manage_keys.revoke(world.tenant(), revoked.key.id, request=world.request())
    left = world.person(31)
    world.call("DELETE", "/v1/session", left)
    world.clock.sleep(timedelta(minutes=5))
    new = world.app.ids.new
    unknown = [make_token(kind, environment="test", token_id=new(), secret=b"x" * 32).text for kind in TokenKind]
    return [None, "x", *unknown, revoked.token.text, ended.token.text, left]


def hold_closed(
    world: World, operation: str, tokens: list[str | None], *, app: ApiApp[Any] | None = None
) -> set[Heard]:
    """Return all that is heard by those whom nobody knows, about anything that there is or is not."""
    theirs = sample(world, operation, account=THEIRS)
    asked = [each for group in elsewhere(theirs, EVERY[operation]) for each in group]
    first = {hear(world, each, tokens[0], app=app) for each in asked}
    return first | {hear(world, theirs, token, app=app) for token in tokens}
