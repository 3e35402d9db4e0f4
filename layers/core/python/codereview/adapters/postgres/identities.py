"""The life of each finding of a pull request: open while reviews find it, fixed when one that would does not.

The caller holds the pull request's lock, so reviews of it are taken in one after the other, though not always in the
order in which they were made. A review that comes after a later one of the same pull request decides nothing that the
later one decided; what only the earlier one found is fixed from the start, if the agent ran in the later one. (Whether
the later one left the finding's file out is not looked up then: its next review opens the finding again.)
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from codereview.adapters.postgres.rows import as_json, insert_many
from codereview.adapters.postgres.storable import integer, storable
from codereview.adapters.postgres.tables import finding_identity, reviews, usage
from codereview.domain.finding import Finding
from codereview.domain.record import ReviewRecorded, shown_by_fingerprint, would_find_again
from codereview.domain.result import ReviewResult

_COLUMNS = finding_identity.c


def write_identities(connection: sa.Connection, message: ReviewRecorded, result: ReviewResult) -> None:
    """Take a posted review's findings into the lives of its pull request's findings."""
    shown = shown_by_fingerprint(result)
    _close(connection, message, result, shown)
    if not shown:
        return
    later = _later_review(connection, message)
    rows = [_row(message, fingerprint, finding, later) for fingerprint, finding in sorted(shown.items())]
    connection.execute(_UPSERT, {"rows": rows})


def write_votes(connection: sa.Connection, message: ReviewRecorded) -> None:
    """Keep what people said of the pull request's findings; an older message than the last that did changes nothing.

    `updated_at` stays: a vote is no change of the problem.
    """
    if not message.votes:
        return
    statement = (
        sa.update(finding_identity)
        .where(
            *_of_pull_request(message),
            _COLUMNS.fingerprint == sa.bindparam("about"),
            _COLUMNS.votes_sequence < message.sequence,
        )
        .values(thumbs_up=sa.bindparam("up"), thumbs_down=sa.bindparam("down"), votes_sequence=message.sequence)
    )
    connection.execute(
        statement,
        [{"about": each.fingerprint, "up": integer(each.up), "down": integer(each.down)} for each in message.votes],
    )


def _upsert() -> sa.Executable:
    statement = insert_many(finding_identity, "rows")
    new = statement.excluded
    is_fixed = _COLUMNS.status == "fixed"
    return statement.on_conflict_do_update(
        index_elements=[_COLUMNS.tenant_id, _COLUMNS.repository_id, _COLUMNS.number, _COLUMNS.fingerprint],
        set_={
            # A person's dismissal sticks.
            "status": sa.case((is_fixed, "open"), else_=_COLUMNS.status),
            "closed_review_id": sa.case((is_fixed, None), else_=_COLUMNS.closed_review_id),
            "times_reopened": _COLUMNS.times_reopened + sa.cast(is_fixed, sa.Integer),
            **{name: new[name] for name in ("severity", "path", "last_review_id", "sequence", "updated_at")},
        },
        where=_COLUMNS.sequence < new.sequence,
    )


_UPSERT = _upsert()


def _close(
    connection: sa.Connection, message: ReviewRecorded, result: ReviewResult, shown: Mapping[str, Finding]
) -> None:
    """Mark as fixed what earlier reviews found and this one would have found again."""
    own = sa.and_(*_of_pull_request(message), _COLUMNS.status == "open", _COLUMNS.sequence < message.sequence)
    known = connection.execute(sa.select(_COLUMNS.fingerprint, _COLUMNS.agent, _COLUMNS.path).where(own))
    gone = [
        row.fingerprint
        for row in known
        if row.fingerprint not in shown and would_find_again(result, agent=row.agent, path=row.path)
    ]
    if gone:
        connection.execute(
            sa.update(finding_identity)
            .where(*_of_pull_request(message), _COLUMNS.fingerprint.in_(gone))
            .values(
                status="fixed",
                closed_review_id=message.review_id,
                sequence=message.sequence,
                updated_at=datetime.fromisoformat(message.finished_at),
            )
        )


def _of_pull_request(message: ReviewRecorded) -> Iterable[sa.ColumnElement[bool]]:
    key = message.key
    return (
        _COLUMNS.tenant_id == key.tenant,
        _COLUMNS.repository_id == key.repository_id,
        _COLUMNS.number == key.number,
    )


def _later_review(connection: sa.Connection, message: ReviewRecorded) -> tuple[UUID, int, frozenset[str]] | None:
    """Find the next review of the pull request that is recorded already: its id, sequence and the agents that ran."""
    key = message.key
    later = connection.execute(
        sa.select(reviews.c.review_id, reviews.c.sequence)
        .where(
            reviews.c.tenant_id == key.tenant,
            reviews.c.repository_id == key.repository_id,
            reviews.c.number == key.number,
            reviews.c.sequence > message.sequence,
            reviews.c.is_identified,
        )
        .order_by(reviews.c.sequence)
        .limit(1)
    ).one_or_none()
    if later is None:
        return None
    agents = connection.execute(
        sa.select(usage.c.agent).where(
            usage.c.tenant_id == key.tenant, usage.c.review_id == later.review_id, usage.c.status != "failed"
        )
    ).scalars()
    return later.review_id, later.sequence, frozenset(agents)


def _row(
    message: ReviewRecorded,
    fingerprint: str,
    finding: Finding,
    later: tuple[UUID, int, frozenset[str]] | None,
) -> dict[str, Any]:
    moment = message.finished_at
    agent = finding.candidate.agent
    row = {
        "tenant_id": message.key.tenant,
        "repository_id": message.key.repository_id,
        "number": message.key.number,
        "fingerprint": fingerprint,
        "status": "open",
        "agent": agent,
        "rule": storable(finding.candidate.rule),
        "severity": finding.candidate.severity.value,
        "path": storable(finding.path),
        "first_review_id": as_json(message.review_id),
        "last_review_id": as_json(message.review_id),
        "closed_review_id": None,
        "sequence": message.sequence,
        "created_at": moment,
        "updated_at": moment,
    }
    if later is not None and agent in later[2]:
        row |= {"status": "fixed", "closed_review_id": as_json(later[0]), "sequence": later[1]}
    return row
