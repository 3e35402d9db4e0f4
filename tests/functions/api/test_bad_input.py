"""What strangers send: each kind has a status of its own, and none of them is a failure of ours."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codereview.domain.control.people import Role
from codereview.domain.control.scopes import Scope
from codereview.entrypoints.api.openapi import document
from codereview.entrypoints.api.requests import LARGEST_BODY
from codereview.entrypoints.api.table import ROUTES
from tests.functions.api.samples import BY_NAME, sample
from tests.functions.api.world import MINE, THEIRS, World, event, tenant_path

KEYS, FLAGS, PAUSES = (tenant_path(MINE, rest) for rest in ("/keys", "/flags", "/pauses"))
WANTED = {"name": "ci", "scopes": ["keys:read"], "expires_at": "2026-04-01T00:00:00Z"}
WITH_BODY = sorted(route.operation for route in ROUTES if route.body is not None)
LISTS = sorted(route.operation for route in ROUTES if route.has_pages)


def rested(world: World) -> World:
    """Wait until no limit is in the way."""
    world.clock.sleep(timedelta(minutes=1))
    return world


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (operation, name)
        for operation in WITH_BODY
        for name in ["tenant_id", "role", "is_admin", "created_at", "id", "hash", "version", "user_config"]
        if (operation, name) != ("people.set_role", "role")  # that one is what it sets
    ],
)
def test_b65_b79_a_field_that_is_not_the_callers_to_set_is_refused(shared: World, operation: str, name: str) -> None:
    asked = sample(rested(shared), operation)
    body = asked.body | {name: {"api_base": "https://evil.test"}}
    reply = shared.call(asked.method, asked.path, shared.operator(), body=body, headers=asked.headers)
    assert (reply.status, reply.code) == (400, "unknown-field")
    assert {"pointer": f"/{name}", "problem": "unknown field"} in reply.json["errors"]


@pytest.mark.parametrize("name", ["hash", "tenant", "limits.requests"])
def test_b65_a_field_in_a_nested_object_is_refused_too(shared: World, name: str) -> None:
    body = {"agents": {"security": {"mode": "on", name: 1}}}
    reply = rested(shared).call("PUT", FLAGS, shared.key(), body=body, headers={"if-match": '"0"'})
    assert (reply.status, reply.code) == (400, "unknown-field")


ODD_IDS = [
    "0",
    "-1",
    "2147483648x",
    "9223372036854775808",
    "1 OR 1=1",
    "\uff11\uff12",
    "1_000",
    "²",
    " 1",
    "+1",
    "01",
    "%31",
]
ODD_UUIDS = [
    "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
    "{6f9619ff-8b86-d011-b42d-00cf4fc964ff}",
    "6f9619ff8b86d011b42d00cf4fc964ff",
    "urn:uuid:6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "00000000-0000-0000-0000-000000000000",
    "x",
]


@pytest.mark.parametrize("text", ODD_IDS)
def test_b67_b101_what_only_looks_like_a_number_is_nobodys(shared: World, text: str) -> None:
    key = rested(shared).key()
    assert shared.call("GET", tenant_path(MINE, f"/people/{text}"), key).status == 404
    assert shared.call("GET", f"/v1/tenants/github.com:{text}", key).status == 404


@pytest.mark.parametrize("text", ODD_UUIDS)
def test_b67_an_id_has_one_spelling(shared: World, text: str) -> None:
    key = rested(shared).key()
    assert shared.call("GET", tenant_path(MINE, f"/reviews/{text}"), key).status == 404
    assert shared.call("GET", f"/v1/deployment/notices/{text}", shared.operator()).status == 404


@pytest.mark.parametrize(
    "text", ["GITHUB.COM:1", "github.com", ":1", "github.com:1:1", "g\u0131thub.com:1", "github.com:1\n"]
)
def test_b67_b101_a_tenant_has_one_spelling(shared: World, text: str) -> None:
    assert rested(shared).call("GET", f"/v1/tenants/{text}", shared.key()).status == 404


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "abc", "", "1.0", "\uff11", "1_0", " 1", "0x1", "101"])
@pytest.mark.parametrize("operation", LISTS)
def test_b68_a_page_of_an_odd_size_is_refused(shared: World, operation: str, limit: str) -> None:
    path = BY_NAME[operation].path.replace("{tenant}", shared.tenant().id)
    reply = rested(shared).call("GET", path, shared.operator(), query=f"limit={limit}")
    assert reply.status == 400, reply.text


def cursor_of(world: World) -> str:
    """Return the cursor of the second page of keys."""
    for _ in range(3):
        world.issue({Scope.KEYS_READ})
    page = world.call("GET", KEYS, world.operator(), query="limit=2")
    assert len(page.json["items"]) == 2
    return str(page.json["next"])


def test_b68_pages_lead_to_the_end_and_hold_everything_once(world: World) -> None:
    made = {world.issue({Scope.KEYS_READ}).key.id for _ in range(5)}
    operator, seen, query = world.operator(), list[str](), "limit=2"
    while query:
        page = world.call("GET", KEYS, operator, query=query).json
        seen += [item["id"] for item in page["items"]]
        query = f"limit=2&cursor={page['next']}" if page["next"] else ""
    assert sorted(seen) == sorted(made)


def test_b64_b68_a_cursor_leads_nowhere_but_on_in_its_own_list(shared: World) -> None:
    cursor, operator = cursor_of(rested(shared)), shared.operator()
    shared.tenant(THEIRS)
    elsewhere = [tenant_path(THEIRS, "/keys"), tenant_path(MINE, "/people"), PAUSES, "/v1/tenants"]
    changed = [
        cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        cursor[:20],
        "x" + cursor,
        "AAAA",
        "%00",
        "é",
        "=" * 8,
    ]
    assert shared.call("GET", KEYS, operator, query=f"cursor={cursor}").status == 200
    for path in elsewhere:
        assert shared.call("GET", path, operator, query=f"cursor={cursor}").status == 400, path
    for text in changed:
        assert shared.call("GET", KEYS, operator, query=f"cursor={text}").status == 400, text


def test_b68_a_cursor_belongs_to_its_filter(shared: World) -> None:
    for number in range(3):
        rested(shared).review(number=number + 1)
    path, key = tenant_path(MINE, "/reviews"), shared.key()
    cursor = shared.call("GET", path, key, query="limit=2&state=parked").json["next"]
    assert shared.call("GET", path, key, query=f"limit=2&state=parked&cursor={cursor}").status == 200
    assert shared.call("GET", path, key, query=f"limit=2&state=failed&cursor={cursor}").status == 400
    assert shared.call("GET", path, key, query=f"limit=2&cursor={cursor}").status == 400


@pytest.mark.parametrize(
    "query",
    [
        "sort=name",
        "order=id;drop",
        "filter=1",
        "state=id;drop",
        "state=PARKED",
        "limit=1&limit=2",
        "tenant=x",
        "%ff=1",
        "&".join("abcdefghijklmnopqrstuvwxyz"),
        "q=" + "x" * 5_000,
    ],
)
def test_b69_a_query_that_the_list_does_not_know_is_refused(shared: World, query: str) -> None:
    assert rested(shared).call("GET", tenant_path(MINE, "/reviews"), shared.key(), query=query).status == 400


ODD_TIMES: list[Any] = [
    "0000-00-00",
    "0000-00-00T00:00:00Z",
    "99999-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-06-30T23:59:60Z",
    "2026-04-01T00:00:00",
    "2026-04-01",
    "1970-01-01T00:00:00Z",
    "2025-04-01T00:00:00Z",
    "2036-04-01T00:00:00Z",
    "tomorrow",
    "",
    1_775_000_000,
    1.5,
    True,
    None,
]


@pytest.mark.parametrize("moment", ODD_TIMES)
def test_b70_b104_a_time_that_makes_no_sense_is_refused(shared: World, moment: object) -> None:
    body = WANTED | {"expires_at": moment}
    assert rested(shared).call("POST", KEYS, shared.operator(), body=body).status == 400


@pytest.mark.parametrize("path", [PAUSES, "/v1/deployment/notices"])
def test_b70_what_would_end_in_the_past_is_refused(shared: World, path: str) -> None:
    body = {"reason": "x"} if path == PAUSES else {"text": "x", "level": "info"}
    body |= {"until": (rested(shared).clock.now() - timedelta(seconds=1)).isoformat()}
    assert shared.call("POST", path, shared.operator(), body=body).status == 400


ODD_BODIES: list[str] = [
    "",
    "null",
    "1",
    '"x"',
    "[]",
    "{",
    "{}",
    "\ufeff{}",
    "[" * 100_000,
    "[" * 10_000,
    '{"name":' * 200 + "1" + "}" * 200,
    json.dumps(WANTED | {"name": None}),
    json.dumps(WANTED | {"name": ""}),
    json.dumps(WANTED | {"name": "x" * 101}),
    json.dumps(WANTED | {"name": "a\u0000b"}),
    '{"name":"\\ud800","scopes":["keys:read"],"expires_at":"2026-04-01T00:00:00Z"}',
    json.dumps(WANTED | {"name": 1}),
    json.dumps(WANTED | {"name": ["x"]}),
    json.dumps(WANTED | {"scopes": []}),
    json.dumps(WANTED | {"scopes": "keys:read"}),
    json.dumps(WANTED | {"scopes": ["*"]}),
    json.dumps(WANTED | {"scopes": ["KEYS:READ"]}),
    json.dumps(WANTED | {"scopes": ["keys:read"] * 10_000}),
    json.dumps(WANTED | {"scopes": {"keys:read": True}}),
    json.dumps(WANTED) + "x",
    json.dumps(WANTED)[:-1],
]


@pytest.mark.parametrize("body", ODD_BODIES)
def test_b71_a_body_that_is_not_as_it_must_be_is_refused(shared: World, body: str) -> None:
    reply = rested(shared).call(
        "POST", KEYS, shared.operator(), body=body, headers={"content-type": "application/json"}
    )
    assert reply.status in (400, 413), reply.text
    assert "canary" not in reply.text


@pytest.mark.parametrize(
    "number", ["0", "-1", "1.0", "1e2", "1e400", "NaN", "Infinity", "true", '"1"', "null", "9" * 5_000, str(2**63)]
)
def test_b71_only_a_whole_positive_number_is_one(shared: World, number: str) -> None:
    body = f'{{"repository_id": {number}, "number": 1}}'
    assert rested(shared).call("POST", tenant_path(MINE, "/reviews"), shared.key(), body=body).status == 400


def test_b71_too_large_or_of_another_kind_is_told_so(shared: World) -> None:
    operator = rested(shared).operator()
    large = json.dumps(WANTED | {"name": "x" * LARGEST_BODY})
    assert shared.call("POST", KEYS, operator, body=large).status == 413
    for kind in ("text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=utf-16"):
        assert shared.call("POST", KEYS, operator, body=WANTED, headers={"content-type": kind}).status == 415
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert shared.call("POST", KEYS, operator, body=WANTED, headers=headers).status == 415
    assert shared.call("POST", tenant_path(MINE, "/block"), operator, body={}).status == 400


def test_b71_base64_or_not_the_body_is_the_same(shared: World) -> None:
    headers = {
        "authorization": f"Bearer {rested(shared).operator()}",
        "content-type": "application/json; charset=UTF-8",
    }
    given = event("POST", KEYS, headers=headers, body=base64.b64encode(json.dumps(WANTED).encode()).decode())
    assert shared.send(given | {"isBase64Encoded": True}).status == 201
    assert shared.send(given | {"isBase64Encoded": True, "body": "%%%"}).status == 400
    assert shared.send(given | {"isBase64Encoded": True, "body": base64.b64encode(b"\xff\xfe{").decode()}).status == 400


TRICKY = [
    "<img src=x onerror=x()>",
    "=cmd()|' /C calc'!A0",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "a\u202eb",
    "😀",
    "e\u0301",
]


@pytest.mark.parametrize("name", TRICKY)
def test_b72_b80_markup_formulas_and_templates_are_text_like_any_other(shared: World, name: str) -> None:
    made = rested(shared).call("POST", KEYS, shared.operator(), body=WANTED | {"name": name})
    assert (made.status, made.json["key"]["name"]) == (201, name)
    again = shared.call("GET", tenant_path(MINE, f"/keys/{made.json['key']['id']}"), shared.operator())
    assert again.json["name"] == name
    assert again.headers["content-type"] == "application/json"


# --- versions, flags, queues


def test_b74_a_change_over_an_old_version_is_refused_and_one_without_a_version_too(world: World) -> None:
    key = world.key()
    changed = world.call("PUT", FLAGS, key, body={"posting": False}, headers={"if-match": '"0"'})
    assert (changed.status, changed.headers["etag"]) == (200, '"1"')
    stale = world.call("PUT", FLAGS, key, body={"posting": True}, headers={"if-match": '"0"'})
    assert (stale.status, stale.code) == (412, "stale-version")
    assert world.call("PUT", FLAGS, key, body={"posting": True}).status == 428
    for text in ("*", "1", 'W/"1"', '"1","2"', '"x"', '"-1"', '"01"', '"' + "9" * 30 + '"'):
        assert world.call("PUT", FLAGS, key, body={"posting": True}, headers={"if-match": text}).status == 400, text
    assert world.call("GET", FLAGS, key).json["posting"] is False


def test_b74_a_role_is_changed_over_the_version_that_was_read(world: World) -> None:
    admin, path = world.person(11, Role.ADMIN), tenant_path(MINE, "/people/12")
    made = world.call("PUT", path, admin, body={"role": "viewer", "login": "u12"}, headers={"if-match": '"0"'})
    assert (made.status, made.headers["etag"]) == (200, '"1"')
    stale = world.call("PUT", path, admin, body={"role": "editor", "login": "u12"}, headers={"if-match": '"0"'})
    assert stale.status == 412


@pytest.mark.parametrize("operation", [each.operation for each in ROUTES if each.is_conditional])
def test_b74_what_can_be_changed_over_a_version_is_refused_over_another(shared: World, operation: str) -> None:
    asked, operator = sample(shared, operation), shared.operator()
    before = len(shared.audited())
    shared.clock.sleep(timedelta(minutes=1))
    stale = shared.call(asked.method, asked.path, operator, body=asked.body, headers={"if-match": '"77"'})
    assert (stale.status, stale.code) == (412, "stale-version")
    assert len(shared.audited()) == before
    current = {"if-match": shared.call("GET", asked.path, operator).headers["etag"]}
    assert shared.call(asked.method, asked.path, operator, body=asked.body, headers=current).status < 300


def test_b74_what_is_read_with_a_version_is_changed_over_one() -> None:
    versioned = {each.path for each in ROUTES if each.method == "GET" and each.has_version}
    changes = {each for each in ROUTES if each.method in ("PUT", "DELETE") and each.path in versioned}
    assert [each.operation for each in changes if not each.is_conditional] == []
    described = document()["paths"]
    for each in ROUTES:
        operation = described[each.path][each.method.lower()]
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert ("If-Match" in names, "412" in operation["responses"]) == (each.is_conditional,) * 2, each.operation


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"posting": "false"}, 400),
        ({"posting": 0}, 400),
        ({"posting": None}, 400),
        ({"agents": {"security": "on"}}, 400),
        ({"agents": {"security": {"mode": "ON"}}}, 400),
        ({"agents": {"security": {"mode": "canary", "percent": 101}}}, 400),
        ({"agents": {"security": {"mode": "canary", "percent": "10"}}}, 400),
        ({"agents": {"security": {"mode": "canary", "percent": 1.5}}}, 400),
        ({"agents": {"No Such": {"mode": "on"}}}, 400),
        ({"agents": {"nosuch": {"mode": "on"}}}, 404),
    ],
)
def test_b75_a_flag_of_a_wrong_kind_or_of_no_agent_is_refused(shared: World, body: Any, status: int) -> None:
    reply = rested(shared).call("PUT", FLAGS, shared.key(), body=body, headers={"if-match": '"0"'})
    assert reply.status == status


@pytest.mark.parametrize("rate", [0, -1, 501, 1.5, "20", None, True])
def test_b76_a_redrive_at_an_odd_rate_is_refused(shared: World, rate: object) -> None:
    path = "/v1/deployment/queues/reviews/redrive"
    assert rested(shared).call("POST", path, shared.operator(), body={"messages_per_second": rate}).status == 400


def test_b76_no_address_of_a_queue_is_ever_taken_from_a_caller(shared: World) -> None:
    operator = rested(shared).operator()
    for name in ("SourceArn", "source_arn", "destination_arn", "DestinationArn", "url"):
        body = {name: "arn:aws:sqs:us-east-1:999999999999:theirs"}
        assert shared.call("POST", "/v1/deployment/queues/reviews/redrive", operator, body=body).status == 400
    for queue in ("arn:aws:sqs:us-east-1:999999999999:theirs", "review-dead-letters", "Reviews", "reviews\n", "x"):
        assert shared.call("GET", f"/v1/deployment/queues/{queue}/dead-letters", operator).status == 404


@pytest.mark.parametrize(
    "rate",
    [
        {"units": 0, "period_seconds": 60, "burst": 1},
        {"units": 1, "period_seconds": 0, "burst": 1},
        {"units": 1, "period_seconds": 60, "burst": 0},
        {"units": 1_000_000, "period_seconds": 1, "burst": 1},
        {"units": 1, "period_seconds": 86_400, "burst": 1_000},
        {"units": 1, "period_seconds": 60},
        {"units": 1.5, "period_seconds": 60, "burst": 1},
    ],
)
def test_a_rate_that_no_bucket_can_keep_is_refused(shared: World, rate: Any) -> None:
    path = tenant_path(MINE, "/limits")
    headers = {"if-match": '"0"'}
    assert rested(shared).call("PUT", path, shared.operator(), body={"reviews": rate}, headers=headers).status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(operation=st.sampled_from(WITH_BODY), noise=JSON, where=st.text(max_size=10))
def test_b71_whatever_a_body_holds_is_never_our_fault(shared: World, operation: str, noise: Any, where: str) -> None:
    asked = sample(rested(shared), operation)
    names = sorted(asked.body)
    body = asked.body | {names[len(where) % len(names)]: noise} if where else noise
    reply = shared.call(asked.method, asked.path, shared.operator(), body=json.dumps(body), headers=asked.headers)
    assert reply.status < 500, reply.text


def names_in(schema: Any) -> set[str]:
    """Return the names of all properties in a JSON schema."""
    if isinstance(schema, list):
        return set().union(*map(names_in, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*map(names_in, schema.values()))


def test_b77_b78_no_route_takes_an_address_of_anything() -> None:
    bodies = [route.body.model_json_schema() for route in ROUTES if route.body is not None]
    names = set().union(*map(names_in, bodies))
    assert {"name", "scopes", "budgets", "installation_id"} <= names
    assert not [name for name in names if any(part in name for part in ("url", "host", "endpoint", "base", "arn"))]


def test_b81_no_list_is_asked_for_more_than_a_page() -> None:
    for operation in LISTS:
        limit = BY_NAME[operation].query.model_json_schema()["properties"]["limit"]
        assert (limit["minimum"], limit["maximum"]) == (1, 100)
