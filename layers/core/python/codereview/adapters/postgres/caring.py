"""What keeps the tables in shape: VACUUM, autovacuum's settings, indexes, and figures about all of them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from psycopg import sql

from codereview.adapters.postgres.connections import errors_translated
from codereview.adapters.postgres.tables import metadata, reviews
from codereview.adapters.postgres.upkeep import as_owner, run_ddl, upkeep_transaction
from codereview.domain.review import TenantId
from codereview.errors import RejectedError
from codereview.record_ports import DatabaseHealth, IndexInfo, TableHealth

_OWN_INDEX = "added_"  # what an operator adds begins so, and nothing of the migrations does
_LONGEST_NAME = 63  # bytes; PostgreSQL cuts longer ones
_PARTITION = re.compile(r"findings_(?:default|[0-9]{4}_[0-9]{2})")
_MOST_COLUMNS = 4

_TABLES = sa.text("""
    SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes, coalesce(s.n_live_tup, 0) AS live_rows,
           coalesce(s.n_dead_tup, 0) AS dead_rows, age(c.relfrozenxid) AS transaction_age,
           greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum, coalesce(c.reloptions, '{}') AS options
    FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
    ORDER BY c.relname
""")
_DATABASE = sa.text("""
    SELECT pg_database_size(current_database()) AS bytes,
           (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()) AS transaction_age,
           pg_snapshot_xmax(pg_current_snapshot())::text::bigint
             - pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS open_span
""")
_INDEXES = sa.text("""
    SELECT c.relname AS name, i.indrelid::regclass::text AS table, pg_get_indexdef(c.oid) AS definition,
           pg_relation_size(c.oid) AS bytes, coalesce(s.idx_scan, 0) AS scans, i.indisvalid AS is_valid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname
""")
_PARTITIONS = sa.text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'findings'::regclass ORDER BY c.relname
""")
_BECOME_OWNER = sa.text("SET ROLE codereview_tables")
_TIMEOUT = sql.SQL("SET statement_timeout = {}")
_LOCK_TIMEOUT = sa.text("SET lock_timeout = '2s'")
_VACUUM = sql.SQL("VACUUM (ANALYZE) {}")
_AUTOVACUUM = sql.SQL(
    "ALTER TABLE {} SET (autovacuum_vacuum_scale_factor = {}, autovacuum_vacuum_insert_scale_factor = {},"
    " autovacuum_analyze_scale_factor = {})"
)
_INDEX = sql.SQL("CREATE INDEX CONCURRENTLY IF NOT EXISTS {} ON {} ({})")
_INDEX_OF_PARENT = sql.SQL("CREATE INDEX IF NOT EXISTS {} ON ONLY {} ({})")
_ATTACH = sql.SQL("ALTER INDEX {} ATTACH PARTITION {}")
_DROP = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}")
_DROP_OF_PARENT = sql.SQL("DROP INDEX IF EXISTS {}")


