"""Exports of a tenant's findings, from the request to the address."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen
from uuid import UUID

import pytest

from codereview.domain.control.scopes import Scope
from tests.functions.api.world import MINE, NOW, THEIRS, Reply, World, tenant_path

EXPORTS = tenant_path(MINE, "/exports")
WANTED = {"format": "sarif", "since": "2026-03-15T11:00:00Z", "until": "2026-04-01T00:00:00Z"}


@pytest.fixture
def key(world: World) -> str:
    world.tenant()
    world.clock.sleep(timedelta(days=1))
    return world.key([Scope.FINDINGS_READ])


def start(world: World, token: str, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.call("POST", EXPORTS, token, body=body if body is not None else WANTED, headers=named)


def test_an_export_runs_until_its_report_is_there_and_then_has_an_address(world: World, key: str) -> None:
    started = start(world, key)
    place = f"{EXPORTS}/{started.json['id']}"
    assert (started.status, started.json["state"], started.headers["location"]) == (202, "running", place)
    running = world.call("GET", place, key).json
    assert (running["state"], running["rows"], running["url"]) == ("running", None, None)
    world.finish_exports(rows=12)
    done = world.call("GET", place, key).json
    assert (done["state"], done["rows"], done["is_cut"]) == ("done", 12, False)
    assert done["last"] == "2026-04-01T00:00:00Z"
    with urlopen(done["url"], timeout=10) as answer:
        assert answer.read() == b"review_id,path\r\n"
        disposition = answer.headers["content-disposition"]
    assert disposition == f'attachment; filename="findings-{done["id"]}.sarif"'
    assert world.call("GET", EXPORTS, key).json["items"] == [started.json | {"state": "done"}]


def test_the_function_is_told_what_to_write_and_who_wanted_it(world: World, key: str) -> None:
    job = start(world, key).json["id"]
    (event,) = world.functions.called
    request_id = event.pop("request_id")
    assert event == {
        "action": "export",
        "parameters": {
            "tenant": "github.com:1",
            "job": job,
            "format": "sarif",
            "since": NOW.isoformat(),  # nothing of before the tenant began
            "until": "2026-04-01T00:00:00+00:00",
        },
        "actor_kind": "key",
        "actor": key.split("_")[2],
    }
    (entry,) = world.audited()
    assert (entry.action, entry.target, entry.request_id) == ("exports.start", f"export/{job}", request_id)
    assert entry.after == {
        "format": "sarif",
        "since": NOW.isoformat(),
        "until": "2026-04-01T00:00:00+00:00",
    }


def test_without_a_period_the_last_ninety_days_are_meant(world: World, key: str) -> None:
    world.clock.sleep(timedelta(days=20))
    started = start(world, key, {}).json
    assert (started["format"], started["since"]) == ("jsonl", "2026-03-15T12:00:00Z")
    world.clock.sleep(timedelta(days=5))
    assert world.call("GET", f"{EXPORTS}/{started['id']}", key).json["until"] == "2026-04-05T12:00:00Z"


def test_an_address_is_signed_for_one_object_and_a_quarter_of_an_hour(world: World, key: str) -> None:
    place = f"{EXPORTS}/{start(world, key).json['id']}"
    world.finish_exports()
    shown = world.call("GET", place, key).json
    address = urlsplit(shown["url"])
    query = parse_qs(address.query)
    assert address.path.endswith(f"/exports/github.com/1/{shown['id']}.sarif")
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == (["900"], ["AWS4-HMAC-SHA256"])
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert shown["url_expires_at"] == (world.clock.now() + timedelta(minutes=15)).isoformat().replace("+00:00", "Z")


def test_an_export_that_does_not_come_has_failed_and_one_that_comes_late_is_done(world: World, key: str) -> None:
    place = f"{EXPORTS}/{start(world, key).json['id']}"
    world.clock.sleep(timedelta(minutes=19, seconds=59))
    assert world.call("GET", place, key).json["state"] == "running"
    world.clock.sleep(timedelta(seconds=1))
    assert world.call("GET", place, key).json["state"] == "failed"
    assert [each["state"] for each in world.call("GET", EXPORTS, key).json["items"]] == ["failed"]
    world.finish_exports()
    assert world.call("GET", place, key).json["state"] == "done"


def test_after_seven_days_an_export_is_gone_with_its_file(world: World, key: str) -> None:
    place = f"{EXPORTS}/{start(world, key).json['id']}"
    world.clock.sleep(timedelta(days=7))
    assert world.call("GET", place, key).status == 200
    world.clock.sleep(timedelta(seconds=1))
    assert world.call("GET", place, key).status == 404
    assert world.call("GET", EXPORTS, key).json["items"] == []
    items = world.items()
    assert "job#github.com:1#" in items


def test_anothers_export_does_not_exist_not_even_under_ones_own_name(world: World, key: str) -> None:
    theirs = world.export(account=THEIRS)
    world.finish_exports(account=THEIRS)
    for account in (MINE, THEIRS):
        reply = world.call("GET", tenant_path(account, f"/exports/{theirs}"), key)
        assert (reply.status, reply.code) == (404, "not-found")


def test_exports_come_in_pages_the_latest_first(world: World, key: str) -> None:
    jobs = list[UUID]()
    for _ in range(5):
        world.clock.sleep(timedelta(minutes=1))
        jobs.append(world.export())
    first = world.call("GET", EXPORTS, key, query="limit=3").json
    rest = world.call("GET", EXPORTS, key, query=f"limit=3&cursor={first['next']}").json
    assert [each["id"] for each in first["items"] + rest["items"]] == [str(job) for job in reversed(jobs)]
    assert rest["next"] is None


def test_three_exports_of_a_tenant_run_at_once_and_the_next_waits_for_one_to_end(world: World, key: str) -> None:
    assert [start(world, key).status for _ in range(4)] == [202, 202, 202, 409]
    theirs = world.key([Scope.FINDINGS_READ], account=THEIRS)
    body = WANTED | {"until": "2026-05-01T00:00:00Z"}
    assert world.call("POST", tenant_path(THEIRS, "/exports"), theirs, body=body).status == 202
    world.finish_exports()
    assert start(world, key).status == 202
    for _ in range(2):
        start(world, key)
    assert start(world, key).status == 409
    world.clock.sleep(timedelta(minutes=20))
    assert start(world, key).status == 202


def test_b73_the_same_request_again_starts_nothing_more(world: World, key: str) -> None:
    first, again = (start(world, key, idempotency_key="once") for _ in range(2))
    assert (first.status, first.text) == (202, again.text)
    assert len(world.functions.called) == len(world.audited()) == 1


def test_b73_a_request_whose_call_did_not_get_through_gets_through_when_it_is_repeated(world: World, key: str) -> None:
    world.functions.is_away = True
    refused = start(world, key, idempotency_key="once")
    assert (refused.status, refused.code, "retry-after" in refused.headers) == (503, "unavailable", True)
    world.functions.is_away = False
    again = start(world, key, idempotency_key="once")
    assert again.status == 202
    assert [event["parameters"]["job"] for event in world.functions.called] == [again.json["id"]]
    assert [entry.action for entry in world.audited()] == ["exports.start"]


@pytest.mark.parametrize(
    "body",
    [
        {"format": "xlsx"},
        {"format": None},
        {"since": "yesterday"},
        {"since": "2026-03-15T11:00:00"},
        {"since": "2026-04-02T00:00:00Z"},
        {"until": "2026-03-15T12:00:00Z"},
        {"until": "1970-01-01T00:00:00Z"},
        {"tenant": "github.com:2"},
        {"job": "00000000-0000-0000-0000-000000000001"},
        {"key": "../results/github.com/2/x.json"},
    ],
)
def test_b93_what_is_no_export_is_refused_before_anything_is_stored(world: World, key: str, body: Any) -> None:
    assert start(world, key, WANTED | body).status == 400
    assert not [pk for pk in world.pks() if pk.startswith("job#")]
    assert not world.functions.called


@pytest.mark.parametrize("job", ["..", "%2e%2e", "1", "x" * 1024, "{id}.json", "{id}/../x", "{ID}"])
def test_b93_a_path_that_is_no_id_reaches_no_object(world: World, key: str, job: str) -> None:
    made = str(world.export(id=UUID("abcdef00-0000-0000-0000-000000000001")))
    reply = world.call("GET", f"{EXPORTS}/{job.format(id=made, ID=made.upper())}", key)
    assert (reply.status, reply.code) == (404, "not-found")
