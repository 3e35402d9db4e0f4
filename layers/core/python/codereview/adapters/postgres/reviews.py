"""Writes reviews with their findings and usage, each once, whatever is delivered how often and in which order."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from codereview.adapters.postgres.connections import tenant_transaction
from codereview.adapters.postgres.identities import write_identities, write_votes
from codereview.adapters.postgres.rows import as_json, insert_many
from codereview.adapters.postgres.storable import bigint, integer, storable
from codereview.adapters.postgres.tables import findings, reviews, usage
from codereview.domain.finding import Finding
from codereview.domain.masking import mask_secrets
from codereview.domain.record import ReviewRecorded
from codereview.domain.result import AgentRun, ReviewResult
from codereview.domain.review import ReviewState

# Both tables in one statement, whose rows come as one parameter each.
_FOUND = insert_many(findings, "findings").cte("found")
_INSERT = insert_many(usage, "usage").add_cte(_FOUND)


class PostgresReviewRecord:
    """ports.ReviewRecord over the record's writer role."""

    def __init__(self, database: sa.Engine) -> None:
        """Write through `database`."""
        self._database = database

    def write(self, message: ReviewRecorded, result: ReviewResult | None) -> None:
        """Write the review and all that belongs to it in one transaction.

        The pull request's lock is taken first, which makes a second delivery wait; what the review's row says to be
        written already is not written again. An older message than the row's last changes nothing.
        """
        key = message.key
        # One review of a pull request at a time, whichever worker has it: they share the rows of finding_identity.
        lock = f"pull request {key.tenant} {key.repository_id} {key.number}"
        with tenant_transaction(self._database, key.tenant, holding=lock) as connection:
            row = connection.execute(_upsert(message)).one_or_none()
            if row is None or result is None:
                return
            written: dict[str, Any] = {}
            if row.findings_total is None:
                written |= _write_result(connection, message, result)
            # What was never posted nobody was shown, though its findings are on record.
            if message.state is ReviewState.POSTED and not row.is_identified:
                write_identities(connection, message, result)
                write_votes(connection, message)
                written |= {"is_identified": True}
            if written:
                connection.execute(_update(message).values(**written))


def _upsert(message: ReviewRecorded) -> sa.Executable:
    """Insert or renew the review's row; returns what is written of it already, and no row for an old message."""
    values = {
        "repository_id": message.key.repository_id,
        "number": message.key.number,
        "head_sha": message.key.head_sha,
        "kind": message.key.kind,
        "state": message.state.value,
        "reason": None if message.reason is None else storable(message.reason),
        "sequence": message.sequence,
        "github_review_id": message.github_review_id,
        "finished_at": datetime.fromisoformat(message.finished_at),
    }
    statement = insert(reviews).values(tenant_id=message.key.tenant, review_id=message.review_id, **values)
    return statement.on_conflict_do_update(
        index_elements=[reviews.c.tenant_id, reviews.c.review_id],
        set_=values,
        where=reviews.c.sequence <= statement.excluded.sequence,
    ).returning(reviews.c.findings_total, reviews.c.is_identified)


def _update(message: ReviewRecorded) -> sa.Update:
    return sa.update(reviews).where(reviews.c.tenant_id == message.key.tenant, reviews.c.review_id == message.review_id)


def _write_result(connection: sa.Connection, message: ReviewRecorded, result: ReviewResult) -> dict[str, Any]:
    """Write the findings and what each agent took; returns what the review's row says of it all."""
    found = [_finding_row(message, ordinal, finding, result) for ordinal, finding in enumerate(result.findings)]
    runs = {run.agent: _usage_row(message, run) for run in result.runs}
    connection.execute(_INSERT, {"findings": found, "usage": list(runs.values())})
    coverage = result.coverage
    return {
        "findings_total": len(found),
        "files_total": integer(coverage.file_count),
        "files_reviewed": len(coverage.reviewed),
    }


def _usage_row(message: ReviewRecorded, run: AgentRun) -> dict[str, Any]:
    return {
        "tenant_id": message.key.tenant,
        "review_id": as_json(message.review_id),
        "agent": run.agent,
        "engine": storable(run.engine),
        "prompt_version": run.prompt_version,
        "status": run.status.value,
        "reason": None if run.reason is None else storable(mask_secrets(run.reason)),
        "calls": integer(run.usage.calls),
        "input_tokens": bigint(run.usage.input_tokens),
        "output_tokens": bigint(run.usage.output_tokens),
        "cached_tokens": bigint(run.usage.cached_tokens),
        "findings": integer(run.findings),
        "created_at": message.finished_at,
    }


def _finding_row(message: ReviewRecorded, ordinal: int, finding: Finding, result: ReviewResult) -> dict[str, Any]:
    candidate, anchor = finding.candidate, finding.anchor
    run = next((run for run in result.runs if run.agent == candidate.agent), None)
    return {
        "tenant_id": message.key.tenant,
        "review_id": as_json(message.review_id),
        "ordinal": ordinal,
        "created_at": message.finished_at,
        "agent": candidate.agent,
        "engine": storable(run.engine) if run else "",
        "prompt_version": run.prompt_version if run else None,
        "rule": storable(candidate.rule),
        "severity": candidate.severity.value,
        "confidence": as_json(candidate.confidence),
        "path": storable(finding.path),
        "side": anchor.side.value if anchor else None,
        "line": anchor.line if anchor else None,
        "start_line": anchor.start_line if anchor else None,
        "placement": finding.placement.value,
        "title": storable(mask_secrets(candidate.title)),
        "body": storable(mask_secrets(candidate.body)),
        "fingerprint": finding.fingerprint,
    }
