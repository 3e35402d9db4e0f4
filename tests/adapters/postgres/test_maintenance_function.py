"""The maintenance function on a real database: every command, what is audited, and the night's work."""

import csv
import io
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.upkeep import PostgresSingleFlight
from codereview.bootstrap.upkeep import upkeep_app
from codereview.domain.archive import archive_key
from codereview.domain.finding import Severity
from codereview.entrypoints.maintenance import MaintenanceApp
from codereview.errors import PermanentError, RetryableError
from codereview.settings import LogSettings
from local.database import Database
from local.processes import LOOPBACK
from tests.adapters.postgres.reviews_world import OTHER, TENANT, finding, recorded, result, rows
from tests.adapters.postgres.upkeep_world import Connect, MemoryShelf, write, years

LONG = 60_000  # ms that the function has left
JOB = UUID(int=7)
DOCUMENT = Path(__file__).parents[3] / "docs/DATA_RETENTION.md"


@dataclass
class Context:
    """Lambda's, as far as it matters."""

    aws_request_id: str = "request-1"
    remaining: int = LONG

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining


@pytest.fixture
def shelf() -> MemoryShelf:
    return MemoryShelf()


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def app(connect: Connect, shelf: MemoryShelf, written: io.StringIO) -> MaintenanceApp:
    log = LogSettings(service="maintenance", level="INFO")
    app = upkeep_app(connect("codereview_maintenance"), shelf, log)
    app.logger.setLevel("INFO")  # loggers of one name are one logger
    for handler in app.logger.handlers:
        cast("Any", handler).setStream(written)
    return app


def call(app: MaintenanceApp, action: str, *, request_id: str = "r1", **parameters: Any) -> dict[str, Any]:
    event = {
        "action": action,
        "parameters": parameters,
        "actor_kind": "operator",
        "actor": "arn:aws:sts::1:assumed-role/admin/me",
        "request_id": request_id,
    }
    context: Any = Context()
    return app.process(event, context)


def audit(superuser: psycopg.Connection) -> list[tuple[str, str, str]]:
    found = rows(superuser, "SELECT action, actor, details ->> 'outcome' AS outcome FROM audit_log ORDER BY at, seq")
    return [(row["action"], row["actor"], row["outcome"]) for row in found]


