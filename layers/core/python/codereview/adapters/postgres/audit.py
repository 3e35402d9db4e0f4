"""Writes the audit log, one unbroken chain a tenant, and reads it back.

Races: two writers who read the same last entry would fork the chain. A transaction-wide advisory lock a tenant keeps
them apart (a row lock on the last entry does not: who waits for it gets the entry that was last before it waited), and
UNIQUE (tenant_id, prev_hash) refuses the second one should anybody ever write without the lock.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from codereview.adapters.postgres.connections import tenant_transaction
from codereview.adapters.postgres.tables import audit_log
from codereview.adapters.postgres.upkeep import upkeep_transaction
from codereview.domain.audit import DEPLOYMENT, GENESIS, AuditRecord, Head, chained
from codereview.domain.control.audit import AuditEntry
from codereview.domain.review import TenantId

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_ROWS_AT_ONCE = 5_000
# From one name to the next by the index: a log is long, and there are few chains.
_CHAINS = sa.text("""
WITH RECURSIVE chains AS (
  (SELECT tenant_id FROM audit_log ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT tenant_id FROM audit_log WHERE tenant_id > chains.tenant_id ORDER BY tenant_id LIMIT 1)
  FROM chains WHERE chains.tenant_id IS NOT NULL
)
SELECT tenant_id FROM chains WHERE tenant_id IS NOT NULL
""")
_COLUMNS = audit_log.c


class PostgresAuditLog:
    """ports.AuditLog; appending needs the writer's role, reading the reader's or the writer's."""

    def __init__(self, database: sa.Engine) -> None:
        """Work on `database`."""
        self._database = database

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Write entries in the order given, each once: an entry whose id is in the log already stays as it is.

        All of a tenant's or none are written; the tenants' are written one after the other.
        """
        ordered = sorted(entries, key=lambda entry: entry.tenant or DEPLOYMENT)
        for tenant, own in groupby(ordered, key=lambda entry: entry.tenant or DEPLOYMENT):
            self._append(tenant, {entry.id: entry for entry in own})

    def _append(self, tenant: TenantId, entries: dict[object, AuditEntry]) -> None:
        with tenant_transaction(self._database, tenant, holding=_lock_name(tenant)) as connection:
            _append_locked(connection, tenant, entries)

    def head(self, tenant: TenantId) -> Head:
        """Return the chain's last entry, to be anchored."""
        with tenant_transaction(self._database, tenant) as connection:
            return chain_head(connection, tenant)

    def records(self, tenant: TenantId, *, start: Head = GENESIS) -> Iterator[AuditRecord]:
        """Read the chain behind `start`, in its order, as many rows at a time as fit into memory."""
        last = start.seq
        while True:
            with tenant_transaction(self._database, tenant) as connection:
                query = (
                    sa.select(*(_COLUMNS[column] for column in _FIELDS))
                    .where(_COLUMNS.tenant_id == tenant, _COLUMNS.seq > last)
                    .order_by(_COLUMNS.seq)
                    .limit(_ROWS_AT_ONCE)
                )
                rows = connection.execute(query).all()
            for row in rows:
                yield _record(row)
            if len(rows) < _ROWS_AT_ONCE:
                return
            last = rows[-1].seq

    def latest(self, tenant: TenantId, *, limit: int) -> list[AuditRecord]:
        """Read a chain's last entries."""
        query = sa.select(*(_COLUMNS[column] for column in _FIELDS)).where(_COLUMNS.tenant_id == tenant)
        with tenant_transaction(self._database, tenant) as connection:
            rows = connection.execute(query.order_by(_COLUMNS.seq.desc()).limit(limit)).all()
        return [_record(row) for row in rows]

    def hash_of(self, tenant: TenantId, seq: int) -> bytes | None:
        """Read one entry's hash."""
        if seq == GENESIS.seq:
            return GENESIS.hash
        query = sa.select(_COLUMNS.hash).where(_COLUMNS.tenant_id == tenant, _COLUMNS.seq == seq)
        with tenant_transaction(self._database, tenant) as connection:
            return connection.execute(query).scalars().first()

    def tenants(self) -> list[TenantId]:
        """Name the chains; the maintenance role alone sees them all."""
        with upkeep_transaction(self._database) as connection:
            return [TenantId(tenant) for tenant in connection.execute(_CHAINS).scalars()]


# Columns by the fields of a record.
_FIELDS = {"tenant_id": "tenant"} | {
    name: name for name in ("seq", "entry_id", "at", "actor", "action", "target", "details", "prev_hash", "hash")
}


def _record(row: sa.Row[Any]) -> AuditRecord:
    return AuditRecord(**dict(zip(_FIELDS.values(), row, strict=True)))


def append_to_chain(connection: sa.Connection, tenant: TenantId, entries: dict[object, AuditEntry]) -> None:
    """Write a tenant's entries, by their ids, in the caller's transaction, which has to be the tenant's."""
    connection.execute(_LOCK, {"name": _lock_name(tenant)})
    _append_locked(connection, tenant, entries)


def _lock_name(tenant: TenantId) -> str:
    return f"audit {tenant}"


def _append_locked(connection: sa.Connection, tenant: TenantId, entries: dict[object, AuditEntry]) -> None:
    known = (
        sa.select(_COLUMNS.entry_id)
        .where(_COLUMNS.tenant_id == tenant, _COLUMNS.entry_id.in_(list(entries)))
        .scalar_subquery()
    )
    last = _last(tenant).subquery()
    # One row in any case, so that what is known is told also of an empty chain.
    row = connection.execute(
        sa.select(last.c.seq, last.c.hash, sa.func.array(known).label("known")).select_from(
            sa.select(sa.literal(1)).subquery().outerjoin(last, sa.true())
        )
    ).one()
    new = entries.keys() - set(row.known)
    head = GENESIS if row.seq is None else Head(seq=row.seq, hash=row.hash)
    rows = []
    for entry_id, entry in entries.items():
        if entry_id in new:
            record = chained(entry, head)
            head = record.head
            rows.append({column: getattr(record, name) for column, name in _FIELDS.items()})
    if rows:
        connection.execute(sa.insert(audit_log), rows)


def chain_head(connection: sa.Connection, tenant: TenantId) -> Head:
    """Read a chain's last entry in the tenant's transaction."""
    row = connection.execute(_last(tenant)).one_or_none()
    return GENESIS if row is None else Head(seq=row.seq, hash=row.hash)


def _last(tenant: TenantId) -> sa.Select[tuple[int, bytes]]:
    query = sa.select(_COLUMNS.seq, _COLUMNS.hash).where(_COLUMNS.tenant_id == tenant)
    return query.order_by(_COLUMNS.seq.desc()).limit(1)
