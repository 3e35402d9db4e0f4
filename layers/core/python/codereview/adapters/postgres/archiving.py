"""Findings on their way into archives and back, by COPY."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects.postgresql import insert

from codereview.adapters.postgres.audit import append_to_chain
from codereview.adapters.postgres.connections import set_tenant
from codereview.adapters.postgres.months import first_moment
from codereview.adapters.postgres.partitions import make_partitions, months_from
from codereview.adapters.postgres.tables import REVISION, archives, findings
from codereview.adapters.postgres.upkeep import as_owner, driver, run_ddl, upkeep_transaction
from codereview.domain.archive import Archived, ArchiveState, DamagedArchiveError, Packed, columns, packed, unpacked
from codereview.domain.audit import DEPLOYMENT
from codereview.domain.control.audit import AuditEntry
from codereview.domain.review import TenantId

_UTC = sa.text("SET LOCAL timezone = 'UTC'")
_NAMES = [column.name for column in findings.columns]
_REQUIRED = {column.name for column in findings.columns if not column.nullable}
_COPY_OUT = sql.SQL(
    "COPY (SELECT {columns} FROM findings WHERE tenant_id = {tenant} AND created_at >= {start} AND created_at < {end}"
    " ORDER BY review_id, ordinal, created_at) TO STDOUT (FORMAT text, HEADER)"
)
_STAGE = sa.text("CREATE TEMPORARY TABLE restored (LIKE findings INCLUDING DEFAULTS) ON COMMIT DROP")
_COPY_IN = sql.SQL("COPY restored ({columns}) FROM STDIN (FORMAT text, HEADER)")
_STRANGERS = sa.text(
    "SELECT count(*) FROM restored WHERE tenant_id <> :tenant OR created_at < :start OR created_at >= :end"
)
_MERGE = sql.SQL("INSERT INTO findings ({columns}) SELECT {columns} FROM restored ON CONFLICT DO NOTHING")


class PostgresArchives:
    """record_ports.Archives."""

    def __init__(self, database: sa.Engine) -> None:
        """Work on `database` as the maintenance role."""
        self._database = database

    def of_month(self, month: date) -> Mapping[TenantId, Archived]:
        """Read the archives of a month, of all tenants."""
        return {archived.tenant: archived for archived in self._read(archives.c.period_start == month)}

    def of_tenant(self, tenant: TenantId) -> Sequence[Archived]:
        """Read a tenant's archives, the oldest first."""
        return self._read(archives.c.tenant_id == tenant)

    def tenants(self) -> Sequence[TenantId]:
        """Name the tenants that have archives."""
        with upkeep_transaction(self._database) as connection:
            found = connection.execute(sa.select(archives.c.tenant_id).distinct().order_by(archives.c.tenant_id))
            return [TenantId(tenant) for tenant in found.scalars()]

    def _read(self, condition: sa.ColumnElement[bool]) -> list[Archived]:
        with upkeep_transaction(self._database) as connection:
            query = sa.select(archives).where(archives.c.relation == findings.name, condition)
            return [_archived(row) for row in connection.execute(query.order_by(archives.c.period_start))]

    def pack(self, tenant: TenantId, month: date) -> Packed:
        """Copy a month's rows out, compressed as they come; the same rows give the same bytes."""
        start, end = months_from(first_moment(month), 2)
        with upkeep_transaction(self._database, tenant) as connection:
            connection.execute(_UTC)
            statement = _COPY_OUT.format(
                columns=_listed(_NAMES), tenant=sql.Literal(tenant), start=sql.Literal(start), end=sql.Literal(end)
            )
            with driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
                return packed(bytes(chunk) for chunk in copy)

    @property
    def revision(self) -> str:
        """Name this version's schema."""
        return REVISION

    def keep(self, archived: Archived) -> None:
        """Insert or renew the month's row."""
        values = {
            "object_key": archived.key,
            "sha256": archived.sha256,
            "row_count": archived.row_count,
            "byte_count": archived.byte_count,
            "schema_revision": archived.revision,
            "state": archived.state.value,
            "created_at": archived.created_at,
            "restored_until": archived.restored_until,
        }
        key = {"tenant_id": archived.tenant, "relation": findings.name, "period_start": archived.month}
        statement = insert(archives).values(key | values).on_conflict_do_update(index_elements=list(key), set_=values)
        with upkeep_transaction(self._database, archived.tenant) as connection:
            connection.execute(statement)

    def load(self, archived: Archived, data: bytes, *, until: datetime | None, audit: AuditEntry | None) -> int:
        """Copy into a table of this transaction's own, look at what came, and merge it."""
        names = columns(data)
        if not _REQUIRED <= set(names) <= set(_NAMES) or len(names) != len(set(names)):
            raise DamagedArchiveError("the archive's columns are not those of this version's findings")
        start, end = months_from(first_moment(archived.month), 2)
        with upkeep_transaction(self._database, archived.tenant) as connection:
            with as_owner(connection):
                make_partitions(connection, [start])
            connection.execute(_UTC)
            connection.execute(_STAGE)
            _copy_in(connection, names, unpacked(data))
            bounds = {"tenant": archived.tenant, "start": start, "end": end}
            if connection.execute(_STRANGERS, bounds).scalar_one():
                raise DamagedArchiveError("the archive holds rows of another tenant or month")
            merged = run_ddl(connection, _MERGE, columns=_listed(names)).rowcount
            key = (archives.c.tenant_id == archived.tenant, archives.c.period_start == archived.month)
            connection.execute(
                sa.update(archives)
                .where(*key, archives.c.relation == findings.name)
                .values(state=ArchiveState.RESTORED.value, restored_until=until)
            )
            if audit is not None:
                chain = audit.tenant or DEPLOYMENT
                set_tenant(connection, chain)
                append_to_chain(connection, chain, {audit.id: audit})
        return merged


def _copy_in(connection: sa.Connection, names: Sequence[str], chunks: Iterable[bytes]) -> None:
    statement = _COPY_IN.format(columns=_listed(names))
    try:
        with driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
            for chunk in chunks:
                copy.write(chunk)
    except psycopg.DataError as error:
        raise DamagedArchiveError(f"the archive holds what is no finding: {error.sqlstate}") from error


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _archived(row: sa.Row[Any]) -> Archived:
    values = row._asdict()
    return Archived(
        tenant=TenantId(values["tenant_id"]),
        month=values["period_start"],
        key=values["object_key"],
        sha256=values["sha256"],
        row_count=values["row_count"],
        byte_count=values["byte_count"],
        revision=values["schema_revision"],
        state=ArchiveState(values["state"]),
        created_at=values["created_at"],
        restored_until=values["restored_until"],
    )
