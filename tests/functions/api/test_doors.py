"""Who is let in, and what those hear who are not."""

import json
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from codereview.domain.control.audit import AuditOutcome
from codereview.domain.control.people import Role
from codereview.domain.control.scopes import ADMINISTRATING, Scope
from codereview.domain.control.tokens import TokenKind, make_token
from codereview.entrypoints.api.responses import SECURITY_HEADERS
from codereview.entrypoints.api.routing import Answer, Call
from codereview.entrypoints.api.services import Services
from codereview.entrypoints.api.table import ROUTES
from codereview.entrypoints.logger import function_logger
from tests.functions.api.world import MINE, THEIRS, Reply, World, event, tenant_path

KEYS = tenant_path(MINE, "/keys")


def told(reply: Reply) -> str:
    """Return what a refusal says, without the request's own id."""
    shown = reply.json
    shown.pop("request_id")
    return json.dumps([reply.status, shown, sorted(set(reply.headers) - {"x-request-id"})])


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Token {}",
        "{}",
        "Bearer {} ",
        "Bearer {}\n",
        "Bearer {},Bearer {}",
        "Bearer  {}",
    ],
)
def test_b58_without_one_bearer_token_nobody_is_let_in(shared: World, given: str) -> None:
    header = given.replace("{}", shared.key())
    reply = shared.call("GET", KEYS, headers={"authorization": header})
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")


def test_b58_a_key_in_the_address_is_no_key(shared: World) -> None:
    for name in ("key", "access_token", "authorization", "token"):
        assert shared.call("GET", KEYS, query=f"{name}={shared.key()}").status == 401
    reply = shared.call("GET", KEYS, shared.key(), query=f"key={shared.key()}")
    assert (reply.status, reply.code) == (400, "unknown-field")


def bad_keys(world: World) -> dict[str, str]:
    good = world.key()
    revoked, ended = world.issue(), world.issue(days=0.001)
    world.app.services.manage_keys.revoke(world.tenant(), revoked.key.id, request=world.request())
    world.clock.sleep(timedelta(minutes=5))
    ids = world.app.ids
    unknown = make_token(TokenKind.KEY, environment="test", token_id=ids.new(), secret=b"x" * 32)
    elsewhere = make_token(TokenKind.KEY, environment="prod", token_id=ids.new(), secret=b"x" * 32)
    return {
        "checksum": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "prefix": "xyz" + good[3:],
        "revoked": revoked.token.text,
        "expired": ended.token.text,
        "environment": elsewhere.text,
        "unknown": unknown.text,
        "newline": good + "\n",
        "look-alike": good[:-7] + "\u0430" + good[-6:],  # Cyrillic
        "long": good * 1_000,
        "sql": "acr_test_' OR 1=1 --",
        "jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "session": good.replace("acr_", "acs_", 1),
    }


def test_b59_b60_b63_every_bad_key_hears_the_same(world: World) -> None:
    heard = {}
    for name, token in bad_keys(world).items():
        world.clock.sleep(timedelta(minutes=1))
        heard[name] = told(world.call("GET", KEYS, token))
    assert set(heard.values()) == {told(world.call("GET", KEYS))}


NO_KEYS = ("checksum", "prefix", "environment", "newline", "look-alike", "long", "sql", "jwt", "session")


def test_b59_what_cannot_be_a_key_costs_no_request_to_the_table(world: World) -> None:
    bad = bad_keys(world)
    world.table.calls.clear()
    for _ in range(20):
        heard = {world.call("GET", KEYS, bad[name]).status for name in NO_KEYS}
    assert heard == {401, 429}  # some of it is too long or of no form to be read as a token, and is not counted
    assert world.table.calls == []


def test_b59_what_cannot_be_a_key_is_told_so_while_the_table_is_away(world: World) -> None:
    bad = bad_keys(world)
    world.table.fail()
    assert {world.call("GET", KEYS, bad[name]).status for name in NO_KEYS} == {401}


def test_b59_a_bad_key_that_cannot_be_counted_is_a_bad_key(world: World) -> None:
    bad = bad_keys(world)
    world.table.fails_before.add("UpdateItem")
    for name in ("revoked", "expired", "unknown"):
        assert world.call("GET", KEYS, bad[name]).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "//v1/me",
        "/v1//me",
        "/v1/me/",
        "/v1/me.",
        "/V1/me",
        "/v1/ME",
        "/v1/./me",
        "/v1/x/../me",
        "/v1/me;a=b",
        "/v1/%6de",
        "/v1/me%00",
        "/v1/..;/v1/me",
        "https://api.test/v1/me",
        "/v1/tenants/../me",
        "/v1/me\n",
        "",
    ],
)
def test_b61_a_path_that_is_spelt_otherwise_is_no_path(shared: World, path: str) -> None:
    assert shared.call("GET", path, shared.key()).status == 404


