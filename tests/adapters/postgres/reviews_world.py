"""Reviews to record, by what matters to the record: their pull request, head, sequence and findings."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.fingerprints import fingerprint
from codereview.domain.record import ReviewRecorded
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus, Unreviewed, Usage
from codereview.domain.review import ReviewKey, ReviewState, TenantId, tenant_of
from codereview.domain.stored import encode_result, result_key
from codereview.ports import StoredObject

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
TENANT = tenant_of("github.com", 9919)
OTHER = tenant_of("github.com", 7)


def recorded(
    sequence: int = 1,
    *,
    head: str = "a",
    state: ReviewState = ReviewState.POSTED,
    tenant: TenantId = TENANT,
    number: int = 1,
    **more: Any,
) -> ReviewRecorded:
    """Describe the end of a review; each head is a review of its own."""
    return ReviewRecorded(
        key=ReviewKey(tenant=tenant, repository_id=1, number=number, head_sha=head * 40),
        state=state,
        sequence=sequence,
        finished_at=(NOW + timedelta(minutes=sequence)).isoformat(),
        github_review_id=1000 + sequence if state is ReviewState.POSTED else None,
        **more,
    )


def finding(problem: str, *, agent: str = "correctness", path: str = "a.py", **more: Any) -> Finding:
    """Make a finding; the same problem has the same fingerprint."""
    candidate: dict[str, Any] = {
        "agent": agent,
        "rule": "logic",
        "severity": Severity.HIGH,
        "path": path,
        "quote": problem,
        "title": f"Title of {problem}",
        "body": f"Body of {problem}",
        "confidence": 0.5,
    }
    return Finding(
        candidate=Candidate(**(candidate | {key: more.pop(key) for key in tuple(more) if key in candidate})),
        path=path,
        placement=more.pop("placement", Placement.INLINE),
        anchor=Anchor(side=Side.RIGHT, line=12, start_line=10),
        text=problem,
        fingerprint=fingerprint(path=path, text=problem, rule="logic"),
        **more,
    )


def result(
    *findings: Finding | str, failed: tuple[str, ...] = (), unreviewed: tuple[str, ...] = (), **more: Any
) -> ReviewResult:
    """Make a result of two agents; a string is a problem that the first one found."""
    runs = tuple(
        AgentRun(
            agent=agent,
            status=RunStatus.FAILED if agent in failed else RunStatus.COMPLETE,
            engine="mock",
            prompt_version="1",
            reason="it failed" if agent in failed else None,
            usage=Usage(input_tokens=100, output_tokens=10, cached_tokens=50, calls=2),
            findings=len(findings),
        )
        for agent in ("correctness", "security")
    )
    values: dict[str, Any] = {
        "base_sha": "0" * 40,
        "head_sha": "a" * 40,
        "findings": tuple(finding(found) if isinstance(found, str) else found for found in findings),
        "runs": runs,
        "coverage": Coverage(
            reviewed=("a.py",),
            unreviewed=tuple(Unreviewed(path=path, reason="too large") for path in unreviewed),
            file_count=1 + len(unreviewed),
        ),
    }
    return ReviewResult(**(values | more))


def rows(superuser: psycopg.Connection, query: str, *parameters: Any) -> list[dict[str, Any]]:
    """Ask what is in the database, past row security."""
    with superuser.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()


def snapshot(superuser: psycopg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Give everything in the tables that the recorder writes, but when it was written."""
    queries = {
        "reviews": "SELECT (to_jsonb(reviews) - 'recorded_at')::text FROM reviews ORDER BY 1",
        "findings": "SELECT findings::text FROM findings ORDER BY 1",
        "usage": "SELECT usage::text FROM usage ORDER BY 1",
        "finding_identity": "SELECT finding_identity::text FROM finding_identity ORDER BY 1",
    }
    return {table: superuser.execute(query.encode()).fetchall() for table, query in queries.items()}


def lives(superuser: psycopg.Connection) -> dict[str, str]:
    """Give the status of each problem, by its path and then its fingerprint's problem."""
    found = rows(superuser, "SELECT fingerprint, status FROM finding_identity")
    return {row["fingerprint"]: row["status"] for row in found}


@dataclass
class Bucket:
    """S3, with what the reviewer has put there."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, data: bytes) -> StoredObject:
        raise NotImplementedError

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def store(self, message: ReviewRecorded, made: ReviewResult) -> str:
        """Put a result where the review's belongs, and return its key."""
        key = result_key(message.key.tenant, message.review_id)
        self.objects[key] = encode_result(made)
        return key
