"""Give the tables an owner that nobody signs in as, retention rules a table, and maintenance what it needs.

The maintenance function has to vacuum, index, detach and drop, which takes ownership. A member of the migrations'
role could also make roles and databases; so the tables go to a role of their own, that both are members of.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OWNER = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'codereview_tables') THEN
    CREATE ROLE codereview_tables NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
  END IF;
END $$;
GRANT codereview_tables TO CURRENT_USER;
-- It has not INHERIT: maintenance owns nothing until it says so, one statement at a time.
GRANT codereview_tables TO codereview_maintenance;
GRANT USAGE, CREATE ON SCHEMA public TO codereview_tables;
"""

_TABLES = """
CREATE TABLE retention (
  tenant_id text NOT NULL PRIMARY KEY,
  keep_days integer NOT NULL CHECK (keep_days BETWEEN 30 AND 3650),
  hold_until date,
  deleting_since timestamptz,
  changed_at timestamptz NOT NULL
);
ALTER TABLE archives ADD COLUMN restored_until timestamptz;
CREATE INDEX reviews_by_time ON reviews (tenant_id, finished_at, review_id);
CREATE INDEX findings_by_time ON findings (tenant_id, created_at, review_id, ordinal);
"""

_OWN_ROWS = "tenant_id = NULLIF(current_setting('app.tenant', true), '')"

_POLICIES = f"""
ALTER TABLE retention ENABLE ROW LEVEL SECURITY;
ALTER TABLE retention FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows_read ON retention FOR SELECT USING ({_OWN_ROWS});
CREATE POLICY own_rows_insert ON retention FOR INSERT WITH CHECK ({_OWN_ROWS});
CREATE POLICY own_rows_update ON retention FOR UPDATE USING ({_OWN_ROWS}) WITH CHECK ({_OWN_ROWS});
CREATE POLICY own_rows_delete ON retention FOR DELETE USING ({_OWN_ROWS});
"""

# Maintenance finds its work among all tenants' rows, and changes one tenant's at a time like everybody else.
_READ_ALL = """
CREATE POLICY maintenance_reads ON {table} FOR SELECT TO codereview_maintenance USING (true);
"""

_GRANTS = """
GRANT SELECT, DELETE ON reviews, usage, finding_identity TO codereview_maintenance;
GRANT SELECT, INSERT, DELETE ON findings TO codereview_maintenance;
GRANT SELECT, INSERT, UPDATE, DELETE ON archives, retention TO codereview_maintenance;
GRANT SELECT, INSERT ON audit_log TO codereview_maintenance;
GRANT SELECT ON retention TO codereview_reader;
"""

_HAND_OVER = """
DO $$
DECLARE owned regclass;
BEGIN
  FOR owned IN
    SELECT oid FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
    ORDER BY relname
  LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO codereview_tables', owned);
  END LOOP;
END $$;
"""


def upgrade() -> None:
    """Prepare the record for its maintenance."""
    op.execute(_OWNER)
    op.execute(_TABLES)
    op.execute(_POLICIES)
    for table in ("reviews", "findings", "archives", "retention"):
        op.execute(_READ_ALL.format(table=table))
    op.execute(_GRANTS)
    op.execute(_HAND_OVER)


def downgrade() -> None:
    """Refuse: the code before this revision runs on it."""
    raise NotImplementedError("the former version of the code runs on this schema: deploy that")