def test_b61_no_header_changes_the_path_the_host_or_the_tenant(shared: World) -> None:
    shared.tenant(THEIRS)
    theirs = tenant_path(THEIRS)
    headers = {
        "host": "x/?",
        "x-forwarded-host": "evil.test",
        "x-original-url": "/status",
        "x-rewrite-url": "/status",
        "x-tenant": "github.com:2",
    }
    assert shared.call("GET", theirs, shared.key(), headers=headers).status == 404
    assert shared.call("GET", KEYS, headers=headers).status == 401


def test_b61_a_colon_may_be_written_as_percent_3a(shared: World) -> None:
    path = tenant_path(MINE).replace(":", "%3A")
    assert shared.call("GET", path, shared.key()).status == 200


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "CONNECT", "FOO", "get", "DELETE", ""])
def test_b62_a_method_that_is_not_served_is_refused_with_those_that_are(shared: World, method: str) -> None:
    reply = shared.call(method, KEYS)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")


def test_b62_no_header_overrides_the_method(shared: World) -> None:
    issued = shared.issue()
    path = tenant_path(MINE, f"/keys/{issued.key.id}")
    headers = {"x-http-method-override": "DELETE", "x-http-method": "DELETE", "x-method-override": "DELETE"}
    assert shared.call("GET", path, shared.key(), headers=headers).status == 200
    assert shared.call("GET", path, issued.token.text).json["revoked_at"] is None


def test_b63_a_session_that_ended_is_none(world: World) -> None:
    token = world.person(11, Role.VIEWER)
    assert world.call("GET", KEYS, token).status == 200
    assert world.call("DELETE", "/v1/session", token).status == 204
    assert world.call("GET", KEYS, token).status == 401


def test_a_key_that_is_revoked_is_refused_by_the_next_request_in_a_warm_process(world: World) -> None:
    issued, admin = world.issue(), world.person(11, Role.ADMIN)
    assert world.call("GET", KEYS, issued.token.text).status == 200
    assert world.call("DELETE", tenant_path(MINE, f"/keys/{issued.key.id}"), admin).status == 204
    assert world.call("GET", KEYS, issued.token.text).status == 401


def test_a_tenant_that_is_blocked_is_refused_at_once_and_the_operator_still_reaches_it(world: World) -> None:
    key, operator = world.key(), world.operator()
    assert world.call("POST", tenant_path(MINE, "/block"), operator).json["is_blocked"] is True
    assert world.call("GET", KEYS, key).status == 401
    assert world.call("GET", KEYS, operator).status == 200


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"requestContext": None},
        {"requestContext": {"authorizer": {"lambda": {"tenant": "github.com:1", "scopes": ["keys:read"]}}}},
        {"body": json.dumps({"requestContext": {"http": {"method": "GET"}}})},
        {"Records": [{"body": "x"}]},
        {"httpMethod": "GET", "path": "/v1/me", "requestContext": {"requestId": "1"}},
    ],
)
def test_b91_an_event_that_api_gateway_did_not_make_is_refused(shared: World, given: dict[str, Any]) -> None:
    assert shared.send(given).status == 400


def test_b91_whom_an_event_names_in_its_context_is_not_let_in(shared: World) -> None:
    given = event("GET", KEYS)
    given["requestContext"]["authorizer"] = {"lambda": {"tenant": "github.com:1"}, "iam": {"userArn": "arn:root"}}
    assert shared.send(given).status == 401


def test_every_answer_has_the_security_headers_and_its_requests_id(shared: World) -> None:
    replies = [
        shared.call("GET", "/status"),
        shared.call("GET", "/nowhere"),
        shared.call("GET", KEYS),
        shared.call("GET", KEYS, shared.key()),
        shared.call("POST", KEYS, shared.key(), body="{"),
        shared.send({}),
    ]
    for reply in replies:
        assert reply.headers.items() >= SECURITY_HEADERS.items()
        assert not [name for name in reply.headers if name.startswith("access-control")]
        assert reply.headers["x-request-id"] == reply.json.get("request_id", reply.headers["x-request-id"])


# --- limits


