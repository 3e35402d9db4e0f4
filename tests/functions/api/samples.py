"""One good request of each operation, with all that it needs made before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from codereview.domain.control.people import PersonId, Role
from codereview.domain.control.scopes import OPERATING, Scope
from codereview.domain.fingerprints import fingerprint
from codereview.entrypoints.api.openapi import EVERY_ROUTE
from codereview.entrypoints.api.routing import Route
from codereview.entrypoints.api.table import ROUTES
from tests.functions.api.world import MINE, OPERATOR, World

BY_NAME = {route.operation: route for route in ROUTES}
EVERY = {route.operation: route for route in EVERY_ROUTE}  # with those of the reports function
_SPARE = 4_000  # account numbers of people who are only acted upon


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A request that is right but for who sends it."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


def sample(world: World, operation: str, *, account: int = MINE) -> Sample:
    """Make the operation's request to a tenant."""
    route = EVERY[operation]
    path = route.path.replace("{tenant}", world.tenant(account).id)
    for name in route.parameters:
        if name != "tenant":
            path = path.replace(f"{{{name}}}", _IDS[name](world, account))
    headers = {"if-match": _version(world, route, account)} if route.needs_version else {}
    if operation == "redrive.cancel":
        world.dead_letter("{}")
    body = _BODIES[operation](world, account) if operation in _BODIES else None
    return Sample(method=route.method, path=path, body=body, headers=headers, query=_QUERIES.get(operation, ""))


def _later(world: World) -> str:
    return (world.clock.now() + timedelta(days=1)).isoformat()


def _key(world: World, account: int) -> str:
    return world.issue([Scope.KEYS_WRITE], account=account).key.id


def _user(world: World, account: int) -> str:
    person = PersonId(host="github.com", user_id=_SPARE)
    tenant = world.tenant(account)
    world.app.services.manage_people.set_role(
        tenant, person, login="spare", role=Role.VIEWER, held=OPERATING, request=world.request()
    )
    return str(_SPARE)


def _review(world: World, account: int) -> str:
    return str(world.review(account=account))


def _export(world: World, account: int) -> str:
    """Have one that runs for as long as any test's time goes on; one for all, since few may run at once."""
    now, tenant = world.clock.now(), world.tenant(account).id
    lasting = world.app.services.exports.jobs.page(tenant, since=now + timedelta(hours=1), limit=1).items
    started_at = now + timedelta(days=1)
    return str(lasting[0].id if lasting else world.export(account=account, started_at=started_at))


def _export_wanted(world: World, account: int) -> dict[str, str]:
    """Let all that run be done first: only so many may run at once."""
    world.finish_exports(account=account)
    return {"format": "csv", "since": "2026-03-01T00:00:00Z"}


def _notice(world: World, _account: int) -> str:
    body = {"level": "info", "text": "Hello", "until": _later(world)}
    operator = world.person(OPERATOR + 0)
    world.clock.sleep(timedelta(minutes=1))
    made = world.call("POST", "/v1/deployment/notices", operator, body=body)
    assert made.status == 201, made.text
    return str(made.json["id"])


_IDS: Mapping[str, Callable[[World, int], str]] = {
    "key": _key,
    "user": _user,
    "review": _review,
    "notice": _notice,
    "job": _export,
    "queue": lambda _world, _account: "reviews",
}


def _version(world: World, route: Route, account: int) -> str:
    services = world.app.services
    tenant = world.tenant(account).id if "tenant" in route.parameters else None
    if "flags" in route.operation:
        return f'"{services.flags.load(tenant).version}"'
    if "limits" in route.operation:
        return f'"{services.quotas.load(tenant).version}"'
    return '"1"'


_BODIES: Mapping[str, Callable[[World, int], Any]] = {
    "sign_in.complete": lambda _w, _a: {"ticket": "x", "code": "x", "state": "x"},
    "tenants.bind": lambda w, _a: {"installation_id": w.installed.install(77)},
    "keys.create": lambda w, _a: {"name": "n", "scopes": ["keys:write"], "expires_at": _later(w)},
    "keys.rotate": lambda _w, _a: {"overlap_seconds": 60},
    "people.set_role": lambda _w, _a: {"role": "viewer", "login": "spare"},
    "flags.change": lambda _w, _a: {"posting": False, "agents": {"security": {"mode": "canary", "percent": 10}}},
    "deployment_flags.change": lambda _w, _a: {"models": False},
    "limits.change": lambda _w, _a: {"reviews": {"units": 10, "period_seconds": 60, "burst": 5}},
    "deployment_limits.change": lambda _w, _a: {"budgets": {"tenant_month": 1_000_000}},
    "pauses.pause": lambda w, _a: {"repository_id": 5, "number": 7, "reason": "release", "until": _later(w)},
    "pauses.resume": lambda _w, _a: {"repository_id": 5, "number": 7},
    "reviews.run": lambda _w, _a: {"repository_id": 5, "number": 7, "full": True},
    "reviews.rerun_bypassed": lambda _w, _a: {"since": "2026-03-01T00:00:00Z"},
    "exports.start": _export_wanted,
    "redrive.start": lambda _w, _a: {"messages_per_second": 10},
    "notices.create": lambda w, _a: {"level": "info", "text": "Hello", "until": _later(w)},
    "notices.change": lambda w, _a: {"level": "warning", "text": "Hello again", "until": _later(w)},
}
# One of the problems that the record of the tests has.
_PROBLEM = fingerprint(path="a.py", text="problem 1", rule="logic")
_QUERIES: Mapping[str, str] = {"record.life": f"repository_id=1&number=1&fingerprint={_PROBLEM}"}
