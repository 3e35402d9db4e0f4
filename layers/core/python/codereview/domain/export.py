"""A tenant's findings as files for other programs: CSV, JSON Lines and SARIF."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from codereview.domain.finding import Anchor, Candidate, Finding, Placement, Severity, Side
from codereview.domain.result import AgentRun, Coverage, ReviewResult, RunStatus
from codereview.domain.review import TenantId
from codereview.domain.sarif import sarif

# A spreadsheet takes a cell that begins so for a formula, and a finding's text comes from strangers:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class ExportFormat(StrEnum):
    """What an export is written as; the value is the file's ending too."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    SARIF = "sarif"


REPORT_ENDING = "json"  # of the report beside an export, which is written last

CONTENT_TYPES: Mapping[ExportFormat, str] = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON_LINES: "application/jsonl",
    ExportFormat.SARIF: "application/sarif+json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFinding:
    """One finding as it is handed out."""

    review_id: UUID
    repository_id: int
    number: int
    head_sha: str
    created_at: datetime
    agent: str
    engine: str
    rule: str
    severity: str
    confidence: float | None
    path: str
    side: str | None
    line: int | None
    start_line: int | None
    placement: str
    title: str
    body: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """Where the export lies. `is_cut`: there are more; `last` is the moment to go on from."""

    job: str
    key: str
    rows: int
    is_cut: bool
    last: str | None


def export_folder(tenant: TenantId) -> str:
    """Name the place of all of a tenant's exports."""
    return f"exports/{tenant.replace(':', '/')}/"


def export_key(tenant: TenantId, job: UUID, ending: str) -> str:
    """Name the object of an export."""
    return f"{export_folder(tenant)}{job}.{ending}"


def handed_out(findings: Sequence[ExportedFinding], form: ExportFormat) -> Sequence[ExportedFinding]:
    """Leave out what the format has no place for: code scanning raises an alert for each result of a SARIF file.

    In the other two the column `placement` says that a finding was `dropped`, and so shown to nobody.
    """
    if form is not ExportFormat.SARIF:
        return findings
    return [finding for finding in findings if finding.placement != Placement.DROPPED]


def rendered(findings: Sequence[ExportedFinding], form: ExportFormat) -> bytes:
    """Write the findings in a format."""
    writers: Mapping[ExportFormat, Callable[[Sequence[ExportedFinding]], str]] = {
        ExportFormat.CSV: _csv,
        ExportFormat.JSON_LINES: _json_lines,
        ExportFormat.SARIF: _sarif,
    }
    return writers[form](findings).encode("utf-8", "replace")


def _csv(findings: Iterable[ExportedFinding]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(ExportedFinding.__slots__), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in _plain(finding).items()} for finding in findings)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _json_lines(findings: Iterable[ExportedFinding]) -> str:
    return "".join(f"{json.dumps(_plain(finding), ensure_ascii=False)}\n" for finding in findings)


def _plain(finding: ExportedFinding) -> dict[str, Any]:
    values = asdict(finding)
    return values | {"review_id": str(finding.review_id), "created_at": finding.created_at.isoformat()}


def _sarif(findings: Sequence[ExportedFinding]) -> str:
    """Put all reviews' findings into one log, a run an agent; the quoted code is not on record."""
    engines = {finding.agent: finding.engine for finding in findings}
    result = ReviewResult(
        base_sha="",
        head_sha="",
        findings=tuple(_finding(finding) for finding in findings),
        runs=tuple(
            AgentRun(agent=agent, status=RunStatus.COMPLETE, engine=engine) for agent, engine in engines.items()
        ),
        coverage=Coverage(reviewed=(), unreviewed=(), file_count=0),
    )
    return json.dumps(sarif(result), ensure_ascii=False)


def _finding(exported: ExportedFinding) -> Finding:
    placement = Placement(exported.placement)
    anchor = None
    if placement is Placement.INLINE and exported.side is not None and exported.line is not None:
        anchor = Anchor(side=Side(exported.side), line=exported.line, start_line=exported.start_line)
    return Finding(
        candidate=Candidate(
            agent=exported.agent,
            rule=exported.rule,
            severity=Severity(exported.severity),
            path=exported.path,
            quote="",
            title=exported.title,
            body=exported.body,
            confidence=exported.confidence,
        ),
        path=exported.path,
        placement=placement,
        anchor=anchor,
        text="",
        fingerprint=exported.fingerprint,
    )