def test_b82_a_flood_with_one_key_is_told_when_to_come_back_and_others_are_served(world: World) -> None:
    flooding, other = world.key({Scope.KEYS_READ}), world.key({Scope.KEYS_READ}, account=THEIRS)
    replies = [world.call("GET", KEYS, flooding) for _ in range(60)]
    assert [reply.status for reply in replies[:50]] == [200] * 50
    refused = replies[-1]
    assert (refused.status, refused.code) == (429, "rate-limited")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit-policy"] == '"tenant";q=600;w=60, "key";q=300;w=60'
    assert '"key";r=0' in refused.headers["ratelimit"]
    assert world.call("GET", tenant_path(THEIRS, "/keys"), other).status == 200
    world.clock.sleep(timedelta(seconds=int(refused.headers["retry-after"])))
    assert world.call("GET", KEYS, flooding).status == 200


def test_a_refusal_is_counted_with_whose_it_was_beside_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    app = replace(world.app, logger=function_logger("api-with-limits"))
    key = world.key({Scope.KEYS_READ})
    replies = [world.call("GET", KEYS, key, app=app) for _ in range(60)]
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    limited = [line for line in logged if line["message"] == "Limited"]
    assert len(limited) == sum(reply.status == HTTPStatus.TOO_MANY_REQUESTS for reply in replies)
    assert {(line["LimitRefusals"], line["tenant"]) for line in limited} == {(1, f"github.com:{MINE}")}
    (directive,) = limited[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "LimitRefusals", "Unit": "Count"}]
    assert directive["Dimensions"] == [[]]  # what api and reports refuse is one metric
    assert key not in json.dumps(logged)


def test_b82_tenant_and_key_are_decided_by_one_write(world: World) -> None:
    key = world.key()
    world.call("GET", KEYS, key)
    world.table.calls.clear()
    world.clock.sleep(timedelta(seconds=10))
    world.call("GET", KEYS, key)
    assert world.table.calls.count("UpdateItem") == 1


@pytest.mark.parametrize("name", ["checksum", "unknown"])
def test_b82_bad_keys_of_one_address_are_refused_and_good_ones_are_not(world: World, name: str) -> None:
    good, bad = world.key(), bad_keys(world)[name]
    replies = [world.call("GET", KEYS, bad) for _ in range(40)]
    assert (replies[0].status, replies[-1].status) == (401, 429)
    assert int(replies[-1].headers["retry-after"]) >= 1
    assert world.call("GET", KEYS, good).status == 200


def test_b82_bad_keys_of_an_address_keep_nobody_behind_it_from_signing_in(world: World) -> None:
    bad = bad_keys(world)
    for name in ("checksum", "unknown"):
        while world.call("GET", KEYS, bad[name]).status != HTTPStatus.TOO_MANY_REQUESTS:
            pass
    assert world.call("POST", "/v1/sign-in").status == 200


def test_a_limit_that_the_operator_sets_counts(world: World) -> None:
    world.tenant()
    limits = {"requests_per_key": {"units": 2, "period_seconds": 60, "burst": 2}}
    path, operator = tenant_path(MINE, "/limits"), world.operator()
    changed = world.call("PUT", path, operator, body=limits, headers={"if-match": '"0"'})
    assert changed.json["effective"]["requests_per_key"]["burst"] == 2
    world.clock.sleep(timedelta(minutes=1))
    key = world.key()
    assert [world.call("GET", KEYS, key).status for _ in range(3)] == [200, 200, 429]


def test_when_a_key_was_last_used_is_remembered_once_an_hour(world: World) -> None:
    issued = world.issue()
    path = tenant_path(MINE, f"/keys/{issued.key.id}")
    used = []
    for minutes in (0, 30, 31, 5):
        world.clock.sleep(timedelta(minutes=minutes))
        world.table.calls.clear()
        world.call("GET", path, issued.token.text)
        used.append(world.table.calls.count("UpdateItem") - 1)
    assert used == [1, 0, 1, 0]


# --- refusals


def test_b66_a_refused_change_is_audited_with_who_asked_for_what(world: World) -> None:
    viewer = world.person(11, Role.VIEWER)
    wanted = {"name": "x", "scopes": ["keys:read"], "expires_at": "2026-04-01T00:00:00Z"}
    assert world.call("POST", KEYS, viewer, body=wanted).status == 403
    (entry,) = [each for each in world.audited() if each.outcome is AuditOutcome.REFUSED]
    assert (entry.tenant, entry.action, entry.actor.id) == ("github.com:1", "keys.create", "github.com:11")
    assert entry.actor.address == "192.0.2.7"


def test_b66_more_than_the_caller_has_is_refused_and_audited(world: World) -> None:
    key = world.key({Scope.KEYS_WRITE})
    for scopes in (["keys:write", "keys:read"], ["limits:write"]):
        wanted = {"name": "x", "scopes": scopes, "expires_at": "2026-04-01T00:00:00Z"}
        assert world.call("POST", KEYS, key, body=wanted).status == 403
    assert [each.outcome for each in world.audited()] == [AuditOutcome.REFUSED] * 2


