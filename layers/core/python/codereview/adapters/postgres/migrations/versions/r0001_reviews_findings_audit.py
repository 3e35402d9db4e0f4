"""Create the roles, reviews, findings by month, and the audit log, each closed to all tenants but one."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROLES = ("codereview_writer", "codereview_reader", "codereview_maintenance")

_CREATE_ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
    CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
  END IF;
END $$
"""

_TABLES = """
CREATE TABLE reviews (
  tenant_id text NOT NULL,
  review_id uuid NOT NULL,
  repository_id bigint NOT NULL,
  number integer NOT NULL,
  head_sha text NOT NULL,
  kind text NOT NULL,
  state text NOT NULL CHECK (state IN ('posted', 'skipped', 'superseded', 'failed')),
  reason text,
  sequence bigint NOT NULL,
  github_review_id bigint,
  files_total integer,
  files_reviewed integer,
  findings_total integer,
  finished_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, review_id)
);
CREATE INDEX reviews_by_pull_request ON reviews (tenant_id, repository_id, number, finished_at);

CREATE TABLE findings (
  tenant_id text NOT NULL,
  review_id uuid NOT NULL,
  ordinal integer NOT NULL,
  created_at timestamptz NOT NULL,
  agent text NOT NULL,
  engine text NOT NULL,
  prompt_version text,
  rule text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
  confidence double precision,
  path text NOT NULL,
  side text CHECK (side IN ('LEFT', 'RIGHT')),
  line integer,
  start_line integer,
  placement text NOT NULL CHECK (placement IN ('inline', 'file', 'body', 'dropped')),
  title text NOT NULL,
  body text NOT NULL,
  fingerprint text NOT NULL,
  PRIMARY KEY (tenant_id, review_id, ordinal, created_at),
  FOREIGN KEY (tenant_id, review_id) REFERENCES reviews (tenant_id, review_id)
) PARTITION BY RANGE (created_at);
CREATE INDEX findings_by_review ON findings (review_id, severity);
CREATE TABLE findings_default PARTITION OF findings DEFAULT;

CREATE TABLE audit_log (
  tenant_id text NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  details jsonb NOT NULL,
  prev_hash bytea NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, prev_hash)
);
"""

# The audit log grows and never changes; the trigger holds even for its owner.
_APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only';
END $$;
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_table BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# After a transaction with a transaction-local setting the setting is '' and not NULL, so both mean "no tenant".
_OWN_ROWS = "tenant_id = NULLIF(current_setting('app.tenant', true), '')"

_POLICIES = f"""
ALTER TABLE {{table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows_read ON {{table}} FOR SELECT USING ({_OWN_ROWS});
CREATE POLICY own_rows_insert ON {{table}} FOR INSERT WITH CHECK ({_OWN_ROWS});
CREATE POLICY own_rows_update ON {{table}} FOR UPDATE USING ({_OWN_ROWS}) WITH CHECK ({_OWN_ROWS});
CREATE POLICY own_rows_delete ON {{table}} FOR DELETE USING ({_OWN_ROWS});
"""

_GRANTS = """
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO codereview_writer, codereview_reader, codereview_maintenance;
GRANT SELECT, INSERT, UPDATE ON reviews TO codereview_writer;
GRANT SELECT, INSERT ON findings, audit_log TO codereview_writer;
GRANT SELECT ON reviews, findings, audit_log TO codereview_reader;
ALTER ROLE codereview_reader SET default_transaction_read_only = on;
"""


def upgrade() -> None:
    """Build the first schema."""
    for role in _ROLES:
        op.execute(_CREATE_ROLE.format(role=role))
        op.execute(f"GRANT rds_iam TO {role}")
    op.execute(_TABLES)
    op.execute(_APPEND_ONLY)
    for table in ("reviews", "findings", "audit_log"):
        op.execute(_POLICIES.format(table=table))
    # A partition that is read directly does not know its parent's policies: closed to everybody, and not granted.
    op.execute("ALTER TABLE findings_default ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE findings_default FORCE ROW LEVEL SECURITY")
    op.execute(_GRANTS)


def downgrade() -> None:
    """Refuse: going back is done by restoring, never by dropping what was recorded."""
    raise NotImplementedError("restore the database to go back behind its first schema")
