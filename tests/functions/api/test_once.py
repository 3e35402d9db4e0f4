"""The same request, sent again."""

from datetime import timedelta
from typing import Any

import pytest

from codereview.entrypoints.api.once import CLAIMED_FOR
from tests.functions.api.world import MINE, THEIRS, Reply, World, tenant_path

KEYS = tenant_path(MINE, "/keys")
WANTED = {"name": "ci", "scopes": ["keys:read"], "expires_at": "2026-04-01T00:00:00Z"}


def create(world: World, token: str, name: str = "a", path: str = KEYS, body: Any = None) -> Reply:
    return world.call("POST", path, token, body=body or WANTED, headers={"idempotency-key": name})


def keys(world: World) -> int:
    return sum(pk.startswith("key#") for pk in world.pks())


def test_b73_the_same_request_again_gets_the_same_answer_and_does_nothing(world: World) -> None:
    token = world.key()
    before = keys(world)
    first, again = create(world, token), create(world, token)
    assert (first.status, again.status) == (201, 201)
    assert first.text == again.text
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert keys(world) == before + 1
    assert [entry.action for entry in world.audited()] == ["keys.create"]


def test_b73_without_a_name_every_request_is_another(world: World) -> None:
    token, before = world.key(), keys(world)
    for _ in range(2):
        assert world.call("POST", KEYS, token, body=WANTED).status == 201
    assert keys(world) == before + 2


def test_b73_another_request_under_the_same_name_is_refused(world: World) -> None:
    token = world.key()
    create(world, token)
    other = create(world, token, body=WANTED | {"name": "other"})
    assert (other.status, other.code) == (422, "idempotency-key-reused")
    paused = create(world, token, path=tenant_path(MINE, "/pauses"), body={"reason": "x"})
    assert paused.status == 422


@pytest.mark.parametrize("name", ["", "x" * 256, "a b", "ä", "a\n"])
def test_b73_a_name_that_is_none_is_refused(shared: World, name: str) -> None:
    shared.clock.sleep(timedelta(minutes=1))
    assert create(shared, shared.key(), name).status == 400


def test_b73_names_are_each_callers_own(world: World) -> None:
    mine, other, theirs = world.key(), world.key(), world.key(account=THEIRS)
    ids = {create(world, token).json["key"]["id"] for token in (mine, other)}
    ids.add(create(world, theirs, path=tenant_path(THEIRS, "/keys")).json["key"]["id"])
    assert len(ids) == 3


def test_b73_after_a_day_a_name_is_free_for_another_request_and_the_old_one_is_still_not_done_twice(
    world: World,
) -> None:
    token, before = world.key(), keys(world)
    assert create(world, token).status == 201
    world.clock.sleep(timedelta(hours=25))
    again = create(world, token)
    assert (again.status, again.code) == (409, "conflict")
    assert create(world, token, body=WANTED | {"name": "other"}).status == 201
    assert keys(world) == before + 2


def test_b73_while_it_is_being_answered_the_same_request_waits(world: World) -> None:
    token = world.key()
    heard = []
    issue = world.app.services.manage_keys.keys
    original = issue.save

    def save(key: Any, *, audit: Any) -> Any:
        heard.append(create(world, token))
        return original(key, audit=audit)

    object.__setattr__(issue, "save", save)
    assert create(world, token).status == 201
    (meanwhile,) = heard
    assert (meanwhile.status, meanwhile.code) == (409, "in-progress")
    assert int(meanwhile.headers["retry-after"]) >= 1


def test_f62_a_request_whose_worker_died_after_it_was_done_is_never_done_twice(world: World) -> None:
    token, before = world.key(), keys(world)

    class DiedError(BaseException):
        """A worker that is gone: nothing of it runs on."""

    def die(*_: Any, **__: Any) -> None:
        raise DiedError

    keep = world.app.once.replies.keep
    object.__setattr__(world.app.once.replies, "keep", die)
    with pytest.raises(DiedError):
        create(world, token)
    object.__setattr__(world.app.once.replies, "keep", keep)
    assert create(world, token).code == "in-progress"
    world.clock.sleep(CLAIMED_FOR + timedelta(seconds=1))
    assert create(world, token).code == "conflict"
    assert keys(world) == before + 1


def test_f62_a_request_that_failed_is_done_by_the_next_try(world: World) -> None:
    token, before = world.key(), keys(world)
    world.table.fails_before.add("TransactWriteItems")
    assert create(world, token).status == 503
    world.table.fails_before.clear()
    assert create(world, token).status == 201
    assert keys(world) == before + 1


def test_f62_a_request_whose_answer_was_lost_on_the_way_from_the_table_is_not_done_twice(world: World) -> None:
    token, before = world.key(), keys(world)
    world.table.fails_after.add("TransactWriteItems")
    assert create(world, token).status == 503
    world.table.fails_after.clear()
    assert create(world, token).status == 409
    assert keys(world) == before + 1


def test_f62_a_rotation_happens_whole_or_not_and_one_whose_answer_was_lost_can_be_made_anew(world: World) -> None:
    key = world.issue()
    path, token = f"{KEYS}/{key.key.id}/rotate", key.token.text

    def rotate(name: str) -> Reply:
        return world.call("POST", path, token, body={"overlap_seconds": 60}, headers={"idempotency-key": name})

    world.table.fails_before.add("TransactWriteItems")
    assert rotate("a").status == 503
    world.table.fails_before.clear()
    done = rotate("a")
    assert (done.status, rotate("a").text) == (201, done.text)
    world.table.fails_after.add("TransactWriteItems")
    assert rotate("b").status == 503
    world.table.fails_after.clear()
    assert rotate("b").status == 409
    anew = rotate("c")
    assert world.call("GET", KEYS, anew.json["token"]).status == 200
    assert [entry.action for entry in world.audited()] == ["keys.rotate"] * 3


def test_f64_every_change_has_one_entry_and_a_change_without_one_does_not_happen(world: World) -> None:
    token = world.key()
    for path, body in ((KEYS, WANTED), (tenant_path(MINE, "/pauses"), {"reason": "x"})):
        assert world.call("POST", path, token, body=body).status < 300
    assert sorted(entry.action for entry in world.audited()) == ["keys.create", "pauses.pause"]
    before = world.pks()
    world.table.fails_before.add("TransactWriteItems")
    assert world.call("POST", KEYS, token, body=WANTED).status == 503
    assert {pk for pk in world.pks() - before if not pk.startswith("limit#")} == set()
