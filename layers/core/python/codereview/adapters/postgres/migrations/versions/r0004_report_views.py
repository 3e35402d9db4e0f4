"""Give people who bring their own BI three views, each behind the walls of the tables that it reads."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# security_invoker: whoever reads the view needs the rights to its tables, and sees the rows of the tenant named.
_VIEWS = {
    "report_findings": """
        SELECT f.tenant_id, r.repository_id, r.number, f.review_id, r.head_sha, f.created_at, f.agent, f.engine, f.rule,
               f.severity, f.confidence, f.path, f.line, f.placement, f.title, f.fingerprint, i.status
        FROM findings f
        JOIN reviews r ON r.tenant_id = f.tenant_id AND r.review_id = f.review_id
        LEFT JOIN finding_identity i ON i.tenant_id = f.tenant_id AND i.repository_id = r.repository_id
          AND i.number = r.number AND i.fingerprint = f.fingerprint
    """,
    "report_precision": """
        SELECT tenant_id, agent, rule, date_trunc('month', created_at, 'UTC')::date AS month,
               count(*) FILTER (WHERE status = 'fixed') AS fixed,
               count(*) FILTER (WHERE status = 'dismissed') AS dismissed,
               count(*) FILTER (WHERE status = 'open' AND updated_at < now() - interval '14 days') AS ignored,
               count(*) FILTER (WHERE status = 'open' AND updated_at >= now() - interval '14 days') AS unanswered
        FROM finding_identity GROUP BY 1, 2, 3, 4
    """,
    "report_usage": """
        SELECT tenant_id, timezone('UTC', created_at)::date AS day, agent, engine, count(*) AS reviews,
               count(*) FILTER (WHERE status = 'failed') AS failed, sum(calls) AS calls,
               sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
               sum(cached_tokens) AS cached_tokens, sum(findings) AS findings
        FROM usage GROUP BY 1, 2, 3, 4
    """,
}


def upgrade() -> None:
    """Make the views."""
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} WITH (security_invoker = true) AS {query}")
        op.execute(f"ALTER VIEW {name} OWNER TO codereview_tables")
        op.execute(f"GRANT SELECT ON {name} TO codereview_reader")


def downgrade() -> None:
    """Refuse: the code before this revision runs on it."""
    raise NotImplementedError("the former version of the code runs on this schema: deploy that")
