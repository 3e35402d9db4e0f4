"""The record's tables, as the migrations leave them; a test compares the two."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

REVISION = "0006"  # the migration that leaves them so

metadata = sa.MetaData()

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("review_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("repository_id", sa.BigInteger, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("head_sha", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("github_review_id", sa.BigInteger),
    sa.Column("files_total", sa.Integer),
    sa.Column("files_reviewed", sa.Integer),
    sa.Column("findings_total", sa.Integer),
    sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("is_identified", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("review_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("prompt_version", sa.Text),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("side", sa.Text),
    sa.Column("line", sa.Integer),
    sa.Column("start_line", sa.Integer),
    sa.Column("placement", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
)

finding_identity = sa.Table(
    "finding_identity",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("repository_id", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("first_review_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("last_review_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("closed_review_id", pg.UUID(as_uuid=True)),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("times_reopened", sa.Integer, nullable=False, server_default="0"),
    sa.Column("thumbs_up", sa.Integer, nullable=False, server_default="0"),
    sa.Column("thumbs_down", sa.Integer, nullable=False, server_default="0"),
    sa.Column("votes_sequence", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
)

usage = sa.Table(
    "usage",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("review_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("agent", sa.Text, primary_key=True),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("prompt_version", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),
    sa.Column("findings", sa.Integer, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)

archives = sa.Table(
    "archives",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("relation", sa.Text, primary_key=True),
    sa.Column("period_start", sa.Date, primary_key=True),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("byte_count", sa.BigInteger, nullable=False),
    sa.Column("schema_revision", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("restored_until", sa.DateTime(timezone=True)),
)

retention = sa.Table(
    "retention",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("keep_days", sa.Integer, nullable=False),
    sa.Column("hold_until", sa.Date),
    sa.Column("deleting_since", sa.DateTime(timezone=True)),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("details", pg.JSONB, nullable=False),
    sa.Column("prev_hash", pg.BYTEA, nullable=False),
    sa.Column("hash", pg.BYTEA, nullable=False),
    sa.Column("entry_id", pg.UUID(as_uuid=True), nullable=False, server_default=sa.func.gen_random_uuid()),
)
