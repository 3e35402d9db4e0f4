"""The tables are kept in shape, and only by what an operator may do to them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.caring import PostgresCare
from codereview.errors import RejectedError, RetryableError
from codereview.record_ports import DatabaseHealth, TableHealth
from codereview.use_cases.maintain.care_for_tables import CareForTables, worst_first
from tests.adapters.postgres.catalogue import gaps
from tests.adapters.postgres.reviews_world import TENANT, rows
from tests.adapters.postgres.upkeep_world import NOW, Clock, Connect, upkeep, write, years

MINUTE = timedelta(minutes=1)


@pytest.fixture
def care(connect: Connect) -> PostgresCare:
    return PostgresCare(connect("codereview_maintenance"))


def table(name: str, *, live: int = 0, dead: int = 0, age: int = 0) -> TableHealth:
    return TableHealth(
        name=name,
        bytes=0,
        live_rows=live,
        dead_rows=dead,
        transaction_age=age,
        last_vacuum=None,
        options=(),
    )


def test_the_worst_table_is_vacuumed_first_and_a_good_one_never() -> None:
    tables = (
        table("good", live=100_000, dead=4_999),
        table("small", live=10, dead=400),
        table("bad", live=1_000, dead=1_000),
        table("worse", live=1_000, dead=9_000),
        table("old", live=1, age=150_000_001),
    )
    assert [each.name for each in worst_first(tables)] == ["old", "worse", "bad"]


class World:
    """Tables of which each takes a minute."""

    def __init__(self, clock: Clock, stuck: Iterable[str] = ()) -> None:
        self.clock, self.stuck = clock, set(stuck)
        self.vacuumed: list[str] = []

    def health(self) -> DatabaseHealth:
        tables = tuple(table(name, dead=number * 1000, live=1000) for number, name in enumerate("abcd", 1))
        return DatabaseHealth(bytes=1, transaction_age=1, open_span=0, tables=tables)

    def vacuum(self, name: str, *, within: timedelta) -> None:
        self.clock.sleep(MINUTE)
        if name in self.stuck:
            raise RetryableError("57014")
        self.vacuumed.append(name)


@pytest.mark.parametrize(("minutes", "done"), [(0, ""), (1, "d"), (2, "dc"), (9, "dcba")])
def test_tables_are_vacuumed_for_as_long_as_there_is_time(minutes: int, done: str) -> None:
    clock = Clock()
    world = World(clock)
    assert CareForTables(clock=clock, tables=world)(deadline=NOW + minutes * MINUTE) == tuple(done)


def test_a_table_that_takes_too_long_does_not_keep_the_others_from_it() -> None:
    clock = Clock()
    assert CareForTables(clock=clock, tables=World(clock, "d"))(deadline=NOW + 9 * MINUTE) == ("c", "b", "a")


def test_vacuum_takes_the_dead_rows_away(care: PostgresCare, connect: Connect, superuser: psycopg.Connection) -> None:
    years(connect)
    superuser.execute("UPDATE finding_identity SET times_reopened = 7")
    superuser.execute("SELECT pg_stat_force_next_flush()")
    before = {each.name: each for each in care.health().tables}["finding_identity"]
    assert before.dead_rows > 0
    care.vacuum("finding_identity", within=MINUTE)
    after = {each.name: each for each in care.health().tables}["finding_identity"]
    assert (after.dead_rows, after.live_rows) == (0, before.live_rows)
    assert after.last_vacuum is not None


def test_health_names_every_table_and_partition(care: PostgresCare, superuser: psycopg.Connection) -> None:
    health = care.health()
    named = {row["relname"] for row in rows(superuser, "SELECT relname FROM pg_stat_user_tables")}
    assert {each.name for each in health.tables} == named - {"alembic_version", "findings"}
    assert health.bytes > 1_000_000
    assert health.open_span >= 0
    assert 0 < health.transaction_age < 10_000_000


@pytest.mark.parametrize("name", ["alembic_version", "pg_class", "findings_2026_03; DROP TABLE reviews", "", "nothing"])
def test_only_tables_of_the_record_are_touched(care: PostgresCare, name: str) -> None:
    with pytest.raises(RejectedError):
        care.vacuum(name, within=MINUTE)
    with pytest.raises(RejectedError):
        care.set_autovacuum(name, scale_factor=0.1)
    with pytest.raises(RejectedError):
        care.add_index(name, ["tenant_id"], within=MINUTE)


def test_autovacuum_of_findings_is_set_for_all_partitions_and_those_to_come(
    care: PostgresCare, connect: Connect, superuser: psycopg.Connection
) -> None:
    care.set_autovacuum("findings", scale_factor=0.3)
    upkeep(connect).partitions.make_ahead(now=NOW, months=12)
    found = rows(superuser, "SELECT reloptions FROM pg_class WHERE relname ~ '^findings_' AND relkind = 'r'")
    assert len(found) == 14
    assert all("autovacuum_vacuum_scale_factor=0.3" in row["reloptions"] for row in found)
    with pytest.raises(RejectedError):
        care.set_autovacuum("findings", scale_factor=1.5)


@pytest.mark.parametrize("name", ["findings", "reviews"])
def test_an_index_is_added_once_and_dropped(care: PostgresCare, superuser: psycopg.Connection, name: str) -> None:
    column = "path" if name == "findings" else "state"
    for _ in range(2):
        added = care.add_index(name, ["tenant_id", column], within=MINUTE)
    own = [each for each in care.indexes() if each.is_own]
    assert added in {each.name for each in own}
    assert all(each.is_valid for each in own)
    assert len(own) == (1 if name == "reviews" else 6)
    assert gaps(superuser) == []
    care.drop_index(added, within=MINUTE)
    assert not [each for each in care.indexes() if each.is_own]
    care.drop_index(added, within=MINUTE)


@pytest.mark.parametrize("name", ["findings_by_review", "reviews_pkey", "x"])
def test_an_index_of_the_schema_is_not_dropped_by_hand(care: PostgresCare, name: str) -> None:
    with pytest.raises(RejectedError):
        care.drop_index(name, within=MINUTE)


@pytest.mark.parametrize(
    "columns", [[], ["nothing"], ["tenant_id", "tenant_id); DROP TABLE reviews; --"], list("abcde")]
)
def test_an_index_is_on_columns_that_there_are(care: PostgresCare, columns: list[str]) -> None:
    with pytest.raises(RejectedError):
        care.add_index("reviews", columns, within=MINUTE)


def test_a_half_built_index_is_built_again(care: PostgresCare, superuser: psycopg.Connection) -> None:
    name = care.add_index("reviews", ["tenant_id", "state"], within=MINUTE)
    superuser.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [name])
    assert care.add_index("reviews", ["tenant_id", "state"], within=MINUTE) == name
    assert all(each.is_valid for each in care.indexes())


def test_a_vacuum_without_time_is_broken_off(care: PostgresCare, superuser: psycopg.Connection) -> None:
    with superuser.transaction():
        superuser.execute("LOCK TABLE reviews IN SHARE MODE")
        with pytest.raises(RetryableError):
            care.vacuum("reviews", within=timedelta(milliseconds=200))


def test_the_record_says_which_of_a_tenants_reviews_it_has(care: PostgresCare, connect: Connect) -> None:
    key = write(connect, TENANT, datetime(2026, 3, 1, tzinfo=UTC), "x")
    assert care.states(TENANT, [key.review_id]) == {key.review_id: "posted"}
    with connect("codereview_maintenance").begin() as connection:
        assert connection.execute(sa.text("SELECT current_user")).scalar_one() == "codereview_maintenance"
