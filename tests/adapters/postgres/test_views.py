"""The views for other people's BI show one tenant's rows, and the same figures as the reports."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.connections import tenant_transaction
from codereview.adapters.postgres.reports import PostgresReports
from codereview.domain.review import TenantId
from codereview.report_ports import Period
from tests.adapters.postgres.reviews_world import OTHER, TENANT
from tests.adapters.postgres.upkeep_world import Clock, Connect, write, years

VIEWS = ("report_findings", "report_precision", "report_usage")
EVER = Period(since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2030, 1, 1, tzinfo=UTC))


def seen(connect: Connect, tenant: TenantId, view: str) -> list[dict[str, Any]]:
    with tenant_transaction(connect("codereview_reader"), tenant) as connection:
        query = sa.select(sa.text("*")).select_from(sa.table(view))
        return [row._asdict() for row in connection.execute(query)]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_the_tenant_that_is_named_and_without_one_nothing(connect: Connect, view: str) -> None:
    years(connect)
    assert {row["tenant_id"] for row in seen(connect, TENANT, view)} == {TENANT}
    assert {row["tenant_id"] for row in seen(connect, OTHER, view)} == {OTHER}
    assert seen(connect, TenantId(""), view) == []


def test_a_finding_is_shown_with_what_became_of_it(connect: Connect) -> None:
    write(connect, TENANT, datetime(2026, 3, 1, tzinfo=UTC), "x", "y")
    write(connect, TENANT, datetime(2026, 3, 2, tzinfo=UTC), "y")
    found = {(row["created_at"].day, row["title"]): row["status"] for row in seen(connect, TENANT, "report_findings")}
    assert found == {(1, "Title of x"): "fixed", (1, "Title of y"): "open", (2, "Title of y"): "open"}


def test_the_views_sum_up_as_the_reports_do(connect: Connect, superuser: psycopg.Connection) -> None:
    years(connect)
    reports = PostgresReports(connect("codereview_reader"), Clock())
    days = {(day.day, day.agent): (day.reviews, day.input_tokens) for day in reports.usage(TENANT, EVER)}
    assert {
        (row["day"], row["agent"]): (row["reviews"], row["input_tokens"])
        for row in seen(connect, TENANT, "report_usage")
    } == days
    superuser.execute("UPDATE finding_identity SET status = 'fixed' WHERE number = 2")
    (rule,) = reports.precision(TENANT, EVER)
    assert sum(row["fixed"] for row in seen(connect, TENANT, "report_precision")) == rule.outcomes.fixed == 2
