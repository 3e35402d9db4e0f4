"""The record as lists and sums, read only, each answer from one short transaction of the reader's role.

Pages go by the last row's key, never by an offset: the database reads the rows that it gives, by an index.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from codereview.adapters.postgres.connections import errors_translated, set_tenant
from codereview.adapters.postgres.tables import audit_log, finding_identity, findings, reviews, usage
from codereview.control_ports import Page
from codereview.domain.precision import IGNORED_AFTER, Outcomes
from codereview.domain.review import TenantId
from codereview.errors import RejectedError, RetryableError
from codereview.ports import Clock
from codereview.report_ports import (
    AuditedAction,
    FindingFilter,
    FindingLife,
    Period,
    RecordedFinding,
    RecordedReview,
    ReviewFilter,
    RulePrecision,
    UsageOfDay,
)

# API Gateway gives up after 30 s, of which a paused database may take 20 to wake up.
_STATEMENT_TIMEOUT, _LOCK_TIMEOUT = "8s", "2s"
# By then a database that was woken up is there: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
_WAKING_UP = timedelta(seconds=30)
_MOST_FOUND = 100
_LARGEST = 2**63 - 1

_FINDING = [findings.c[name] for name in RecordedFinding.__slots__]
_REVIEW = [reviews.c[name] for name in RecordedReview.__slots__]


class PostgresReports:
    """report_ports.Reports."""

    def __init__(self, database: sa.Engine, clock: Clock) -> None:
        """Read `database` as the reader's role."""
        self._database = database
        self._clock = clock

    @contextmanager
    def _transaction(self, tenant: TenantId) -> Iterator[sa.Connection]:
        try:
            with errors_translated(), self._database.begin() as connection:
                set_tenant(connection, tenant, lock=_LOCK_TIMEOUT, statement=_STATEMENT_TIMEOUT)
                yield connection
        except RetryableError as error:
            raise RetryableError(str(error), retry_after=_WAKING_UP) from error

    def findings(
        self, tenant: TenantId, period: Period, wanted: FindingFilter, *, limit: int, after: str | None
    ) -> Page[RecordedFinding]:
        """List findings by time, review and ordinal, all backwards."""
        own = findings.c
        conditions = [own.tenant_id == tenant, own.created_at >= period.since, own.created_at < period.until]
        for column in ("severity", "agent", "rule", "placement", "review_id"):
            value = getattr(wanted, column)
            conditions += [own[column] == value] if value is not None else []
        if wanted.path is not None:
            conditions.append(own.path.startswith(wanted.path, autoescape=True))
        if wanted.text is not None:
            conditions.append(
                sa.or_(*(column.icontains(wanted.text, autoescape=True) for column in (own.title, own.body, own.path)))
            )
        key = (own.created_at, own.review_id, own.ordinal)
        if after is not None:
            conditions.append(sa.tuple_(*key) < _place(after, datetime.fromisoformat, UUID, int))
        query = sa.select(*_FINDING).where(*conditions).order_by(*(column.desc() for column in key)).limit(limit + 1)
        with self._transaction(tenant) as connection:
            found = [RecordedFinding(**row._asdict()) for row in connection.execute(query)]
        return _page(found, limit, lambda each: (each.created_at.isoformat(), each.review_id, each.ordinal))

    def life(self, tenant: TenantId, *, repository_id: int, number: int, fingerprint: str) -> FindingLife | None:
        """Read the problem's row, and what the pull request's reviews said of it."""
        own = finding_identity.c
        of_pull = (reviews.c.tenant_id == tenant, reviews.c.repository_id == repository_id, reviews.c.number == number)
        with self._transaction(tenant) as connection:
            row = connection.execute(
                sa.select(finding_identity).where(
                    own.tenant_id == tenant,
                    own.repository_id == repository_id,
                    own.number == number,
                    own.fingerprint == fingerprint,
                )
            ).one_or_none()
            if row is None:
                return None
            found = connection.execute(
                sa.select(*_FINDING)
                .join_from(
                    reviews,
                    findings,
                    sa.and_(findings.c.tenant_id == reviews.c.tenant_id, findings.c.review_id == reviews.c.review_id),
                )
                .where(*of_pull, findings.c.fingerprint == fingerprint)
                .order_by(findings.c.created_at, findings.c.review_id, findings.c.ordinal)
                .limit(_MOST_FOUND)
            ).all()
        values = {
            name: value
            for name, value in row._asdict().items()
            if name not in ("tenant_id", "sequence", "votes_sequence")
        }
        return FindingLife(**values, found=tuple(RecordedFinding(**each._asdict()) for each in found))

    def reviews(
        self, tenant: TenantId, period: Period, wanted: ReviewFilter, *, limit: int, after: str | None
    ) -> Page[RecordedReview]:
        """List reviews by the time of their end."""
        own = reviews.c
        conditions = [own.tenant_id == tenant, own.finished_at >= period.since, own.finished_at < period.until]
        for column in ("state", "repository_id", "number"):
            value = getattr(wanted, column)
            conditions += [own[column] == value] if value is not None else []
        key = (own.finished_at, own.review_id)
        if after is not None:
            conditions.append(sa.tuple_(*key) < _place(after, datetime.fromisoformat, UUID))
        query = sa.select(*_REVIEW).where(*conditions).order_by(*(column.desc() for column in key)).limit(limit + 1)
        with self._transaction(tenant) as connection:
            found = [RecordedReview(**row._asdict()) for row in connection.execute(query)]
        return _page(found, limit, lambda each: (each.finished_at.isoformat(), each.review_id))

    def audit(
        self, tenant: TenantId, period: Period, *, action: str | None, limit: int, after: str | None
    ) -> Page[AuditedAction]:
        """List the chain's entries from its end on; within the period, which the entries' order need not follow."""
        own = audit_log.c
        conditions = [own.tenant_id == tenant, own.at >= period.since, own.at < period.until]
        conditions += [own.action == action] if action is not None else []
        key = (own.at, own.seq)
        if after is not None:
            conditions.append(sa.tuple_(*key) < _place(after, datetime.fromisoformat, int))
        columns = (own.seq, own.at, own.actor, own.action, own.target, own.details, own.hash)
        query = sa.select(*columns).where(*conditions).order_by(*(column.desc() for column in key)).limit(limit + 1)
        with self._transaction(tenant) as connection:
            found = [
                AuditedAction(**{**row._asdict(), "hash": bytes(row.hash).hex()}) for row in connection.execute(query)
            ]
        return _page(found, limit, lambda each: (each.at.isoformat(), each.seq))

    def usage(self, tenant: TenantId, period: Period) -> Sequence[UsageOfDay]:
        """Sum up by day, agent and engine."""
        own = usage.c
        day = sa.cast(sa.func.timezone("UTC", own.created_at), sa.Date)
        sums = {
            # Counts are strangers' numbers, and their sum may be more than anybody reads.
            name: sa.cast(sa.func.least(sa.func.sum(own[name]), _LARGEST), sa.BigInteger)
            for name in ("calls", "input_tokens", "output_tokens", "cached_tokens", "findings")
        }
        query = (
            sa.select(
                day.label("day"),
                own.agent,
                own.engine,
                sa.func.count().label("reviews"),
                sa.func.count().filter(own.status == "failed").label("failed"),
                *(each.label(name) for name, each in sums.items()),
            )
            .where(own.tenant_id == tenant, own.created_at >= period.since, own.created_at < period.until)
            .group_by(sa.text("1"), own.agent, own.engine)
            .order_by(sa.text("1"), own.agent, own.engine)
        )
        with self._transaction(tenant) as connection:
            return [UsageOfDay(**row._asdict()) for row in connection.execute(query)]

    def precision(self, tenant: TenantId, period: Period) -> Sequence[RulePrecision]:
        """Count by agent and rule."""
        own = finding_identity.c
        is_ignored = own.updated_at < self._clock.now() - IGNORED_AFTER
        is_open, is_even = own.status == "open", own.thumbs_up == own.thumbs_down
        counted = {
            "fixed": own.status == "fixed",
            "liked": sa.and_(is_open, own.thumbs_up > own.thumbs_down),
            "disliked": sa.and_(is_open, own.thumbs_up < own.thumbs_down),
            "dismissed": own.status == "dismissed",
            "ignored": sa.and_(is_open, is_even, is_ignored),
            "unanswered": sa.and_(is_open, is_even, ~is_ignored),
        }
        query = (
            sa.select(
                own.agent, own.rule, *(sa.func.count().filter(is_it).label(name) for name, is_it in counted.items())
            )
            .where(own.tenant_id == tenant, own.created_at >= period.since, own.created_at < period.until)
            .group_by(own.agent, own.rule)
            .order_by(own.agent, own.rule)
        )
        with self._transaction(tenant) as connection:
            found = connection.execute(query).all()
        return [
            RulePrecision(
                agent=row.agent, rule=row.rule, outcomes=Outcomes(**{name: getattr(row, name) for name in counted})
            )
            for row in found
        ]


def _page[T](found: Sequence[T], limit: int, key: Callable[[T], Sequence[object]]) -> Page[T]:
    kept = tuple(found[:limit])
    following = "|".join(map(str, key(kept[-1]))) if len(found) > limit else None
    return Page(items=kept, next=following)


def _place(after: str, *kinds: Callable[[str], Any]) -> Any:
    """Read a row's key; it was signed, but an older version of this code may have written another one."""
    parts = after.split("|")
    try:
        values = [kind(part) for kind, part in zip(kinds, parts, strict=True)]
    except ValueError as error:
        raise RejectedError("the cursor does not belong to this list") from error
    return sa.tuple_(*(sa.literal(value) for value in values))
