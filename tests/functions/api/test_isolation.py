"""What one tenant hears never depends on another, nor on what the process did before."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from codereview.domain.control.people import Role
from codereview.domain.control.scopes import ADMINISTRATING
from codereview.domain.review import ReviewState
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.api.table import ROUTES
from tests.functions.api.rights import IN_TENANT
from tests.functions.api.samples import BY_NAME, sample
from tests.functions.api.world import MINE, THEIRS, World, event, tenant_path

READS = sorted(route.operation for route in ROUTES if route.method == "GET")
CANARY = "canary-of-the-other-tenant"


def fill(world: World, account: int, text: str) -> None:
    """Give a tenant some of everything."""
    admin = world.person(20 + account, Role.ADMIN, account=account)
    later = (world.clock.now() + timedelta(days=3)).isoformat()
    wanted = {"name": text, "scopes": ["keys:read"], "expires_at": later}
    pause = {"repository_id": 5, "number": 7, "reason": text}
    notice = {"level": "info", "text": text, "until": later, "tenant": f"github.com:{account}"}
    for reply in (
        world.call("POST", tenant_path(account, "/keys"), admin, body=wanted),
        world.call("POST", tenant_path(account, "/pauses"), admin, body=pause),
        world.call(
            "PUT", tenant_path(account, "/flags"), admin, body={"posting": account == MINE}, headers={"if-match": '"0"'}
        ),
        world.call("POST", "/v1/deployment/notices", world.operator(), body=notice),
    ):
        assert reply.status < 300, reply.text
    world.export(account=account)
    world.finish_exports(account=account)
    for number, state in enumerate(ReviewState):
        world.review(account=account, state=state, number=number + 1)


def own(world: World, account: int = MINE) -> list[tuple[str, str]]:
    """List every read of one's own tenant, and of what belongs to none."""
    asked = [sample(world, operation, account=account) for operation in READS]
    return [(each.method, each.path) for each in asked]


def foreign(world: World, account: int = THEIRS) -> list[tuple[str, str]]:
    """List everything that could be asked of another tenant, by the ids of its things."""
    asked = [sample(world, operation, account=account) for operation in sorted(IN_TENANT.keys() & BY_NAME.keys())]
    return [(each.method, each.path) for each in asked]


def heard(world: World, token: str, asked: list[tuple[str, str]], app: ApiApp | None = None) -> list[str]:
    """Ask it all, a while apart, under the same ids, and return every byte of the answers.

    All of a test happens within the hour for which a key's last use is remembered, so that times are the same too.
    """
    answers = []
    for number, (method, path) in enumerate(asked):
        world.clock.sleep(timedelta(seconds=5))
        given = event(method, path, headers={"authorization": f"Bearer {token}"})
        given["requestContext"]["requestId"] = f"the-same-{number}"
        reply = world.send(given, app=app)
        answers.append(json.dumps([method, path, reply.status, dict(reply.headers), reply.text]))
    return answers


def test_b64_the_whole_api_answers_byte_by_byte_the_same_with_and_without_the_others_data(world: World) -> None:
    fill(world, MINE, "mine")
    mine = world.key(ADMINISTRATING)
    viewer = world.person(11, Role.VIEWER)
    asked = own(world)
    world.call("GET", "/v1/me", mine)
    before = world.pks()
    fill(world, THEIRS, CANARY)
    asked += foreign(world)
    theirs = {pk for pk in world.pks() - before if f"github.com:{MINE}" not in pk.split("#")}
    with_theirs = {token: heard(world, token, asked) for token in (mine, viewer)}
    assert len(theirs) > 20
    assert CANARY not in str(with_theirs)
    world.forget(theirs | {pk for pk in world.pks() if f"github.com:{THEIRS}" in pk.split("#")})
    app = world.fresh()
    for token, answers in with_theirs.items():
        for one, other in zip(answers, heard(world, token, asked, app), strict=True):
            assert one == other


