"""A tenant's findings with the pull requests that they belong to, in the order of time."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from codereview.adapters.postgres.tables import findings, reviews
from codereview.adapters.postgres.upkeep import upkeep_transaction
from codereview.domain.export import ExportedFinding
from codereview.domain.review import TenantId

_NAMES = ExportedFinding.__slots__
_OF_REVIEW = {"repository_id", "number", "head_sha"}


class PostgresFindingSource:
    """record_ports.FindingSource."""

    def __init__(self, database: sa.Engine) -> None:
        """Read `database` as the maintenance role."""
        self._database = database

    def findings(self, tenant: TenantId, *, since: datetime, until: datetime, limit: int) -> Sequence[ExportedFinding]:
        """Read from `since` on and before `until`."""
        columns = [(reviews if name in _OF_REVIEW else findings).c[name] for name in _NAMES]
        join = sa.and_(reviews.c.tenant_id == findings.c.tenant_id, reviews.c.review_id == findings.c.review_id)
        moment = findings.c.created_at
        query = (
            sa.select(*columns)
            .join_from(findings, reviews, join)
            .where(findings.c.tenant_id == tenant, moment >= since, moment < until)
            .order_by(moment, findings.c.review_id, findings.c.ordinal)
            .limit(limit)
        )
        with upkeep_transaction(self._database, tenant) as connection:
            return [ExportedFinding(**row._asdict()) for row in connection.execute(query)]
