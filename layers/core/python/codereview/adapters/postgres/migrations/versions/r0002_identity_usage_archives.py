"""Add each finding's life, usage, archives and the audit chain's ids; say how each table is vacuumed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE finding_identity (
  tenant_id text NOT NULL,
  repository_id bigint NOT NULL,
  number integer NOT NULL,
  fingerprint text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'fixed', 'dismissed')),
  agent text NOT NULL,
  rule text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
  path text NOT NULL,
  first_review_id uuid NOT NULL,
  last_review_id uuid NOT NULL,
  closed_review_id uuid,
  sequence bigint NOT NULL,
  times_reopened integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, repository_id, number, fingerprint),
  FOREIGN KEY (tenant_id, first_review_id) REFERENCES reviews (tenant_id, review_id),
  FOREIGN KEY (tenant_id, last_review_id) REFERENCES reviews (tenant_id, review_id),
  FOREIGN KEY (tenant_id, closed_review_id) REFERENCES reviews (tenant_id, review_id)
) WITH (
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX finding_identity_open ON finding_identity (tenant_id, created_at) WHERE status = 'open';

CREATE TABLE usage (
  tenant_id text NOT NULL,
  review_id uuid NOT NULL,
  agent text NOT NULL,
  engine text NOT NULL,
  prompt_version text,
  status text NOT NULL CHECK (status IN ('complete', 'failed', 'skipped')),
  reason text,
  calls integer NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cached_tokens bigint NOT NULL,
  findings integer NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, review_id, agent),
  FOREIGN KEY (tenant_id, review_id) REFERENCES reviews (tenant_id, review_id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX usage_by_time ON usage (tenant_id, created_at);

CREATE TABLE archives (
  tenant_id text NOT NULL,
  relation text NOT NULL,
  period_start date NOT NULL,
  object_key text NOT NULL,
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  row_count bigint NOT NULL CHECK (row_count >= 0),
  byte_count bigint NOT NULL CHECK (byte_count >= 0),
  schema_revision text NOT NULL,
  state text NOT NULL CHECK (state IN ('verified', 'dropped', 'restored', 'deleted')),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, relation, period_start)
);
"""

# Old code goes on writing while the new one is rolled out: each new column has a default.
_COLUMNS = """
ALTER TABLE reviews ADD COLUMN is_identified boolean NOT NULL DEFAULT false;
ALTER TABLE audit_log ADD COLUMN entry_id uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE audit_log ADD CONSTRAINT audit_log_entry UNIQUE (tenant_id, entry_id);
CREATE INDEX audit_log_by_time ON audit_log (tenant_id, at);
"""

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
GRANT SELECT, INSERT, UPDATE ON finding_identity TO codereview_writer;
GRANT SELECT, INSERT ON usage TO codereview_writer;
GRANT SELECT ON finding_identity, usage, archives TO codereview_reader;
"""

# A partitioned table takes no storage parameters: each partition has its own. The default partition, which should
# never hold a row, is where the setting for those to come is kept.
_AUTOVACUUM = """
ALTER TABLE reviews SET (
  fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05
);
ALTER TABLE audit_log SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
DO $$
DECLARE partition regclass;
BEGIN
  FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'findings'::regclass LOOP
    EXECUTE format('ALTER TABLE %s SET (autovacuum_vacuum_insert_scale_factor = 0.05,'
                   ' autovacuum_analyze_scale_factor = 0.05)', partition);
  END LOOP;
END $$;
"""


def upgrade() -> None:
    """Build the rest of the record."""
    op.execute(_TABLES)
    op.execute(_COLUMNS)
    for table in ("finding_identity", "usage", "archives"):
        op.execute(_POLICIES.format(table=table))
    op.execute(_GRANTS)
    op.execute(_AUTOVACUUM)


def downgrade() -> None:
    """Refuse: the code before this revision runs on it, and what was recorded since is not to be dropped."""
    raise NotImplementedError("the former version of the code runs on this schema: deploy that")
