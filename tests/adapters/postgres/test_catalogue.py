"""The walls between tenants stand, and whoever takes one down is told."""

import psycopg
import pytest

from codereview.adapters.postgres.migrating import is_safe_server
from codereview.adapters.postgres.tables import metadata
from tests.adapters.postgres.catalogue import APP_ROLES, gaps, tenant_tables

TABLES = sorted(metadata.tables)


def test_there_is_no_gap_in_the_walls(superuser: psycopg.Connection) -> None:
    assert gaps(superuser) == []


def test_every_table_of_the_record_is_looked_at(superuser: psycopg.Connection) -> None:
    assert tenant_tables(superuser) == TABLES


# One statement that takes something down, and what has to be said about it.
MUTATIONS = [
    *[(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY", f"{table}: row security is not") for table in TABLES],
    *[(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", f"{table}: row security is off") for table in TABLES],
    *[
        (f"DROP POLICY own_rows_{command} ON {table}", f"{table}: policy")
        for table in TABLES
        for command in ("read", "insert", "update", "delete")
    ],
    ("ALTER TABLE findings_2026_03 NO FORCE ROW LEVEL SECURITY", "findings_2026_03: row security"),
    ("ALTER TABLE findings_default DISABLE ROW LEVEL SECURITY", "findings_default: row security"),
    ("CREATE POLICY more ON reviews FOR SELECT USING (true)", "reviews: policy ('r', 'true', None) is too much"),
    ("ALTER POLICY own_rows_update ON reviews WITH CHECK (true)", "reviews: policy"),
    ("ALTER POLICY own_rows_read ON usage USING (tenant_id = current_setting('app.tenant'))", "usage: policy"),
    ("CREATE POLICY open ON findings_2026_03 FOR SELECT USING (true)", "findings_2026_03: policy"),
    ("CREATE TABLE more (tenant_id text)", "more: row security is off"),
    ("CREATE TABLE more (id text)", "more: no tenant_id"),
    ("ALTER ROLE codereview_reader BYPASSRLS", "codereview_reader: has an attribute"),
    ("ALTER ROLE codereview_writer CREATEROLE", "codereview_writer: has an attribute"),
    ("GRANT pg_read_all_data TO codereview_writer", "codereview_writer: can become pg_read_all_data"),
    ("ALTER TABLE usage OWNER TO codereview_writer", "codereview_writer: owns usage"),
    ("ALTER TABLE usage OWNER TO codereview_owner", "usage: does not belong to codereview_tables"),
    ("ALTER ROLE codereview_tables LOGIN", "codereview_tables: can sign in"),
    ("GRANT codereview_tables TO codereview_reader", "codereview_reader: can become codereview_tables"),
    ("GRANT pg_write_all_data TO codereview_maintenance", "codereview_maintenance: can become pg_write"),
    ("GRANT rds_superuser TO codereview_tables", "codereview_tables: can become rds_superuser"),
    ("GRANT codereview_tables TO codereview_maintenance WITH INHERIT TRUE", "codereview_maintenance: owns the"),
    ("GRANT DELETE ON audit_log TO codereview_maintenance", "codereview_maintenance: may DELETE INSERT SELECT on"),
    ("CREATE POLICY more ON usage FOR SELECT TO codereview_maintenance USING (true)", "usage: policy"),
    ("DROP POLICY maintenance_reads ON findings", "findings: policy"),
    ("ALTER POLICY maintenance_reads ON reviews TO PUBLIC", "reviews: policy"),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "codereview_reader: can create objects"),
    ("GRANT TRUNCATE ON reviews TO codereview_writer", "codereview_writer: may INSERT SELECT TRUNCATE UPDATE"),
    ("GRANT UPDATE ON audit_log TO PUBLIC", "codereview_writer: may INSERT SELECT UPDATE on audit_log"),
    ("GRANT SELECT ON findings_2026_03 TO codereview_reader", "codereview_reader: may SELECT on findings_2026_03"),
    ("CREATE VIEW all_of_them AS SELECT * FROM reviews", "all_of_them"),
    ("ALTER VIEW report_usage RESET (security_invoker)", "report_usage"),
    ("GRANT SELECT ON report_findings TO PUBLIC", "codereview_writer: may SELECT on report_findings"),
    ("CREATE MATERIALIZED VIEW all_of_them AS SELECT * FROM reviews", "all_of_them"),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' RETURN 1", "f: runs with"),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1", "f: its search_path"),
    ("CREATE UNIQUE INDEX more ON finding_identity (fingerprint)", "more"),
    ("CREATE UNIQUE INDEX more ON usage (review_id, tenant_id)", "more"),
    ("ALTER TABLE usage ADD FOREIGN KEY (review_id) REFERENCES keyed (review_id)", "usage"),
]


@pytest.mark.parametrize(("statement", "said"), MUTATIONS, ids=[statement[:60] for statement, _ in MUTATIONS])
def test_each_wall_that_is_taken_down_is_reported(superuser: psycopg.Connection, statement: str, said: str) -> None:
    # Roles belong to the whole server: nothing here is ever committed.
    with superuser.transaction(force_rollback=True):
        superuser.execute("CREATE TABLE keyed (review_id uuid UNIQUE)")
        superuser.execute(statement.encode())
        assert [gap for gap in gaps(superuser) if gap.startswith(said)] != []


@pytest.mark.parametrize("role", APP_ROLES)
def test_no_role_of_a_function_can_become_another(superuser: psycopg.Connection, role: str) -> None:
    with superuser.transaction(force_rollback=True):
        superuser.execute(f"SET SESSION AUTHORIZATION {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            superuser.execute("SET ROLE codereview_owner")


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        (140_022, False),
        (150_013, False),
        (150_014, True),
        (160_009, False),
        (160_010, True),
        (170_005, False),
        (170_006, True),
        (180_000, True),
        (190_001, True),
    ],
)
def test_a_server_whose_row_security_is_known_to_leak_is_refused(version: int, *, is_safe: bool) -> None:
    assert is_safe_server(version) is is_safe


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_even_the_superuser_cannot_change_the_audit_log(superuser: psycopg.Connection, statement: str) -> None:
    superuser.execute(
        "INSERT INTO audit_log VALUES ('t', 1, now(), 'actor', 'action', 'target', '{}', '\\x00', '\\x01')"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        superuser.execute(statement.encode())
