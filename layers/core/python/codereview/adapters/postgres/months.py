"""The months of findings as partitions: made ahead, and dropped once every row of them is archived."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import sqlalchemy as sa
from psycopg import sql

from codereview.adapters.postgres.connections import set_tenant
from codereview.adapters.postgres.partitions import make_partitions, months_from, partition_name
from codereview.adapters.postgres.tables import archives, findings
from codereview.adapters.postgres.upkeep import BRIEF, as_owner, run_ddl, upkeep_transaction
from codereview.domain.archive import ArchiveState
from codereview.domain.review import TenantId

# More months than anybody lets pass between two nights; rows with a wild time stay in the default partition.
_MOST_FOUND = 24

_NAMES = sa.text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'findings'::regclass AND c.relname ~ '^findings_[0-9]{4}_[0-9]{2}$' ORDER BY c.relname
""")
_IS_EMPTY = sa.text("SELECT pg_relation_size('findings_default') = 0")
_OPEN = sa.text("ALTER TABLE findings_default NO FORCE ROW LEVEL SECURITY")
_CLOSE = sa.text("ALTER TABLE findings_default FORCE ROW LEVEL SECURITY")
_IN_DEFAULT = sa.text("""
    SELECT date_trunc('month', created_at, 'UTC') AS month, count(*) AS rows
    FROM findings_default GROUP BY 1 ORDER BY 1
""")
_LOCK = sql.SQL("LOCK TABLE {} IN SHARE MODE")
_DETACH = sql.SQL("ALTER TABLE findings DETACH PARTITION {}")
_DROP = sql.SQL("DROP TABLE {}")


def first_moment(month: date) -> datetime:
    """Return the month's first moment."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def within(month: date) -> sa.ColumnElement[bool]:
    """Say that a finding is of the month."""
    start, end = months_from(first_moment(month), 2)
    return sa.and_(findings.c.created_at >= start, findings.c.created_at < end)


class PostgresPartitions:
    """record_ports.Partitions."""

    def __init__(self, database: sa.Engine) -> None:
        """Work on `database` as the maintenance role."""
        self._database = database

    def make_ahead(self, *, now: datetime, months: int) -> int:
        """Make the coming months', and past months' whose rows came too late for theirs."""
        ahead = months_from(now, months + 1)
        with upkeep_transaction(self._database) as connection, as_owner(connection):
            late = [month for month, _ in _in_default(connection) if month < ahead[0]][-_MOST_FOUND:]
            make_partitions(connection, [*late, *ahead])
            names = set(connection.execute(_NAMES).scalars())
        return sum(partition_name(month) in names for month in ahead[1:])

    def default_rows(self) -> int:
        """Count the rows of the default partition."""
        with upkeep_transaction(self._database) as connection, as_owner(connection):
            return sum(count for _, count in _in_default(connection))

    def ended_before(self, moment: datetime, *, now: datetime) -> Sequence[date]:
        """List the months' partitions that hold nothing younger and nothing that was restored to be read."""
        with upkeep_transaction(self._database) as connection:
            months = [
                datetime.strptime(name, "findings_%Y_%m").replace(tzinfo=UTC)
                for name in connection.execute(_NAMES).scalars()
            ]
            kept = set(
                connection.execute(sa.select(archives.c.period_start).where(archives.c.restored_until > now)).scalars()
            )
        return [month.date() for month in months if months_from(month, 2)[1] <= moment and month.date() not in kept]

    def rows_by_tenant(self, month: date) -> Mapping[TenantId, int]:
        """Count a month's rows."""
        with upkeep_transaction(self._database) as connection:
            return _rows_by_tenant(connection, month)

    def drop(self, month: date) -> bool:
        """Compare and drop under a lock that keeps late rows out and lets everybody read.

        The lock on the whole table comes last, when nothing but the drop itself is left to do.
        """
        partition = sql.Identifier(partition_name(first_moment(month)))
        with upkeep_transaction(self._database) as connection:
            with as_owner(connection):
                run_ddl(connection, _LOCK, partition)
            rows = connection.execute(
                sa.select(archives.c.tenant_id, archives.c.row_count).where(
                    archives.c.period_start == month, archives.c.state == ArchiveState.VERIFIED.value
                )
            )
            archived = {row.tenant_id: row.row_count for row in rows}
            if any(archived.get(tenant) != count for tenant, count in _rows_by_tenant(connection, month).items()):
                return False
            for tenant in sorted(archived):
                set_tenant(connection, tenant, lock=BRIEF, statement="60s")
                connection.execute(_mark_dropped(tenant, month))
            with as_owner(connection):
                run_ddl(connection, _DETACH, partition)
                run_ddl(connection, _DROP, partition)
        return True


def _mark_dropped(tenant: TenantId, month: date) -> sa.Update:
    key = (archives.c.tenant_id == tenant, archives.c.relation == findings.name, archives.c.period_start == month)
    return sa.update(archives).where(*key).values(state=ArchiveState.DROPPED.value, restored_until=None)


def _rows_by_tenant(connection: sa.Connection, month: date) -> dict[TenantId, int]:
    found = connection.execute(
        sa.select(findings.c.tenant_id, sa.func.count()).where(within(month)).group_by(findings.c.tenant_id)
    )
    return {TenantId(tenant): count for tenant, count in found}


def _in_default(connection: sa.Connection) -> list[tuple[datetime, int]]:
    """Count the default partition's rows by month; its wall is lifted for its owner while that takes."""
    if connection.execute(_IS_EMPTY).scalar_one():
        return []
    connection.execute(_OPEN)
    found = [(row.month.astimezone(UTC), row.rows) for row in connection.execute(_IN_DEFAULT)]
    connection.execute(_CLOSE)
    return found
