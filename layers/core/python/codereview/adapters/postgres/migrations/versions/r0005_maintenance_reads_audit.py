"""Let the maintenance read all audit chains, to verify them and to keep their heads."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Open the log to it, for reading only: it still writes into one chain at a time."""
    op.execute("CREATE POLICY maintenance_reads ON audit_log FOR SELECT TO codereview_maintenance USING (true)")


def downgrade() -> None:
    """Refuse: the code before this revision runs on it."""
    raise NotImplementedError("the former version of the code runs on this schema: deploy that")
