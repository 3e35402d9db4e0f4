"""People sign in through GitHub, and nobody as somebody else."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from codereview.domain.control.people import SESSION_LIFE, Role
from codereview.entrypoints.logger import function_logger
from codereview.use_cases.control.identify import TICKET_LIFE
from tests.functions.api.world import MINE, OPERATOR, THEIRS, Reply, World, tenant_path


def begin(world: World) -> tuple[str, str, str]:
    """Begin, and have the person approve; return ticket, code and state."""
    begun = world.call("POST", "/v1/sign-in").json
    return begun["ticket"], *world.web.approve(begun["authorize_url"])


def complete(world: World, ticket: str, code: str, state: str) -> Reply:
    return world.call("POST", "/v1/sign-in/complete", body={"ticket": ticket, "code": code, "state": state})


def test_who_github_names_is_signed_in_and_sees_their_own_tenants(world: World) -> None:
    world.person(77, Role.EDITOR)
    reply = complete(world, *begin(world))
    assert reply.status == 201
    assert reply.json["caller"]["id"] == "github.com:77"
    token = reply.json["token"]
    assert [tenant["id"] for tenant in world.call("GET", "/v1/tenants", token).json["items"]] == ["github.com:1"]
    world.clock.sleep(SESSION_LIFE)
    assert world.call("GET", "/v1/me", token).status == 401


def test_whoever_has_no_role_sees_no_tenant(world: World) -> None:
    world.tenant()
    token = complete(world, *begin(world)).json["token"]
    assert world.call("GET", "/v1/tenants", token).json["items"] == []
    assert world.call("GET", tenant_path(MINE), token).status == 404


def test_what_a_stranger_does_is_logged_and_wakes_no_audit_log(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    app = world.fresh(function_logger("api-with-strangers"))
    begun = world.call("POST", "/v1/sign-in").json
    code, state = world.web.approve(begun["authorize_url"])
    answer = {"ticket": begun["ticket"], "code": code, "state": state}
    token = world.call("POST", "/v1/sign-in/complete", body=answer, app=app).json["token"]
    assert world.call("POST", "/v1/tenants", token, body={"installation_id": 1}, app=app).status == 403
    assert world.call("DELETE", tenant_path(MINE, "/keys/1"), token, app=app).status == 404
    assert world.call("DELETE", "/v1/session", token, app=app).status == 204
    assert world.call("GET", "/v1/me", token).status == 401
    assert not [pk for pk in world.pks() if pk.startswith("audit#")]
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["action"], line["outcome"], line["actor"]) for line in logged if line["message"] == "Stranger"] == [
        ("sessions.begin", "done", "github.com:77"),
        ("tenants.bind", "refused", "github.com:77"),
        ("keys.revoke", "refused", "github.com:77"),
        ("sessions.end", "done", "github.com:77"),
    ]


@pytest.mark.parametrize("is_operator", [True, False])
def test_what_an_operator_and_a_member_do_is_audited(world: World, *, is_operator: bool) -> None:
    world.person(77, Role.VIEWER)
    world.web.user = (OPERATOR, "root") if is_operator else (77, "ann")
    token = complete(world, *begin(world)).json["token"]
    assert world.call("DELETE", "/v1/session", token).status == 204
    assert sorted(each.action for each in world.audited()) == ["sessions.begin", "sessions.end"]


def test_whose_tenant_began_anew_is_a_stranger_again(world: World) -> None:
    world.person(77, Role.ADMIN)
    world.uninstall()
    world.tenant()
    complete(world, *begin(world))
    assert world.audited() == []


def test_an_operator_is_known_by_number_and_sees_all_tenants(world: World) -> None:
    world.tenant()
    world.web.user = (OPERATOR, "root")
    reply = complete(world, *begin(world)).json
    assert reply["caller"]["is_operator"] is True
    assert len(world.call("GET", "/v1/tenants", reply["token"]).json["items"]) == 1
    world.web.user = (OPERATOR + 1, "root")
    assert complete(world, *begin(world)).json["caller"]["is_operator"] is False


def test_b83_a_link_with_somebody_elses_answer_signs_nobody_in(world: World) -> None:
    (mine, _, _), (_, code, state) = begin(world), begin(world)
    assert complete(world, mine, code, state).status == 400
    assert not [pk for pk in world.pks() if pk.startswith("session#")]


def test_b83_a_code_is_good_for_its_own_ticket_only_and_once(world: World) -> None:
    (ticket, code, state), (other, _, other_state) = begin(world), begin(world)
    assert complete(world, other, code, other_state).status == 400
    ticket, code, state = begin(world)
    assert complete(world, ticket, code, state).status == 201
    assert complete(world, ticket, code, state).status == 400


@pytest.mark.parametrize("part", ["ticket", "code", "state"])
def test_b83_anything_that_was_changed_is_refused_alike(shared: World, part: str) -> None:
    shared.clock.sleep(timedelta(minutes=1))
    parts = dict(zip(("ticket", "code", "state"), begin(shared), strict=True))
    parts[part] = parts[part][:-1] + ("A" if parts[part][-1] != "A" else "B")
    reply = shared.call("POST", "/v1/sign-in/complete", body=parts)
    assert (reply.status, reply.json["detail"]) == (400, "the sign-in cannot be completed: begin again")


def test_b83_a_ticket_that_nobody_gave_out_is_refused_without_asking_github(shared: World) -> None:
    shared.web.asked.clear()
    for ticket in ("x", "9999999999.x.x", "..", "a.b.c", "-1.x.y"):
        shared.clock.sleep(timedelta(minutes=1))
        assert complete(shared, ticket, "code", "state").status == 400
    assert shared.web.asked == []


def test_a_ticket_ends_after_ten_minutes(world: World) -> None:
    ticket, code, state = begin(world)
    world.clock.sleep(TICKET_LIFE)
    assert complete(world, ticket, code, state).status == 400


@pytest.mark.parametrize("failure", [500, 302, 404])
def test_while_github_does_not_answer_the_sign_in_is_to_be_tried_later(world: World, failure: int) -> None:
    world.web.failure = failure
    reply = complete(world, *begin(world))
    assert (reply.status, reply.code) == (503, "unavailable")
    assert "canary" not in reply.text


def test_b84_a_tenant_is_what_github_says_about_an_installation_and_only_operators_bind_one(world: World) -> None:
    installation = world.installed.install(55)
    wanted = {"installation_id": installation}
    assert world.call("POST", "/v1/tenants", world.person(11, Role.ADMIN), body=wanted).status == 403
    bound = world.call("POST", "/v1/tenants", world.operator(), body=wanted)
    assert (bound.status, bound.json["id"]) == (200, "github.com:55")
    assert world.call("POST", "/v1/tenants", world.operator(), body={"installation_id": 404}).status == 404


def test_what_github_says_now_is_what_the_tenant_becomes(world: World) -> None:
    tenant, key, operator = world.tenant(), world.key(), world.operator()
    renew = tenant_path(MINE, "/renew")
    proof = world.installed.found[tenant.installation_id]
    world.installed.found[tenant.installation_id] = replace(proof, is_suspended=True)
    assert world.call("POST", renew, operator).json["status"] == "suspended"
    assert world.call("GET", tenant_path(MINE), key).status == 401
    world.installed.found[tenant.installation_id] = proof
    assert world.call("POST", renew, operator).json["status"] == "active"
    assert world.call("GET", tenant_path(MINE), key).status == 200
    world.installed.found[tenant.installation_id] = replace(proof, account_id=THEIRS)
    assert world.call("POST", renew, operator).json["status"] == "removed"
    assert world.call("GET", tenant_path(MINE), key).status == 401


def test_b103_another_installation_of_a_known_account_is_a_new_life_although_nobody_heard_of_the_end(
    world: World,
) -> None:
    key, admin, tenant = world.key(), world.person(11, Role.ADMIN), world.tenant()
    old = world.installed.found.pop(tenant.installation_id)
    world.installed.found[999] = replace(old, installation_id=999)
    world.clock.sleep(timedelta(hours=1))
    bound = world.call("POST", "/v1/tenants", world.operator(), body={"installation_id": 999}).json
    assert (bound["installation_id"], bound["status"]) == (999, "active")
    assert bound["began_at"] > tenant.began_at.isoformat()
    assert world.call("GET", tenant_path(MINE), key).status == 401
    assert world.call("GET", tenant_path(MINE), admin).status == 404


def test_b82_sign_ins_of_one_address_are_limited(world: World) -> None:
    statuses = [world.call("POST", "/v1/sign-in").status for _ in range(40)]
    assert (statuses[0], statuses[-1]) == (200, 429)


def test_the_tokens_of_people_and_of_the_app_reach_github_only(world: World) -> None:
    reply = complete(world, *begin(world))
    assert {request.url.host for request in world.web.asked} == {"github.com", "api.github.com"}
    secret = "canary-client-secret"
    assert secret not in reply.text + world.call("POST", "/v1/sign-in").text + world.items()
    assert "ghu_canary" not in reply.text + world.items()
