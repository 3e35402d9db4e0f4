"""Keep the thumbs that people put under our comments, and count by them."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The default is a constant, so that no row is written anew.
_COLUMNS = """
ALTER TABLE finding_identity
  ADD COLUMN thumbs_up integer NOT NULL DEFAULT 0,
  ADD COLUMN thumbs_down integer NOT NULL DEFAULT 0,
  ADD COLUMN votes_sequence bigint NOT NULL DEFAULT 0
"""

# A view takes new columns at its end only.
_VIEW = """
CREATE OR REPLACE VIEW report_precision WITH (security_invoker = true) AS
SELECT tenant_id, agent, rule, date_trunc('month', created_at, 'UTC')::date AS month,
       count(*) FILTER (WHERE status = 'fixed') AS fixed,
       count(*) FILTER (WHERE status = 'dismissed') AS dismissed,
       count(*) FILTER (WHERE status = 'open' AND thumbs_up = thumbs_down
                        AND updated_at < now() - interval '14 days') AS ignored,
       count(*) FILTER (WHERE status = 'open' AND thumbs_up = thumbs_down
                        AND updated_at >= now() - interval '14 days') AS unanswered,
       count(*) FILTER (WHERE status = 'open' AND thumbs_up > thumbs_down) AS liked,
       count(*) FILTER (WHERE status = 'open' AND thumbs_up < thumbs_down) AS disliked
FROM finding_identity GROUP BY 1, 2, 3, 4
"""


def upgrade() -> None:
    """Add the columns, and two to the view."""
    op.execute(_COLUMNS)
    op.execute(_VIEW)


def downgrade() -> None:
    """Refuse: the code before this revision runs on it."""
    raise NotImplementedError("the former version of the code runs on this schema: deploy that")
