"""The schema's history: each step on filled tables, after a death, and with the code of the step before."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from codereview.adapters.postgres import migrating
from codereview.adapters.postgres.connections import engine
from codereview.adapters.postgres.migrating import migrate
from codereview.adapters.postgres.partitions import make_partitions, months_from
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.adapters.postgres.tables import REVISION, metadata
from codereview.errors import CodeReviewError, PermanentError, RetryableError
from local.database import POSTGRES_16, POSTGRES_17, Database
from tests.adapters.postgres.catalogue import gaps
from tests.adapters.postgres.conftest import address, temporary
from tests.adapters.postgres.expansion import demands, offers
from tests.adapters.postgres.reviews_world import recorded, result, rows

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
DATA = Path(__file__).with_name("data")
Connect = Callable[[str], sa.Engine]


def revisions() -> list[str]:
    """List the revisions, the first one first."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


LATEST = revisions()[-1]


@pytest.fixture
def owner(server: Database, empty_database: str) -> sa.Engine:
    """Connect to an empty database as the one who migrates."""
    return engine(address(server, empty_database, "codereview_owner"))


@pytest.fixture
def anybody(server: Database, empty_database: str) -> Callable[[], psycopg.Connection]:
    """Connect to the same as the superuser."""
    return lambda: psycopg.connect(server.dsn("rdsadmin", empty_database), autocommit=True)