def metrics(text: str) -> dict[str, Any]:
    """Read the figures of every metric line that was printed."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        document = json.loads(line)
        if "_aws" in document:
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            found |= {metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]}
    return found


def test_the_schedule_has_every_step_done_and_counted(
    app: MaintenanceApp,
    connect: Connect,
    shelf: MemoryShelf,
    superuser: psycopg.Connection,
    written: io.StringIO,
) -> None:
    years(connect)
    context: Any = Context()
    answer = app.process({"action": "nightly"}, context)
    steps = [
        *("Partitions", "Deletions", "Retention", "Archive", "Compare"),
        *("Precision", "Anchors", "Tables", "Measure"),
    ]
    assert answer == {"ok": True, "result": dict.fromkeys(steps, "done")}
    figures = metrics(written.getvalue())
    assert figures["PartitionsAhead"] == 3
    assert figures["DefaultPartitionRows"] == 0
    assert figures["ArchivedRows"] == 15
    assert figures["MonthsNotArchived"] == figures["DeletedRows"] == figures["LegalHolds"] == 0
    assert figures["DatabaseBytes"] > 0
    assert figures["JobsFailed"] == 0
    assert set(figures) <= set(re.findall(r"`(\w+)`", DOCUMENT.read_text()))
    assert archive_key(TENANT, datetime(2024, 12, 1, tzinfo=UTC).date()) in shelf.objects
    assert len(rows(superuser, "SELECT FROM findings")) == 3


def test_trouble_in_one_step_is_not_the_others(
    app: MaintenanceApp, connect: Connect, superuser: psycopg.Connection, written: io.StringIO
) -> None:
    years(connect)
    superuser.execute("REVOKE DELETE ON usage FROM codereview_maintenance")
    superuser.execute("UPDATE reviews SET finished_at = '2000-01-01' WHERE tenant_id = %s", [TENANT])
    context: Any = Context()
    outcomes = app.process({"action": "nightly"}, context)["result"]
    assert [name for name, outcome in outcomes.items() if outcome != "done"] == ["Retention"]
    assert metrics(written.getvalue())["JobsFailed"] == 1


def test_b92_a_second_run_at_the_same_time_does_nothing(app: MaintenanceApp, connect: Connect) -> None:
    with PostgresSingleFlight(connect("codereview_maintenance")).hold() as is_alone:
        assert is_alone
        for action in ("nightly", "archive", "retention"):
            assert call(app, action) == {"ok": False, "error": "another run of the maintenance is at it"}
        assert call(app, "status")["ok"]


def test_a_run_that_is_over_holds_up_no_other_before_its_connection_is_closed(
    server: Database, database_name: str, connect: Connect
) -> None:
    address = f"postgresql+psycopg://codereview_maintenance@{LOOPBACK}:{server.port}/{database_name}"
    kept = sa.create_engine(address, pool_size=1, pool_reset_on_return=None)
    with PostgresSingleFlight(kept).hold() as is_alone:
        assert is_alone
    with PostgresSingleFlight(connect("codereview_maintenance")).hold() as is_alone:
        assert is_alone
    kept.dispose()


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("vacuum", {"table": "reviews"}),
        ("autovacuum", {"table": "findings", "scale_factor": 0.2}),
        ("index add", {"table": "reviews", "columns": ["tenant_id", "state"]}),
        ("index drop", {"name": "added_reviews_tenant_id_state"}),
        ("archive", {"dry_run": True}),
        ("archive", {}),
        ("retention", {"dry_run": True}),
        ("retention", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_every_command_is_audited_before_it_is_done(
    app: MaintenanceApp, superuser: psycopg.Connection, action: str, parameters: dict[str, Any]
) -> None:
    assert call(app, action, **parameters)["ok"]
    assert audit(superuser) == [(f"database.{action}", "operator:arn:aws:sts::1:assumed-role/admin/me", "done")]


def test_a_command_that_is_refused_is_audited_as_refused(app: MaintenanceApp, superuser: psycopg.Connection) -> None:
    assert call(app, "vacuum", table="pg_class") == {"ok": False, "error": "not a table of the record"}
    assert [outcome for *_, outcome in audit(superuser)] == ["done", "refused"]


def test_a_refusal_is_raised_at_whoever_looks_at_no_answer(app: MaintenanceApp) -> None:
    event = {"action": "vacuum", "parameters": {"table": "pg_class"}, "is_refusal_raised": True}
    with pytest.raises(PermanentError, match="not a table of the record"):
        app.process(event, cast("Any", Context()))


def test_what_cannot_be_audited_is_not_done(
    app: MaintenanceApp, connect: Connect, superuser: psycopg.Connection, shelf: MemoryShelf
) -> None:
    years(connect)

    class Deaf:
        def append(self, _: object) -> None:
            raise RetryableError("no audit log")

    with pytest.raises(RetryableError):
        call(replace(app, audit=Deaf()), "archive")
    assert shelf.objects == {}
    assert audit(superuser) == []


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "action"),
        ({"action": "drop everything"}, "no such action"),
        ({"action": "vacuum"}, "table"),
        ({"action": "vacuum", "parameters": {"table": "reviews", "full": True}}, "full"),
        ({"action": "archive", "actor": "x", "force": True}, "force"),
        ({"action": "restore", "parameters": {"tenant": "../x", "month": "2024-12-01"}}, "HOST:ACCOUNT"),
        ({"action": "restore", "parameters": {"tenant": "github.com:1", "month": "yesterday"}}, "month"),
        (
            {"action": "retention set", "parameters": {"tenant": "github.com:1", "keep_days": 0}},
            "between 30 and 3650",
        ),
        (
            {
                "action": "export",
                "parameters": {
                    "tenant": "github.com:1",
                    "job": "../../x",
                    "since": "2026-01-01T00:00:00Z",
                    "until": "2026-02-01T00:00:00Z",
                },
            },
            "job",
        ),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(
    app: MaintenanceApp, superuser: psycopg.Connection, event: dict[str, Any], said: str
) -> None:
    context: Any = Context()
    answer = app.process(event, context)
    assert not answer["ok"]
    assert said in answer["error"]
    assert audit(superuser) == []


def test_status_tells_sizes_ages_and_months(app: MaintenanceApp, connect: Connect) -> None:
    years(connect)
    status = call(app, "status")["result"]
    assert {table["name"] for table in status["tables"]} >= {"reviews", "findings_default", "audit_log", "usage"}
    assert status["default_rows"] == 15
    assert status["months"] == ["2026-03", "2026-04", "2026-05", "2026-06"]
    json.dumps(status)


def test_a_rule_is_set_a_month_restored_and_a_tenant_deleted_by_command(
    app: MaintenanceApp, connect: Connect, superuser: psycopg.Connection
) -> None:
    years(connect)
    context: Any = Context()
    app.process({"action": "nightly"}, context)
    assert call(app, "restore", tenant=TENANT, month="2024-12-09")["result"] == {"rows": 6}
    rule = call(app, "retention set", request_id="r2", tenant=TENANT, keep_days=400)["result"]
    assert (rule["keep_days"], rule["hold_until"]) == (400, None)
    assert call(app, "delete tenant", request_id="r3", tenant=TENANT)["result"]["is_finished"]
    assert rows(superuser, "SELECT FROM reviews WHERE tenant_id = %s", TENANT) == []
    assert audit(superuser) == [("tenants.deleted", "operator:arn:aws:sts::1:assumed-role/admin/me", "done")]
    # Lambda repeats an asynchronous call whose answer it did not see.
    assert call(app, "delete tenant", request_id="r3", tenant=TENANT)["result"]["is_finished"]
    assert len(audit(superuser)) == 1


# --- exports


def export(app: MaintenanceApp, shelf: MemoryShelf, form: str) -> tuple[dict[str, Any], str]:
    answer = call(
        app,
        "export",
        tenant=TENANT,
        job=str(JOB),
        format=form,
        since="2024-01-01T00:00:00Z",
        until="2027-01-01T00:00:00Z",
    )
    assert json.loads(shelf.objects[f"exports/github.com/9919/{JOB}.json"]) == answer["result"]
    return answer["result"], shelf.objects[answer["result"]["key"]].decode()


@pytest.mark.parametrize("form", ["csv", "jsonl", "sarif"])
def test_an_export_holds_the_tenants_findings_and_no_other(
    app: MaintenanceApp, connect: Connect, shelf: MemoryShelf, superuser: psycopg.Connection, form: str
) -> None:
    years(connect)
    write(connect, OTHER, datetime(2026, 3, 2, tzinfo=UTC), "canary", number=8)
    report, text = export(app, shelf, form)
    assert (report["rows"], report["is_cut"]) == (7, False)
    assert report["key"] == f"exports/github.com/9919/{JOB}.{form}"
    assert "canary" not in text
    found = _titles(text, form)
    assert len(found) == 7
    assert found[-1] == "Title of young"
    assert audit(superuser) == [("exports.create", "operator:arn:aws:sts::1:assumed-role/admin/me", "done")]


def _titles(text: str, form: str) -> list[str]:
    match form:
        case "csv":
            return [row["title"] for row in csv.DictReader(io.StringIO(text, newline=""))]
        case "jsonl":
            return [json.loads(line)["title"] for line in text.splitlines()]
    results = [each for run in json.loads(text)["runs"] for each in run["results"]]
    return [each["message"]["text"].partition("\n")[0] for each in results]


def test_no_cell_of_a_csv_is_a_formula(app: MaintenanceApp, connect: Connect, shelf: MemoryShelf) -> None:
    from codereview.adapters.postgres.reviews import PostgresReviewRecord

    hostile = [
        finding(str(number), title=f"{sign}cmd|' /C calc'!A0", body=f"{sign}1", severity=Severity.LOW)
        for number, sign in enumerate("=+-@")
    ]
    PostgresReviewRecord(connect("codereview_writer")).write(recorded(), result(*hostile))
    _, text = export(app, shelf, "csv")
    for row in csv.DictReader(io.StringIO(text, newline="")):
        assert row["title"].startswith("'")
        assert row["body"].startswith("'")


def test_b81_a_large_export_is_cut_and_says_where(
    app: MaintenanceApp, connect: Connect, shelf: MemoryShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codereview.use_cases.maintain import export_findings

    monkeypatch.setattr(export_findings, "MOST_ROWS", 5)
    years(connect)
    report, text = export(app, shelf, "jsonl")
    assert (report["rows"], report["is_cut"]) == (5, True)
    assert json.loads(text.splitlines()[-1])["created_at"] == report["last"]
