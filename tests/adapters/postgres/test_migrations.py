"""The schema's history, and what the catalogue says of every tenant's walls."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from codereview.adapters.postgres.migrating import migrate, months_from, partition_statements
from codereview.adapters.postgres.tables import metadata

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
Connect = Callable[[str], sa.Engine]
ROLES = ("codereview_writer", "codereview_reader", "codereview_maintenance")

# Every table that holds tenants' rows: partitions too, since each can be named in a query.
TENANT_TABLES = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
           (SELECT array_agg(p.polcmd::text ORDER BY p.polcmd) FROM pg_policy p WHERE p.polrelid = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
"""


def test_migrating_twice_changes_nothing_and_returns_the_same_revision(connect: Connect) -> None:
    owner = connect("codereview_owner")
    assert migrate(owner, now=NOW) == migrate(owner, now=NOW) == "0001"


def test_the_tables_that_the_code_names_are_the_ones_that_the_migrations_make(connect: Connect) -> None:
    with connect("codereview_owner").connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_named})
        assert compare_metadata(context, metadata) == []


def _is_named(_thing: object, name: str | None, kind: str, _reflected: object, _compared: object) -> bool:
    """Leave out what Core does not describe: partitions, indexes and foreign keys."""
    return kind == "column" or (kind == "table" and name in metadata.tables)


def test_every_tenant_table_has_row_security_enabled_and_forced(superuser: psycopg.Connection) -> None:
    tables = superuser.execute(TENANT_TABLES).fetchall()
    assert {name for name, *_ in tables} >= {"reviews", "findings", "audit_log", "findings_default", "findings_2026_03"}
    for name, enabled, forced, is_partition, commands in tables:
        assert enabled, name
        assert forced, name
        # A partition that is named directly has no policy at all, hence no rows; its parent has one a command.
        assert commands is None if is_partition else set(commands) == {"r", "a", "w", "d"}, name


def test_no_role_of_a_function_can_get_around_row_security(superuser: psycopg.Connection) -> None:
    rows = superuser.execute(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = ANY(%s)",
        [list(ROLES)],
    ).fetchall()
    assert {row[0] for row in rows} == set(ROLES)
    assert not any(flag for row in rows for flag in row[1:])
    truncaters = superuser.execute(
        "SELECT r.rolname, t.tablename FROM pg_roles r, pg_tables t WHERE r.rolname = ANY(%s)"
        " AND t.schemaname = 'public' AND has_table_privilege(r.oid, format('%%I', t.tablename), 'TRUNCATE')",
        [list(ROLES)],
    ).fetchall()
    assert truncaters == []


def test_every_unique_key_of_a_tenant_table_starts_with_the_tenant(superuser: psycopg.Connection) -> None:
    keys = superuser.execute("""
        SELECT i.indexrelid::regclass::text,
               (SELECT attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND i.indisunique AND c.relname <> 'alembic_version'
    """).fetchall()
    assert keys
    assert {first for _, first in keys} == {"tenant_id"}


def test_every_foreign_key_between_tenant_tables_includes_the_tenant(superuser: psycopg.Connection) -> None:
    keys = superuser.execute("""
        SELECT conname, (SELECT attname FROM pg_attribute a WHERE a.attrelid = conrelid AND a.attnum = conkey[1])
        FROM pg_constraint WHERE contype = 'f'
    """).fetchall()
    assert keys
    assert {first for _, first in keys} == {"tenant_id"}


def test_partitions_are_not_granted_to_anybody(superuser: psycopg.Connection) -> None:
    granted = superuser.execute(
        "SELECT grantee, table_name FROM information_schema.role_table_grants"
        " WHERE table_name LIKE 'findings\\_%%' AND grantee = ANY(%s)",
        [list(ROLES)],
    ).fetchall()
    assert granted == []


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_even_the_superuser_cannot_change_the_audit_log(superuser: psycopg.Connection, statement: str) -> None:
    superuser.execute(
        "INSERT INTO audit_log VALUES ('t', 1, now(), 'actor', 'action', 'target', '{}', '\\x00', '\\x01')"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        superuser.execute(statement)


def test_months_run_across_the_end_of_a_year() -> None:
    assert [f"{month:%Y-%m}" for month in months_from(datetime(2026, 11, 30, 23, tzinfo=UTC), 4)] == [
        "2026-11",
        "2026-12",
        "2027-01",
        "2027-02",
    ]


def test_a_partition_ends_where_the_next_one_begins() -> None:
    december = partition_statements(datetime(2026, 12, 1, tzinfo=UTC))[0]
    assert "FROM ('2026-12-01T00:00:00+00:00') TO ('2027-01-01T00:00:00+00:00')" in december
