"""Writes reviews and their findings, each once, whatever is delivered how often and in which order."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from codereview.adapters.postgres.connections import tenant_transaction
from codereview.adapters.postgres.tables import findings, reviews
from codereview.domain.finding import Finding
from codereview.domain.masking import mask_secrets
from codereview.domain.record import ReviewRecorded
from codereview.domain.result import ReviewResult


class PostgresReviewRecord:
    """ports.ReviewRecord over the record's writer role."""

    def __init__(self, database: sa.Engine) -> None:
        """Write through `database`."""
        self._database = database

    def write(self, message: ReviewRecorded, result: ReviewResult | None) -> None:
        """Write the review and all its findings in one transaction.

        The review's row is taken first, which makes a second delivery wait; findings are written only if the row says
        that nobody wrote them. An older message than the row's last changes nothing.
        """
        with tenant_transaction(self._database, message.key.tenant) as connection:
            has_findings = connection.execute(_upsert(message)).scalar_one_or_none()
            if result is None or has_findings is not False:
                return
            rows = [_finding_row(message, ordinal, found, result) for ordinal, found in enumerate(result.findings)]
            if rows:
                connection.execute(sa.insert(findings), rows)
            connection.execute(
                sa.update(reviews)
                .where(reviews.c.tenant_id == message.key.tenant, reviews.c.review_id == message.review_id)
                .values(
                    findings_total=len(rows),
                    files_total=result.coverage.file_count,
                    files_reviewed=len(result.coverage.reviewed),
                )
            )


def _upsert(message: ReviewRecorded) -> sa.Executable:
    """Insert or renew the review's row; returns whether its findings are written, and no row for an old message."""
    values = {
        "repository_id": message.key.repository_id,
        "number": message.key.number,
        "head_sha": message.key.head_sha,
        "kind": message.key.kind,
        "state": message.state.value,
        "reason": message.reason,
        "sequence": message.sequence,
        "github_review_id": message.github_review_id,
        "finished_at": datetime.fromisoformat(message.finished_at),
    }
    statement = insert(reviews).values(tenant_id=message.key.tenant, review_id=message.review_id, **values)
    return statement.on_conflict_do_update(
        index_elements=[reviews.c.tenant_id, reviews.c.review_id],
        set_=values,
        where=reviews.c.sequence <= statement.excluded.sequence,
    ).returning(reviews.c.findings_total.is_not(None))


def _finding_row(message: ReviewRecorded, ordinal: int, finding: Finding, result: ReviewResult) -> dict[str, Any]:
    candidate, anchor = finding.candidate, finding.anchor
    run = next((run for run in result.runs if run.agent == candidate.agent), None)
    return {
        "tenant_id": message.key.tenant,
        "review_id": message.review_id,
        "ordinal": ordinal,
        "created_at": datetime.fromisoformat(message.finished_at),
        "agent": candidate.agent,
        "engine": run.engine if run else "",
        "prompt_version": run.prompt_version if run else None,
        "rule": _storable(candidate.rule),
        "severity": candidate.severity.value,
        "confidence": candidate.confidence,
        "path": _storable(finding.path),
        "side": anchor.side.value if anchor else None,
        "line": anchor.line if anchor else None,
        "start_line": anchor.start_line if anchor else None,
        "placement": finding.placement.value,
        "title": _storable(mask_secrets(candidate.title)),
        "body": _storable(mask_secrets(candidate.body)),
        "fingerprint": finding.fingerprint,
    }


def _storable(text: str) -> str:
    r"""Replace what PostgreSQL refuses in text: NUL and lone surrogates."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