def test_b66_an_editor_gives_nobody_a_role_and_the_last_admin_stays(world: World) -> None:
    editor, admin = world.person(12, Role.EDITOR), world.person(11, Role.ADMIN)
    role = {"role": "admin", "login": "u12"}
    assert world.call("PUT", tenant_path(MINE, "/people/12"), editor, body=role).status == 403
    assert world.call("DELETE", tenant_path(MINE, "/people/11"), admin).status == 409
    viewer = {"role": "viewer", "login": "u11"}
    assert world.call("PUT", tenant_path(MINE, "/people/11"), admin, body=viewer).status == 409


def test_b64_what_is_tried_on_another_tenant_is_audited_with_the_one_who_tried(world: World) -> None:
    key = world.key(ADMINISTRATING)
    issued = world.issue(account=THEIRS)
    assert world.call("DELETE", tenant_path(THEIRS, f"/keys/{issued.key.id}"), key).status == 404
    (entry,) = world.audited()
    assert (entry.tenant, entry.outcome) == ("github.com:1", AuditOutcome.REFUSED)
    assert world.call("GET", tenant_path(THEIRS, "/keys"), issued.token.text).status == 200


def test_a_read_that_is_refused_is_not_audited(world: World) -> None:
    assert world.call("GET", "/v1/deployment/queues", world.key()).status == 403
    assert world.audited() == []


# --- trouble


def test_f59_while_the_table_cannot_answer_everybody_is_asked_to_come_back(world: World) -> None:
    key = world.key()
    world.table.fail()
    for method, path, body in (("GET", KEYS, None), ("POST", tenant_path(MINE, "/pauses"), {"reason": "x"})):
        reply = world.call(method, path, key, body=body)
        assert (reply.status, reply.code) == (503, "unavailable")
        assert int(reply.headers["retry-after"]) >= 1
        assert "table" not in reply.text
    assert world.call("GET", "/status").json == {"status": "degraded", "notices": []}


def test_f59_while_the_table_cannot_be_written_people_can_still_look_and_change_nothing(world: World) -> None:
    keys, person = [world.key(), world.key()], world.person(11, Role.ADMIN)
    assert world.call("GET", KEYS, keys[0]).headers["ratelimit"]
    world.table.fails_before.add("UpdateItem")
    for token in (*keys, person):
        reply = world.call("GET", KEYS, token)
        assert (reply.status, "ratelimit" in reply.headers) == (200, False)
        refused = world.call("POST", tenant_path(MINE, "/pauses"), token, body={"reason": "x"})
        assert (refused.status, refused.code) == (503, "unavailable")
    assert world.audited() == []


def test_f59_a_read_is_answered_though_nobody_can_note_that_its_key_was_used(world: World) -> None:
    key = world.key()
    world.table.fails_about.add("used_at")
    reply = world.call("GET", KEYS, key)
    assert (reply.status, "ratelimit" in reply.headers) == (200, True)
    assert world.call("POST", tenant_path(MINE, "/pauses"), key, body={"reason": "x"}).status == 503


def test_a_bug_is_answered_with_the_requests_id_and_none_of_its_text(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_services: Services, _call: Call) -> Answer:
        raise RuntimeError("canary text of a bug")

    routes = [replace(route, run=broken) if route.operation == "me.show" else route for route in ROUTES]
    app = replace(world.app, routes=routes, logger=function_logger("api-with-a-bug"))
    key = world.key()
    reply = world.call("GET", "/v1/me", key, app=app)
    assert (reply.status, reply.code) == (500, "internal")
    assert "canary" not in reply.text
    assert "Traceback" not in reply.text
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (unforeseen,) = [line for line in logged if line["message"] == "Unforeseen"]
    assert unforeseen["request_id"] == reply.json["request_id"]
    assert [line["AnswersFailed"] for line in logged if "AnswersFailed" in line] == [1]
    assert key not in json.dumps(logged)


def test_strangers_who_ask_for_the_status_cost_one_query_in_fifteen_seconds(world: World) -> None:
    asked = []
    for seconds in (0, 5, 9, 1, 14, 1):
        world.clock.sleep(timedelta(seconds=seconds))
        world.table.calls.clear()
        assert world.call("GET", "/status").json["status"] == "ok"
        asked.append(world.table.calls.count("Query"))
    assert asked == [1, 0, 0, 1, 0, 1]
