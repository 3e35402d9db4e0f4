"""Every route by every kind of caller: who they are, and how far the table of rights lets each of them get."""

from datetime import timedelta
from typing import Any

from codereview.domain.control.people import Role
from codereview.domain.control.scopes import ADMINISTRATING, READING, Scope
from codereview.entrypoints.api.app import ApiApp
from tests.functions.api.rights import ANYBODY, IN_TENANT, OPERATORS, PEOPLE
from tests.functions.api.samples import EVERY, sample
from tests.functions.api.world import MINE, THEIRS, Reply, World, tenant_path

CALLERS = (
    "nobody",
    "operator",
    "viewer",
    "editor",
    "admin",
    "key with the scope",
    "key with all others",
    "stranger",
    "their admin",
    "their key",
)
# Let in, these may still be told that there is no such thing, or not now.
DEPENDS_ON_MORE = {"sign_in.complete", "redrive.cancel", "redrive.start"}
USERS = {"viewer": 11, "editor": 12, "admin": 13, "stranger": 14, "their admin": 15}


def scope_of(operation: str) -> Scope:
    right = IN_TENANT.get(operation)
    return Scope(right.scope) if right and right.scope else Scope.REVIEWS_READ


def token_of(world: World, caller: str, operation: str) -> str | None:
    if caller == "nobody":
        return None
    if caller == "operator":
        return world.operator()
    account = THEIRS if caller.startswith("their") else MINE
    if "key" not in caller:
        role = Role(caller.removeprefix("their ")) if caller != "stranger" else None
        return world.person(USERS[caller], role, account=account)
    own = {scope_of(operation)}
    # Nobody gives or takes a role that may do more than they: these two need what a viewer has, too.
    more = READING if operation in {"people.set_role", "people.remove"} else set()
    scopes = {"key with the scope": own | more, "key with all others": ADMINISTRATING - own}.get(caller, ADMINISTRATING)
    return world.key(scopes, account=account)


def expected(operation: str, caller: str) -> int | None:
    """Return the status of the refusal, None for who is let in."""
    if operation in IN_TENANT:
        if caller in {"stranger", "their admin", "their key"}:
            return 404
        right = IN_TENANT[operation]
        allowed = {"operator"} | set(right.roles) | ({"key with the scope"} if right.scope else set())
    elif operation in OPERATORS:
        allowed = {"operator"}
    else:
        is_wrong_kind = operation in PEOPLE and "key" in caller
        allowed = set() if is_wrong_kind else {caller}
    if caller == "nobody" and operation not in ANYBODY:
        return 401
    return None if caller in allowed else 403


def ask(world: World, operation: str, caller: str, *, app: ApiApp[Any] | None = None) -> Reply:
    """Send the operation's sample as the caller; a minute later, so that no limit is in the way."""
    world.unblock()
    token = token_of(world, caller, operation)
    asked = sample(world, operation, account=MINE)
    path = asked.path
    if operation == "keys.rotate" and token is not None and "key" in caller:
        path = tenant_path(MINE, f"/keys/{token.split('_')[2]}/rotate")  # a key rotates itself and what it made
    world.clock.sleep(timedelta(minutes=1))
    return world.call(asked.method, path, token, body=asked.body, headers=asked.headers, query=asked.query, app=app)


def hold_to_the_table(world: World, operation: str, *, app: ApiApp[Any] | None = None) -> None:
    """Have every kind of caller ask, and compare how far each got with what people wrote."""
    got, wanted = dict[str, Any](), dict[str, Any]()
    for caller in CALLERS:
        reply = ask(world, operation, caller, app=app)
        refusal = expected(operation, caller)
        wanted[caller] = refusal or "let in"
        got[caller] = reply.status if reply.status in (401, 403, 404) else "let in"
        assert reply.status < 500, (caller, reply.text)
        if refusal is None and operation not in DEPENDS_ON_MORE:
            assert reply.status == EVERY[operation].status, (caller, reply.text)
        if refusal is not None:
            assert reply.code == {401: "unauthenticated", 403: "forbidden", 404: "not-found"}[refusal]
    assert got == wanted
