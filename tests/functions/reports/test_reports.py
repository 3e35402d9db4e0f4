"""The record as people and programs read it: every list, each tenant's own, whatever else is in the database."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.connections import DatabaseAddress, engine
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.domain.finding import Placement, Severity
from local.processes import LOOPBACK, free_ports
from tests.adapters.postgres.conftest import Connect
from tests.adapters.postgres.reviews_world import finding, recorded, result, rows
from tests.adapters.postgres.test_audit import entry
from tests.adapters.postgres.upkeep_world import write
from tests.functions.api.world import THEIRS, World
from tests.functions.reports.conftest import OTHERS, OURS, Record, build, fill, without_id

EVERYTHING = [
    "findings",
    "findings?severity=high",
    "findings?text=problem&limit=2",
    "reviews",
    "reviews?state=posted&limit=2",
    "audit",
    "usage",
    "precision",
]


def split(asked: str) -> tuple[str, str]:
    what, _, query = asked.partition("?")
    return what, query


def pages(record: Record, what: str, query: str) -> Iterator[Any]:
    """Read a list to its end."""
    cursor = ""
    while cursor is not None:
        reply = record.get(what, query + (f"&cursor={cursor}" if cursor else ""))
        assert reply.status == 200, reply.text
        yield from reply.json["items"]
        cursor = reply.json["next"]


# --- each list


def test_findings_come_the_latest_first_and_every_page_goes_on_where_the_last_ended(
    record: Record, connect: Connect
) -> None:
    fill(connect, OURS)
    whole = record.get("findings", "limit=100").json
    assert (len(whole["items"]), whole["next"]) == (27, None)
    moments = [item["created_at"] for item in whole["items"]]
    assert moments == sorted(moments, reverse=True)
    for limit in (1, 2, 13, 26, 27):
        assert list(pages(record, "findings", f"limit={limit}")) == whole["items"]


def test_a_page_goes_on_where_it_ended_though_something_new_was_recorded(record: Record, connect: Connect) -> None:
    fill(connect, OURS)
    first = record.get("findings", "limit=5").json
    write(connect, OURS, datetime(2026, 3, 15, 10, tzinfo=UTC), "new", number=9)
    second = record.get("findings", f"limit=5&cursor={first['next']}").json
    whole = [item for item in pages(record, "findings", "limit=50") if item["title"] != "Title of new"]
    assert first["items"] + second["items"] == whole[:10]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("severity=high", 3),
        ("severity=low", 1),
        ("agent=security", 1),
        ("rule=logic", 3),
        ("rule=nothing", 0),
        ("path=src/", 2),
        ("path=src/%25", 0),
        ("placement=body", 1),
        ("text=NEEDLE", 1),
        ("text=100%25", 1),
        ("text=1_0", 0),
        ("text=src/a", 1),
        ("severity=high&agent=correctness", 2),
        ("since=2026-03-15T12:01:00Z", 4),
        ("since=2026-03-15T12:01:00.000001Z", 0),
        ("until=2026-03-15T12:01:00Z", 0),
    ],
)
def test_findings_are_filtered_and_searched(record: Record, connect: Connect, query: str, count: int) -> None:
    made = (
        finding("a", path="src/a.py", title="A needle in it"),
        finding("b", path="src/b.py", agent="security"),
        finding("c", body="100% sure"),
        finding("d", severity=Severity.LOW, placement=Placement.BODY, rule="style"),
    )
    PostgresReviewRecord(connect("codereview_writer")).write(recorded(tenant=OURS), result(*made))
    assert len(record.get("findings", query).json["items"]) == count


def test_the_life_of_a_problem_is_told(record: Record, connect: Connect) -> None:
    for day, problems in ((1, ["x", "y"]), (3, ["y"]), (5, ["x", "y"])):
        write(connect, OURS, datetime(2026, 3, day, tzinfo=UTC), *problems)
    (fingerprint,) = {
        item["fingerprint"] for item in record.get("findings").json["items"] if item["title"] == "Title of x"
    }
    life = record.get("life", f"repository_id=1&number=1&fingerprint={fingerprint}").json
    assert (life["status"], life["times_reopened"]) == ("open", 1)
    assert [found["created_at"][:10] for found in life["found"]] == ["2026-03-01", "2026-03-05"]
    assert life["first_review_id"] == life["found"][0]["review_id"]
    for query in ("number=2", "repository_id=2", "fingerprint=00"):
        given = {"repository_id": "1", "number": "1", "fingerprint": fingerprint}
        given |= dict([query.split("=")])
        assert record.get("life", "&".join(f"{key}={value}" for key, value in given.items())).status == 404


def test_reviews_of_any_age_are_listed(record: Record, connect: Connect) -> None:
    write(connect, OURS, datetime(2024, 6, 1, tzinfo=UTC), "old")
    write(connect, OURS, datetime(2026, 3, 1, tzinfo=UTC), "x", number=2)
    assert [item["number"] for item in record.get("reviews").json["items"]] == [2]
    old = record.get("reviews", "since=2024-05-01T00:00:00Z&until=2024-07-01T00:00:00Z").json["items"]
    assert [(item["number"], item["findings_total"], item["state"]) for item in old] == [(1, 1, "posted")]
    assert record.get("reviews", "state=failed").json["items"] == []
    assert record.get("reviews", "repository_id=1&number=2").json["items"] != []


def test_what_was_done_is_listed(record: Record, connect: Connect) -> None:
    fill(connect, OURS)
    actions = record.get("audit").json["items"]
    assert [(each["seq"], each["action"], each["actor"]) for each in actions] == [
        (2, "keys.revoke", "person:github.com:5"),
        (1, "keys.revoke", "person:github.com:5"),
    ]
    assert [each["seq"] for each in pages(record, "audit", "limit=1")] == [2, 1]
    assert record.get("audit", "action=flags.change").json["items"] == []


def test_usage_is_summed_up_by_day_and_costs_what_the_prices_say(record: Record, connect: Connect) -> None:
    for number in (1, 2):
        write(connect, OURS, datetime(2026, 3, 1, 23, 59, tzinfo=UTC), "x", number=number)
    write(connect, OURS, datetime(2026, 3, 2, tzinfo=UTC), "x", number=3)
    usage = record.get("usage").json
    assert [(each["day"], each["agent"], each["reviews"], each["input_tokens"]) for each in usage["items"]] == [
        ("2026-03-01", "correctness", 2, 200),
        ("2026-03-01", "security", 2, 200),
        ("2026-03-02", "correctness", 1, 100),
        ("2026-03-02", "security", 1, 100),
    ]
    # Of 100 tokens 50 came from the cache, and 10 were written: 50 · 3 + 50 · 0.3 + 10 · 15 micro-dollars.
    assert [each["cost"] for each in usage["items"]] == [630, 630, 315, 315]
    assert usage["cost"] == 6 * 315


def test_without_prices_nothing_has_a_cost(record: Record, connect: Connect, world: World) -> None:
    fill(connect, OURS)
    record.app = build(world, connect("codereview_reader"), prices=None)
    assert record.get("usage").json["cost"] is None
    assert {each["cost_per_accepted"] for each in record.get("precision").json["agents"]} == {None}


def test_sums_of_absurd_counts_are_shown_and_not_refused(
    record: Record, connect: Connect, superuser: psycopg.Connection
) -> None:
    fill(connect, OURS)
    superuser.execute("UPDATE usage SET input_tokens = 9223372036854775807")
    assert record.get("usage").json["items"][0]["input_tokens"] == 2**63 - 1


def test_precision_counts_what_became_of_findings(
    record: Record, connect: Connect, superuser: psycopg.Connection
) -> None:
    write(connect, OURS, datetime(2026, 2, 1, tzinfo=UTC), *(f"p{number}" for number in range(10)))
    write(connect, OURS, datetime(2026, 2, 2, tzinfo=UTC), "p0", "p1", "p2", "p3")
    write(connect, OURS, datetime(2026, 3, 14, tzinfo=UTC), "young", number=2)
    superuser.execute(
        "UPDATE finding_identity SET status = 'dismissed' WHERE ctid IN"
        " (SELECT ctid FROM finding_identity WHERE status = 'open' AND number = 1 LIMIT 1)"
    )
    (agent,) = record.get("precision").json["agents"]
    outcomes = agent["outcomes"]
    assert (outcomes["fixed"], outcomes["dismissed"], outcomes["ignored"], outcomes["unanswered"]) == (6, 1, 3, 1)
    assert outcomes["precision"] == 0.6
    assert outcomes["low"] < 0.6 < outcomes["high"]
    assert agent["cost_per_accepted"] == round(3 * 315 / 6)
    assert [(rule["rule"], rule["outcomes"]) for rule in agent["rules"]] == [("logic", outcomes)]


def test_thumbs_decide_about_what_is_still_open(
    record: Record, connect: Connect, superuser: psycopg.Connection
) -> None:
    write(connect, OURS, datetime(2026, 2, 1, tzinfo=UTC), "fixed", "liked", "disliked", "even", "quiet")
    write(connect, OURS, datetime(2026, 2, 2, tzinfo=UTC), "liked", "disliked", "even", "quiet")
    write(connect, OURS, datetime(2026, 3, 14, tzinfo=UTC), "young and liked", "young", number=2)
    thumbs = {"fixed": (0, 9), "liked": (2, 1), "disliked": (0, 1), "even": (1, 1), "young and liked": (1, 0)}
    for name, (up, down) in thumbs.items():
        superuser.execute(
            "UPDATE finding_identity SET thumbs_up = %s, thumbs_down = %s WHERE fingerprint = %s",
            [up, down, finding(name).fingerprint],
        )
    (agent,) = record.get("precision").json["agents"]
    names = ("fixed", "liked", "disliked", "dismissed", "ignored", "unanswered", "precision")
    assert [agent["outcomes"][name] for name in names] == [1, 2, 1, 0, 2, 1, 0.5]
    assert agent["cost_per_accepted"] == round(agent["cost"] / 3)
    (row,) = rows(superuser, "SELECT * FROM report_precision WHERE month = '2026-02-01'")
    assert [row[name] for name in names[:-2]] == [1, 1, 1, 0, 2]
    fingerprint = finding("liked").fingerprint
    life = record.get("life", f"repository_id=1&number=1&fingerprint={fingerprint}").json
    assert (life["thumbs_up"], life["thumbs_down"]) == (2, 1)


# --- one tenant and another


def test_what_another_tenant_has_changes_no_byte_of_any_answer(
    record: Record, connect: Connect, superuser: psycopg.Connection
) -> None:
    fill(connect, OURS)
    (fingerprint, *_) = sorted(item["fingerprint"] for item in record.get("findings").json["items"])
    asked = [
        *EVERYTHING,
        f"life?repository_id=1&number=1&fingerprint={fingerprint}",
        "life?repository_id=1&number=77&fingerprint=00",
        "findings?severity=none",
    ]
    before = [without_id(record.get(*split(each))) for each in asked]
    # The other one has the same pull requests and problems, and more of everything.
    fill(connect, OTHERS)
    fill(connect, OTHERS, mark="canary ")
    assert "canary" in record.get("findings", account=THEIRS, token=record.world.key(account=THEIRS)).text
    after = [without_id(record.get(*split(each))) for each in asked]
    assert after == before
    assert "canary" not in str(after)


@pytest.mark.parametrize("asked", EVERYTHING)
def test_another_tenants_record_does_not_exist(record: Record, connect: Connect, asked: str) -> None:
    fill(connect, OTHERS)
    there = without_id(record.get(*split(asked), account=THEIRS))
    nowhere = without_id(record.get(*split(asked), account=999))
    assert there.status == nowhere.status == 404
    ignored = {"request_id"}
    assert {k: v for k, v in there.json.items() if k not in ignored} == {
        k: v for k, v in nowhere.json.items() if k not in ignored
    }


def test_what_was_before_an_account_came_back_is_not_shown(record: Record, connect: Connect) -> None:
    """The App was removed and installed anew: the record of before belongs to another life."""
    fill(connect, OURS)
    shown = record.get("findings").json["items"]
    tenant = record.world.tenants[1]
    tenants = record.app.services.verify.tenants
    current = tenants.load(tenant.id)
    assert current is not None
    tenants.save(replace(current, began_at=datetime(2026, 3, 5, tzinfo=UTC)), audit=entry(77))
    after = record.get("findings").json["items"]
    assert [item["created_at"] >= "2026-03-05" for item in after] == [True] * len(after)
    assert 0 < len(after) < len(shown)


# --- cursors and other input


def test_a_cursor_leads_into_its_own_list_only(record: Record, connect: Connect) -> None:
    fill(connect, OURS)
    fill(connect, OTHERS)
    cursor = record.get("findings", "limit=2").json["next"]
    theirs = record.get("findings", "limit=2", account=THEIRS, token=record.world.key(account=THEIRS)).json["next"]
    for what, query in (
        ("findings", f"cursor={theirs}"),
        ("findings", f"severity=high&cursor={cursor}"),
        ("reviews", f"cursor={cursor}"),
        ("findings", f"cursor={cursor[:-2]}xx"),
        ("findings", "cursor=AAAA"),
    ):
        assert record.get(what, query).status == 400
    assert record.get("findings", f"limit=2&cursor={cursor}").status == 200


@pytest.mark.parametrize(
    "asked",
    [
        "findings?severity=terrible",
        "findings?text=ab",
        "findings?unknown=1",
        "findings?limit=0",
        "findings?limit=101",
        "findings?review=1",
        "findings?text=%00%00%00",
        "findings?since=yesterday",
        "findings?since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z",
        "findings?since=2024-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
        "findings?since=1969-01-01T00:00:00Z",
        "life?repository_id=1&number=1",
        "life?repository_id=1&number=99999999999&fingerprint=00",
        "life?repository_id=1&number=1&fingerprint=../x",
        "reviews?number=1_0",
        "reviews?state=queuedd",
        "usage?limit=5",
    ],
)
def test_what_makes_no_sense_is_a_bad_request(record: Record, asked: str) -> None:
    reply = record.get(*split(asked))
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")


def test_what_is_not_there_is_not_found_and_nothing_can_be_changed(record: Record) -> None:
    assert record.get("nothing").status == 404
    app: Any = record.app
    for method in ("POST", "PUT", "DELETE"):
        reply = record.world.call(method, f"/v1/tenants/{OURS}/record/findings", record.token, app=app)
        assert reply.status == 405


# --- a database that does not answer


def test_a_database_that_is_not_there_yet_is_a_503_that_says_when_to_ask_again(record: Record, world: World) -> None:
    (port,) = free_ports(1)
    address = DatabaseAddress(
        host=LOOPBACK,
        port=port,
        name="codereview",
        user="codereview_reader",
        sslmode="disable",
        ca_file="",
        password=lambda: "token",
        connect_timeout=20,
    )
    record.app = build(world, engine(address))
    for asked in EVERYTHING:
        reply = record.get(*split(asked))
        assert (reply.status, reply.headers["retry-after"]) == (503, "30")
        assert json.loads(reply.text)["type"].endswith("unavailable")


def test_f36_a_statement_that_takes_too_long_is_a_503(
    record: Record, connect: Connect, superuser: psycopg.Connection
) -> None:
    with superuser.transaction():
        superuser.execute("LOCK TABLE findings IN ACCESS EXCLUSIVE MODE")
        reply = record.get("findings")
    assert (reply.status, reply.headers["retry-after"]) == (503, "30")
    assert record.get("findings").status == 200


def test_the_connection_is_given_twenty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def refuse(*_: object, **arguments: Any) -> None:
        given.update(arguments)
        raise psycopg.OperationalError

    monkeypatch.setattr(psycopg, "connect", refuse)
    address = DatabaseAddress(
        host="h",
        port=1,
        name="n",
        user="u",
        sslmode="disable",
        ca_file="",
        password=lambda: "t",
        connect_timeout=20,
    )
    with pytest.raises(sa.exc.OperationalError):
        engine(address).connect()
    assert given["connect_timeout"] == 20


def test_every_answer_fits_the_schema_that_it_is_shown_with(record: Record, connect: Connect) -> None:
    fill(connect, OURS)
    for route in record.app.routes:
        if route.operation != "record.life":
            reply = record.get(route.path.rpartition("/")[2])
            assert route.answer is not None
            route.answer.model_validate_json(reply.text)
