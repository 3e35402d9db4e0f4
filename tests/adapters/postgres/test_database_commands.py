"""`codereview database` on a database of one's own: what people see, and what is left behind."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from codereview.cli.main import cli
from codereview.errors import RejectedError
from local.database import Database
from tests.adapters.postgres.reviews_world import TENANT, rows
from tests.adapters.postgres.upkeep_world import NOW, Connect, upkeep, write, years

Run = Callable[..., Result]


@pytest.fixture
def run(server: Database, database_name: str, tmp_path: Path) -> Run:
    url = server.dsn("codereview_maintenance", database_name)

    def call(*arguments: str, answer: str = "") -> Result:
        given = ["database", "--database-url", url, "--archives", str(tmp_path / "archives"), *arguments]
        return CliRunner().invoke(cli, given, input=answer, catch_exceptions=False)

    return call


def actions(superuser: psycopg.Connection) -> set[tuple[str, str]]:
    found = rows(superuser, "SELECT action, actor FROM audit_log")
    return {(row["action"], row["actor"]) for row in found}


def test_status_shows_every_table(run: Run, connect: Connect) -> None:
    years(connect)
    shown = run("status").stdout
    assert "Months online: 2026-03, 2026-04, 2026-05, 2026-06; rows without a month: 15" in shown
    for table in ("reviews", "findings_2026_03", "finding_identity", "audit_log"):
        assert f"\n{table} " in shown


def test_status_as_json_is_the_functions_answer(run: Run) -> None:
    assert json.loads(run("--json", "status").stdout)["default_rows"] == 0


def test_a_table_is_vacuumed_and_its_autovacuum_set(run: Run, superuser: psycopg.Connection) -> None:
    assert run("vacuum", "reviews").stdout == "Vacuumed reviews.\n"
    assert run("autovacuum", "reviews", "--scale-factor", "0.01").stdout == "Autovacuum of reviews begins at 1.0%.\n"
    (row,) = rows(superuser, "SELECT reloptions FROM pg_class WHERE relname = 'reviews'")
    assert "autovacuum_vacuum_scale_factor=0.01" in row["reloptions"]
    assert actions(superuser) == {
        ("database.vacuum", "operator:local:codereview_maintenance"),
        ("database.autovacuum", "operator:local:codereview_maintenance"),
    }


def test_indexes_are_added_listed_and_dropped(run: Run, superuser: psycopg.Connection) -> None:
    assert run("index", "add", "reviews", "tenant_id", "state").stdout == "Added added_reviews_tenant_id_state.\n"
    shown = run("index", "list").stdout
    assert "added by hand" in next(line for line in shown.splitlines() if line.startswith("added_"))
    assert "reviews_pkey" in shown
    run("index", "drop", "added_reviews_tenant_id_state")
    assert "added_" not in run("index", "list").stdout
    assert {action for action, _ in actions(superuser)} == {"database.index add", "database.index drop"}


def test_months_are_archived_and_restored(run: Run, connect: Connect, tmp_path: Path) -> None:
    years(connect)
    upkeep(connect).partitions.make_ahead(now=NOW, months=3)
    dry = run("archive", "--dry-run").stdout
    assert dry.startswith("Would archive 15 rows in 4 archives.\nStill there: 2024-12, 2025-01")
    assert not (tmp_path / "archives").exists()
    assert "Dropped: 2024-12, 2025-01" in run("archive").stdout
    assert run("restore", TENANT, "2024-12").stdout == "Restored 6 rows.\n"


def test_what_is_past_its_time_is_deleted(run: Run, connect: Connect, superuser: psycopg.Connection) -> None:
    years(connect)
    write(connect, TENANT, datetime(2015, 1, 1, tzinfo=UTC), "ancient", number=5)
    assert (
        "Would delete 0 reviews, 1 findings, 2 usage, 1 identities, 0 archives." in run("retention", "--dry-run").stdout
    )
    assert "Deleted 1 reviews, 1 findings, 2 usage, 1 identities, 0 archives." in run("retention").stdout
    assert run("keep", TENANT, "--keep-days", "3650", "--hold-until", "2027-01-01").stdout == (
        f"{TENANT} is kept for 3650 days, and everything until 2027-01-01.\n"
    )
    assert f"Under a legal hold: {TENANT}" in run("retention").stdout
    with pytest.raises(RejectedError, match="legal hold"):
        run("delete-tenant", TENANT, "--yes")
    with pytest.raises(RejectedError, match="between 30 and 3650"):
        run("keep", TENANT, "--keep-days", "0")
    assert ("retention.change", "operator:local:codereview_maintenance") in actions(superuser)


def test_a_tenant_is_deleted_after_a_question(run: Run, connect: Connect, superuser: psycopg.Connection) -> None:
    years(connect)
    assert run("delete-tenant", TENANT, answer="n\n").exit_code == 1
    assert rows(superuser, "SELECT FROM reviews WHERE tenant_id = %s", TENANT)
    assert "Deleted " in run("delete-tenant", TENANT, answer="y\n").stdout
    assert rows(superuser, "SELECT FROM reviews WHERE tenant_id = %s", TENANT) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("autovacuum", "reviews"),
        ("autovacuum", "reviews", "--scale-factor", "2"),
        ("restore", TENANT, "soon"),
        ("vacuum",),
    ],
    ids=" ".join,
)
def test_a_command_that_makes_no_sense_is_refused_here(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