def contents(connection: psycopg.Connection) -> dict[str, list[dict[str, Any]]]:
    """Give every row of every table of the record that there is."""
    tables = rows(connection, "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    names = {row["name"] for row in tables} & set(metadata.tables)
    return {name: rows(connection, f"SELECT * FROM {name} AS t ORDER BY t::text") for name in sorted(names)}


def holds(after: dict[str, list[dict[str, Any]]], before: dict[str, list[dict[str, Any]]]) -> bool:
    """Tell whether every old row is there with its old values, and no row is new; columns may be."""
    return all(
        [{column: new[column] for column in old} for new, old in zip(after[table], found, strict=True)] == found
        for table, found in before.items()
    )


def test_migrating_twice_changes_nothing_and_returns_the_same_revision(connect: Connect) -> None:
    owner = connect("codereview_owner")
    assert migrate(owner, now=NOW) == migrate(owner, now=NOW) == LATEST


def test_two_deploys_at_once_wait_for_each_other(owner: sa.Engine) -> None:
    reached: list[str] = []
    threads = [threading.Thread(target=lambda: reached.append(migrate(owner, now=NOW))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reached == [LATEST] * 3


def test_the_tables_that_the_code_names_are_the_ones_that_the_migrations_make(connect: Connect) -> None:
    assert LATEST == REVISION
    with connect("codereview_owner").connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_named})
        assert compare_metadata(context, metadata) == []


def _is_named(_thing: object, name: str | None, kind: str, _reflected: object, _compared: object) -> bool:
    """Leave out what Core does not describe: partitions, indexes and foreign keys."""
    return kind == "column" or (kind == "table" and name in metadata.tables)


@pytest.mark.parametrize("before", revisions())
def test_every_migration_keeps_every_row_of_a_filled_database(
    owner: sa.Engine, anybody: Callable[[], psycopg.Connection], before: str
) -> None:
    """The newest revision has its data already, so that the next one cannot come without."""
    migrate(owner, now=NOW, revision=before)
    with anybody() as connection:
        connection.execute((DATA / f"r{before}.sql").read_bytes())
        filled = contents(connection)
        assert all(filled.values())
        assert migrate(owner, now=NOW) == LATEST
        assert holds(contents(connection), filled)
        assert gaps(connection) == []


class Killed(BaseException):
    """The function is gone."""


# From nothing on each statement of each revision is met, and the latest also with rows; the others in the long run.
*_EARLIER, _BEFORE_THE_LATEST = revisions()[:-1]
_FROM = [None, _BEFORE_THE_LATEST, *(pytest.param(each, marks=pytest.mark.long) for each in _EARLIER)]


@pytest.mark.parametrize("before", _FROM, ids=str)
def test_f40_a_migration_that_is_killed_at_any_statement_is_finished_by_the_next(
    server: Database, empty_database: str, owner: sa.Engine, before: str | None
) -> None:
    if before is not None:
        migrate(owner, now=NOW, revision=before)
        with psycopg.connect(server.dsn("rdsadmin", empty_database)) as connection:
            connection.execute((DATA / f"r{before}.sql").read_bytes())
    fatal, is_killed = 0, True
    while is_killed:
        fatal += 1
        with temporary(server, empty_database) as copy:
            is_killed = _is_killed(engine(address(server, copy, "codereview_owner")), fatal=fatal)
            migrate(engine(address(server, copy, "codereview_owner")), now=NOW)
            with psycopg.connect(server.dsn("rdsadmin", copy)) as connection:
                assert gaps(connection) == []
                assert len(rows(connection, "SELECT FROM reviews")) == (0 if before is None else 4)
    assert fatal > 10


def _is_killed(doomed: sa.Engine, *, fatal: int) -> bool:
    """Migrate until the n-th statement; returns whether there were so many."""
    numbers = count(1)

    def die(*_: object) -> None:
        if next(numbers) == fatal:
            raise Killed

    sa.event.listen(doomed, "before_cursor_execute", die)
    try:
        migrate(doomed, now=NOW)
    except Killed:
        return True
    return False


def test_f36_a_table_that_somebody_holds_fails_the_deploy_instead_of_blocking_everybody(
    owner: sa.Engine, anybody: Callable[[], psycopg.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "_LOCK_TIMEOUT", "100ms")
    migrate(owner, now=NOW, revision="0001")
    with anybody() as connection, connection.transaction():
        connection.execute("LOCK TABLE reviews IN ACCESS SHARE MODE")
        with pytest.raises(RetryableError, match="55P03"):
            migrate(owner, now=NOW)
    assert migrate(owner, now=NOW) == LATEST


# --- old code and new schema, and the reverse -------------------------------------------------------------------------

# New demands on an old table, and why the code before meets them unawares.
MET_UNAWARES = {("audit_log", "UNIQUE (tenant_id, entry_id)"): "who leaves entry_id out gets one that nobody has"}


@pytest.mark.parametrize(("before", "after"), list(pairwise(revisions())))
def test_f39_each_migration_takes_nothing_from_the_code_before_and_asks_nothing_more_of_it(
    owner: sa.Engine, anybody: Callable[[], psycopg.Connection], before: str, after: str
) -> None:
    with anybody() as connection:
        migrate(owner, now=NOW, revision=before)
        offered, demanded = offers(connection), demands(connection)
        migrate(owner, now=NOW, revision=after)
        assert offered - offers(connection) == set()
        old = {relation for relation, _ in demanded}
        assert {each for each in demands(connection) - demanded if each[0] in old} <= set(MET_UNAWARES)


# What the recorder of revision 0001 sends to write a review.
RECORDER_OF_0001 = """
    SELECT set_config('app.tenant', 'github.com:9919', true);
    INSERT INTO reviews (tenant_id, review_id, repository_id, number, head_sha, kind, state, reason, sequence,
                         github_review_id, finished_at)
    VALUES ('github.com:9919', %(id)s, 1, 1, 'a', 'auto', 'posted', NULL, 1, 1001, '2026-03-15T12:01:00Z')
    ON CONFLICT (tenant_id, review_id) DO UPDATE SET state = 'posted', sequence = 1
      WHERE reviews.sequence <= excluded.sequence RETURNING findings_total IS NOT NULL;
    INSERT INTO findings (tenant_id, review_id, ordinal, created_at, agent, engine, prompt_version, rule, severity,
                          confidence, path, side, line, start_line, placement, title, body, fingerprint)
    VALUES ('github.com:9919', %(id)s, 0, '2026-03-15T12:01:00Z', 'correctness', 'mock', '1', 'logic', 'high', 0.5,
            'a.py', 'RIGHT', 12, 10, 'inline', 't', 'b', 'f');
    UPDATE reviews SET findings_total = 1, files_total = 1, files_reviewed = 1
    WHERE tenant_id = 'github.com:9919' AND review_id = %(id)s;
"""


def test_f39_the_recorder_before_writes_into_the_new_schema_and_the_new_one_goes_on_from_there(
    server: Database, database_name: str, connect: Connect, superuser: psycopg.Connection
) -> None:
    message = recorded()
    with (
        psycopg.connect(server.dsn("codereview_writer", database_name)) as connection,
        psycopg.ClientCursor(connection) as cursor,
    ):
        cursor.execute(RECORDER_OF_0001, {"id": message.review_id})
    PostgresReviewRecord(connect("codereview_writer")).write(message, result("x"))
    assert len(rows(superuser, "SELECT FROM findings")) == 1
    assert rows(superuser, "SELECT status FROM finding_identity") == [{"status": "open"}]


def test_f39_the_new_recorder_keeps_its_message_until_the_schema_is_there(
    server: Database, empty_database: str, owner: sa.Engine, anybody: Callable[[], psycopg.Connection]
) -> None:
    migrate(owner, now=NOW, revision="0001")
    record = PostgresReviewRecord(engine(address(server, empty_database, "codereview_writer")))
    with pytest.raises(CodeReviewError) as caught:
        record.write(recorded(), result("x"))
    # The queue loop gives up PermanentErrors only.
    assert not isinstance(caught.value, PermanentError)
    migrate(owner, now=NOW)
    record.write(recorded(), result("x"))
    with anybody() as connection:
        assert len(rows(connection, "SELECT FROM findings")) == 1


# --- partitions -------------------------------------------------------------------------------------------------------


def test_months_run_across_the_end_of_a_year() -> None:
    assert [f"{month:%Y-%m}" for month in months_from(datetime(2026, 11, 30, 23, tzinfo=UTC), 4)] == [
        "2026-11",
        "2026-12",
        "2027-01",
        "2027-02",
    ]


@pytest.mark.parametrize(
    ("moment", "partition"),
    [
        ("2026-02-28T23:59:59.999999+00:00", "findings_default"),
        ("2026-03-01T00:00:00+00:00", "findings_2026_03"),
        ("2026-03-31T23:59:59.999999+00:00", "findings_2026_03"),
        ("2026-03-31T23:59:59.999999-05:00", "findings_2026_04"),
        ("2026-06-30T23:59:59.999999+00:00", "findings_2026_06"),
        ("2026-07-01T00:00:00+00:00", "findings_default"),
    ],
)
def test_a_finding_goes_to_its_months_partition(superuser: psycopg.Connection, moment: str, partition: str) -> None:
    superuser.execute("ALTER TABLE findings DROP CONSTRAINT findings_tenant_id_review_id_fkey")
    superuser.execute(
        "INSERT INTO findings (tenant_id, review_id, ordinal, created_at, agent, engine, rule, severity, path,"
        " placement, title, body, fingerprint)"
        " VALUES ('t', gen_random_uuid(), 0, %s, '', '', '', 'low', '', 'body', '', '', '')",
        [moment],
    )
    assert rows(superuser, "SELECT tableoid::regclass::text AS name FROM findings") == [{"name": partition}]


def test_findings_that_came_before_their_months_partition_move_into_it(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    later = datetime(2026, 9, 10, tzinfo=UTC)
    record = PostgresReviewRecord(connect("codereview_writer"))
    for sequence, moment in enumerate((later, datetime(2031, 1, 1, tzinfo=UTC))):
        message = recorded(sequence, head=str(sequence))
        object.__setattr__(message, "finished_at", moment.isoformat())
        record.write(message, result("x"))
    before = contents(superuser)
    # As a deploy does that comes half a year after the last one.
    migrate(connect("codereview_owner"), now=later)
    assert contents(superuser) == before
    assert {row["name"] for row in rows(superuser, "SELECT tableoid::regclass::text AS name FROM findings")} == {
        "findings_2026_09",
        "findings_default",
    }
    assert gaps(superuser) == []


def test_a_new_partition_is_vacuumed_as_the_operator_set_it(connect: Connect, superuser: psycopg.Connection) -> None:
    superuser.execute("ALTER TABLE findings_default SET (autovacuum_vacuum_insert_scale_factor = 0.3)")
    with connect("codereview_owner").begin() as connection:
        make_partitions(connection, [datetime(2027, 1, 1, tzinfo=UTC)])
    (row,) = rows(superuser, "SELECT reloptions FROM pg_class WHERE relname = 'findings_2027_01'")
    assert "autovacuum_vacuum_insert_scale_factor=0.3" in row["reloptions"]


def test_every_table_says_how_it_is_vacuumed(superuser: psycopg.Connection) -> None:
    tables = rows(
        superuser,
        "SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    )
    silent = {row["relname"] for row in tables if "autovacuum" not in str(row["reloptions"])} - {
        "alembic_version",
        "archives",
        "retention",
    }
    assert silent == set()


def test_the_server_is_the_one_that_was_asked_for(superuser: psycopg.Connection, pytestconfig: pytest.Config) -> None:
    major = {POSTGRES_16: 16, POSTGRES_17: 17}[pytestconfig.getoption("--postgres")]
    assert superuser.info.server_version // 10_000 == major