class PostgresCare:
    """record_ports.Care and record_ports.RecordedReviews."""

    def __init__(self, database: sa.Engine) -> None:
        """Work on `database` as the maintenance role."""
        self._database = database

    def health(self) -> DatabaseHealth:
        """Ask PostgreSQL's statistics."""
        with upkeep_transaction(self._database) as connection:
            tables = [
                TableHealth(**{**row._asdict(), "options": tuple(row.options)}) for row in connection.execute(_TABLES)
            ]
            whole = connection.execute(_DATABASE).one()
        return DatabaseHealth(
            bytes=whole.bytes, transaction_age=whole.transaction_age, open_span=whole.open_span, tables=tuple(tables)
        )

    def vacuum(self, table: str, *, within: timedelta) -> None:
        """Run it outside of any transaction, as the owner."""
        name = _checked_table(table)
        with self._alone(within) as connection:
            run_ddl(connection, _VACUUM, name)

    def set_autovacuum(self, table: str, *, scale_factor: float) -> None:
        """Change the storage parameters."""
        if not 0 <= scale_factor <= 1:
            raise RejectedError("a scale factor is between 0 and 1")
        _checked_table(table)
        with upkeep_transaction(self._database) as connection, as_owner(connection):
            names = connection.execute(_PARTITIONS).scalars().all() if table == "findings" else [table]
            share = sql.Literal(scale_factor)
            for name in names:
                run_ddl(connection, _AUTOVACUUM, sql.Identifier(name), share, share, share)

    def indexes(self) -> Sequence[IndexInfo]:
        """List all of the schema."""
        with upkeep_transaction(self._database) as connection:
            found = connection.execute(_INDEXES).all()
        return [IndexInfo(**row._asdict(), is_own=row.name.startswith(_OWN_INDEX)) for row in found]

    def add_index(self, table: str, columns: Sequence[str], *, within: timedelta) -> str:
        """Build it concurrently; on findings partition by partition, the parent's becoming valid with the last one.

        A half-built index of an earlier try is dropped first: IF NOT EXISTS would take it for done.
        """
        known = metadata.tables.get(table)
        if known is None or not 1 <= len(columns) <= _MOST_COLUMNS or not set(columns) <= set(known.columns.keys()):
            raise RejectedError(f"an index is on a table of the record and one to {_MOST_COLUMNS} of its columns")
        name = f"{_OWN_INDEX}{table}_{'_'.join(columns)}"[:_LONGEST_NAME]
        broken = [each.name for each in self.indexes() if not each.is_valid and each.is_own and each.name != name]
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        with self._alone(within) as connection:
            if table != "findings":
                self._drop_broken(connection, name)
                run_ddl(connection, _INDEX, sql.Identifier(name), sql.Identifier(table), listed)
                return name
            run_ddl(connection, _INDEX_OF_PARENT, sql.Identifier(name), sql.Identifier(table), listed)
            for (partition,) in connection.execute(_PARTITIONS).all():
                part = f"{name}_{partition.removeprefix('findings_')}"[-_LONGEST_NAME:]
                if part in broken:
                    run_ddl(connection, _DROP, sql.Identifier(part))
                run_ddl(connection, _INDEX, sql.Identifier(part), sql.Identifier(partition), listed)
                run_ddl(connection, _ATTACH, sql.Identifier(name), sql.Identifier(part))
        return name

    def _drop_broken(self, connection: sa.Connection, name: str) -> None:
        if any(each.name == name and not each.is_valid for each in self.indexes()):
            run_ddl(connection, _DROP, sql.Identifier(name))

    def drop_index(self, name: str, *, within: timedelta) -> None:
        """Drop one that an operator added; one on findings goes with its parts."""
        if not name.startswith(_OWN_INDEX):
            raise RejectedError(f"only an index that was added by hand ({_OWN_INDEX}…) may be dropped")
        table = next((each.table for each in self.indexes() if each.name == name), None)
        statement = _DROP_OF_PARENT if table == "findings" else _DROP
        with self._alone(within) as connection:
            run_ddl(connection, statement, sql.Identifier(name))

    def states(self, tenant: TenantId, review_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Read the states of reviews."""
        with upkeep_transaction(self._database, tenant) as connection:
            query = sa.select(reviews.c.review_id, reviews.c.state).where(
                reviews.c.tenant_id == tenant, reviews.c.review_id.in_(list(review_ids))
            )
            return {row.review_id: row.state for row in connection.execute(query)}

    @contextmanager
    def _alone(self, within: timedelta) -> Iterator[sa.Connection]:
        """Give a connection of the owner without a transaction, and so much time."""
        with errors_translated(), self._database.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.execute(_BECOME_OWNER)
            run_ddl(alone, _TIMEOUT, sql.Literal(max(1, round(within.total_seconds() * 1000))))
            alone.execute(_LOCK_TIMEOUT)
            yield alone


def _checked_table(table: str) -> sql.Identifier:
    if table not in metadata.tables and not _PARTITION.fullmatch(table):
        raise RejectedError("not a table of the record")
    return sql.Identifier(table)
