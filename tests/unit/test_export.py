"""Findings as files: what each format says of a finding, and whom it leaves out."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from codereview.domain.export import ExportedFinding, ExportFormat, handed_out, rendered
from tests.unit.test_sarif import SCHEMA

FINDING = ExportedFinding(
    review_id=UUID(int=1),
    repository_id=5,
    number=7,
    head_sha="1" * 40,
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    agent="security",
    engine="a-model",
    rule="injection",
    severity="high",
    confidence=0.5,
    path="shop/price.py",
    side="RIGHT",
    line=12,
    start_line=11,
    placement="inline",
    title="SQL from a request",
    body="Anybody can\r\nend the string; “quote”, and more.",
    fingerprint="ab12",
)
HIDDEN = replace(FINDING, placement="dropped", fingerprint="cd34")


def sarif_of(data: bytes) -> Any:
    log = json.loads(data)
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    return log


def test_only_sarif_leaves_out_what_nobody_was_shown() -> None:
    given = {form: handed_out([FINDING, HIDDEN], form) for form in ExportFormat}
    assert given[ExportFormat.SARIF] == [FINDING]
    assert given[ExportFormat.CSV] == given[ExportFormat.JSON_LINES] == [FINDING, HIDDEN]


def test_as_many_rows_are_written_as_are_handed_out() -> None:
    findings = [FINDING, HIDDEN, replace(FINDING, agent="ruff", placement="body", line=None, side=None)]
    table = csv.DictReader(io.StringIO(rendered(findings, ExportFormat.CSV).decode(), newline=""))
    assert [(row["placement"], row["line"], row["body"]) for row in table] == [
        ("inline", "12", FINDING.body),
        ("dropped", "12", FINDING.body),
        ("body", "", FINDING.body),
    ]
    lines = rendered(findings, ExportFormat.JSON_LINES).decode().splitlines()
    assert [json.loads(line)["placement"] for line in lines] == ["inline", "dropped", "body"]
    shown = handed_out(findings, ExportFormat.SARIF)
    log = sarif_of(rendered(shown, ExportFormat.SARIF))
    assert sum(len(run["results"]) for run in log["runs"]) == len(shown) == 2


@pytest.mark.parametrize("form", list(ExportFormat))
def test_an_export_without_findings_is_a_whole_file_all_the_same(form: ExportFormat) -> None:
    data = rendered([], form)
    if form is ExportFormat.CSV:
        assert data.decode().startswith("review_id,repository_id,number,")
    elif form is ExportFormat.JSON_LINES:
        assert data == b""
    else:
        assert sarif_of(data)["runs"] == []
