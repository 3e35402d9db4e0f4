"""Rules of retention, and deletion by them: in small transactions, each of which reads the rule anew.

Races: a review that the recorder writes at the same time is younger than any rule allows to delete, for a message waits
eighteen days at most and the shortest time is thirty. Should one be older, foreign keys stop one of the two, which is
repeated. A legal hold that comes while a batch is deleted waits for that batch, since the rule's row is locked, and
stops the next one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from codereview.adapters.postgres.audit import append_to_chain, chain_head
from codereview.adapters.postgres.connections import set_tenant
from codereview.adapters.postgres.tables import (
    archives,
    audit_log,
    finding_identity,
    findings,
    retention,
    reviews,
    usage,
)
from codereview.adapters.postgres.upkeep import as_owner, upkeep_transaction
from codereview.domain.archive import Archived, ArchiveState
from codereview.domain.audit import DEPLOYMENT
from codereview.domain.control.audit import AuditEntry
from codereview.domain.retention import RetentionRule, refuse_held
from codereview.domain.review import TenantId
from codereview.errors import ConflictError
from codereview.record_ports import Deleted

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
# The trigger holds the log even against its owner; it is lifted for one transaction that leaves a tombstone.
_UNSEAL = sa.text("ALTER TABLE audit_log DISABLE TRIGGER audit_log_rows")
_SEAL = sa.text("ALTER TABLE audit_log ENABLE TRIGGER audit_log_rows")


class PostgresRetention:
    """record_ports.Retention."""

    def __init__(self, database: sa.Engine) -> None:
        """Work on `database` as the maintenance role."""
        self._database = database

    def rule(self, tenant: TenantId) -> RetentionRule:
        """Read a tenant's rule."""
        with upkeep_transaction(self._database) as connection:
            return _rule(connection, tenant)

    def tenants(self) -> Sequence[TenantId]:
        """Name the tenants that have reviews."""
        return self._names(sa.select(reviews.c.tenant_id).distinct())

    def deleting(self) -> Sequence[TenantId]:
        """Name the tenants that are to be deleted."""
        return self._names(sa.select(retention.c.tenant_id).where(retention.c.deleting_since.is_not(None)))

    def _names(self, query: sa.Select[Any]) -> list[TenantId]:
        with upkeep_transaction(self._database) as connection:
            return sorted(TenantId(tenant) for tenant in connection.execute(query).scalars())

    def change(self, rule: RetentionRule, *, audit: AuditEntry, now: datetime) -> None:
        """Insert or renew the rule's row, and append the entry to its chain."""
        values = {
            "keep_days": rule.keep_days,
            "hold_until": rule.hold_until,
            "deleting_since": rule.deleting_since,
            "changed_at": now,
        }
        statement = insert(retention).values(tenant_id=rule.tenant, **values)
        with upkeep_transaction(self._database, rule.tenant) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
            _append(connection, audit)

    def expired(self, tenant: TenantId, *, now: datetime) -> Deleted:
        """Count what is past its time."""
        with upkeep_transaction(self._database, tenant) as connection:
            cutoff = _rule(connection, tenant).cutoff(now)
            if cutoff is None:
                return Deleted()
            return Deleted(
                **{
                    kind: connection.execute(sa.select(sa.func.count()).select_from(old.subquery())).scalar_one()
                    for kind, old in _old(tenant, cutoff).items()
                }
            )

    def expire(self, tenant: TenantId, *, now: datetime, limit: int, everything: bool = False) -> Deleted:
        """Delete a batch in the order in which the tables refer to each other."""
        with upkeep_transaction(self._database, tenant) as connection:
            rule = _rule(connection, tenant, is_locked=True)
            if everything:
                _refuse_to_delete(rule, now)
            cutoff = _END_OF_TIME if everything else rule.cutoff(now)
            if cutoff is None:
                return Deleted()
            counts = {}
            for kind, old in _old(tenant, cutoff).items():
                table = _TABLES[kind]
                chosen = old.limit(limit)
                key = sa.tuple_(*(table.c[column.name] for column in old.selected_columns))
                deletion = sa.delete(table).where(table.c.tenant_id == tenant, key.in_(chosen))
                counts[kind] = connection.execute(deletion).rowcount
            return Deleted(**counts)

    def forget_archive(self, archived: Archived, *, now: datetime) -> None:
        """Mark the archive."""
        key = (archives.c.tenant_id == archived.tenant, archives.c.period_start == archived.month)
        with upkeep_transaction(self._database, archived.tenant) as connection:
            refuse_held(_rule(connection, archived.tenant, is_locked=True), now)
            statement = sa.update(archives).where(*key, archives.c.relation == findings.name)
            connection.execute(statement.values(state=ArchiveState.DELETED.value, restored_until=None))

    def bury(self, tenant: TenantId, *, audit: AuditEntry, now: datetime) -> None:
        """Take the tenant's chain away and put its end into the deployment's."""
        with upkeep_transaction(self._database, tenant) as connection:
            _refuse_to_delete(_rule(connection, tenant, is_locked=True), now)
            for table in (findings, usage, finding_identity, reviews, archives, retention):
                connection.execute(sa.delete(table).where(table.c.tenant_id == tenant))
            head = chain_head(connection, tenant)
            with as_owner(connection):
                connection.execute(_UNSEAL)
                connection.execute(sa.delete(audit_log).where(audit_log.c.tenant_id == tenant))
                connection.execute(_SEAL)
            chain = {"seq": head.seq, "hash": head.hash.hex()}
            _append(connection, replace(audit, tenant=None, after={**(audit.after or {}), "chain": chain}))