def test_a_warm_process_answers_a_tenant_as_a_fresh_one_does(world: World) -> None:
    fill(world, THEIRS, CANARY)
    fill(world, MINE, "mine")
    theirs, mine = world.key(account=THEIRS), world.key()
    asked = {theirs: own(world, THEIRS) + foreign(world, MINE), mine: own(world) + foreign(world)}
    warm = world.app
    for token in asked:
        world.call("GET", "/v1/me", token)
    for token in (theirs, mine, theirs):
        after = heard(world, token, asked[token], warm)
        alone = heard(world, token, asked[token], world.fresh())
        assert after == alone
    assert CANARY not in str(heard(world, mine, asked[mine], warm))


def test_every_item_of_a_tenant_bears_its_name_or_a_number_that_nobody_guesses(world: World) -> None:
    fill(world, MINE, "mine")
    kinds_by_id = {"key", "session", "review", "notice", "audit", "once", "place", "flag", "quota", "tenant", "limit"}
    for pk in world.pks():
        kind = pk.partition("#")[0]
        assert kind in kinds_by_id or f"github.com:{MINE}" in pk.split("#"), pk


def test_the_table_holds_no_key_session_or_secret_that_could_be_used(world: World) -> None:
    admin = world.person(11, Role.ADMIN)
    wanted = {"name": "ci", "scopes": ["keys:read"], "expires_at": "2026-04-01T00:00:00Z"}
    made = world.call("POST", tenant_path(MINE, "/keys"), admin, body=wanted, headers={"idempotency-key": "k"})
    stored = world.items()
    for token in (admin, made.json["token"]):
        secret = token.rpartition("_")[2]
        assert token not in stored
        assert secret not in stored
    assert "canary" not in stored


def test_b103_a_tenant_that_comes_back_sees_nothing_of_before(world: World) -> None:
    fill(world, MINE, CANARY)
    old = world.key()
    world.uninstall()
    world.clock.sleep(timedelta(days=1))
    assert world.call("GET", tenant_path(MINE), old).status == 401
    world.tenant()
    new = world.key()
    assert world.call("GET", tenant_path(MINE), old).status == 401
    for operation in READS:
        answer = BY_NAME[operation].answer
        if operation in IN_TENANT and answer is not None and "items" in answer.model_fields:
            world.clock.sleep(timedelta(minutes=1))
            path = BY_NAME[operation].path.replace("{tenant}", f"github.com:{MINE}")
            page = world.call("GET", path, new)
            new_ones = [item for item in page.json["items"] if item.get("name") == "ci"]
            assert page.json["items"] == new_ones, operation
    assert world.call("GET", tenant_path(MINE, "/flags"), new).json["posting"] is True


def test_b102_a_repository_is_its_number_and_names_are_nowhere(world: World) -> None:
    fill(world, MINE, "mine")
    asked = {"repository_id": 6, "number": 7}
    reply = world.call("POST", tenant_path(MINE, "/reviews"), world.key(), body=asked)
    assert reply.json["repository_id"] == 6
    paused = world.app.services.pauses
    page = paused.page(world.tenant().id, limit=10).items
    assert [pause.target.repository_id for pause in page] == [5]
    fields: Any = {name for route in ROUTES if route.answer for name in route.answer.model_fields}
    assert not {"repository", "repository_name", "full_name", "owner"} & fields


def test_b101_a_login_is_only_shown(world: World) -> None:
    admin = world.person(11, Role.ADMIN)
    for user in ("31", "32"):
        body = {"role": "viewer", "login": "Same-Login"}
        assert world.call("PUT", tenant_path(MINE, f"/people/{user}"), admin, body=body).status == 200
    world.app.services.sign_in.begin(
        replace(world.app.services.verify(admin).person, user_id=33),  # type: ignore[union-attr]
        login="Same-Login",
        request=world.request(),
    )
    people = world.call("GET", tenant_path(MINE, "/people"), admin).json["items"]
    assert [person["user_id"] for person in people] == [11, 31, 32]


@pytest.mark.parametrize("operation", ["queues.list", "dead_letters.list", "redrive.list"])
def test_what_all_tenants_share_no_tenant_sees(shared: World, operation: str) -> None:
    path = BY_NAME[operation].path.replace("{queue}", "reviews")
    for token in (shared.key(), shared.person(11, Role.ADMIN)):
        shared.clock.sleep(timedelta(minutes=1))
        assert shared.call("GET", path, token).status == 403