def _append(connection: sa.Connection, audit: AuditEntry) -> None:
    chain = audit.tenant or DEPLOYMENT
    set_tenant(connection, chain)
    append_to_chain(connection, chain, {audit.id: audit})


def _rule(connection: sa.Connection, tenant: TenantId, *, is_locked: bool = False) -> RetentionRule:
    query = sa.select(retention).where(retention.c.tenant_id == tenant)
    row = connection.execute(query.with_for_update() if is_locked else query).one_or_none()
    if row is None:
        return RetentionRule(tenant=tenant)
    return RetentionRule(
        tenant=tenant, keep_days=row.keep_days, hold_until=row.hold_until, deleting_since=row.deleting_since
    )


def _refuse_to_delete(rule: RetentionRule, now: datetime) -> None:
    refuse_held(rule, now)
    if rule.deleting_since is None:
        raise ConflictError(f"nobody asked to delete {rule.tenant}")


_TABLES = {"findings": findings, "usage": usage, "identities": finding_identity, "reviews": reviews}


def _old(tenant: TenantId, cutoff: datetime) -> dict[str, sa.Select[Any]]:
    """Select the keys of what is past its time, in the order of deletion: what refers to a review goes before it."""
    own, life = reviews.c, finding_identity.c
    of_review = {
        table.name: sa.exists().where(table.c.tenant_id == own.tenant_id, table.c.review_id == own.review_id)
        for table in (findings, usage)
    }
    of_life = sa.exists().where(
        life.tenant_id == own.tenant_id,
        life.repository_id == own.repository_id,
        life.number == own.number,
        sa.or_(
            *(column == own.review_id for column in (life.first_review_id, life.last_review_id, life.closed_review_id))
        ),
    )
    queries = {
        "findings": sa.select(findings.c.review_id, findings.c.ordinal, findings.c.created_at).where(
            findings.c.tenant_id == tenant, findings.c.created_at < cutoff
        ),
        "usage": sa.select(usage.c.review_id, usage.c.agent).where(
            usage.c.tenant_id == tenant, usage.c.created_at < cutoff
        ),
        "identities": sa.select(life.repository_id, life.number, life.fingerprint).where(
            life.tenant_id == tenant, life.updated_at < cutoff
        ),
        "reviews": sa.select(own.review_id).where(
            own.tenant_id == tenant, own.finished_at < cutoff, ~of_review["findings"], ~of_review["usage"], ~of_life
        ),
    }
    return dict(queries)
