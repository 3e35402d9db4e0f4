"""Night 3: somebody's transaction is left open, so that VACUUM cannot take what is dead."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.rehearsal.operator_at_night import Night, worked

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(900)]

PAGE = "database-bloat"
TENANT = "github.com:999000"
_FILL = """
    INSERT INTO reviews (tenant_id, review_id, repository_id, number, head_sha, kind, state, sequence, files_total,
                         files_reviewed, findings_total, finished_at, is_identified)
    SELECT %s, gen_random_uuid(), 1, n, md5(n::text), 'auto', 'posted', n, 9, 9, 0, now(), true
    FROM generate_series(1, 3000) AS n
"""


@pytest.fixture
def churned(night: Night) -> Iterator[psycopg.Connection]:
    """Rows that were changed twice, before the eyes of a transaction that never ends."""
    dsn = night.stack.database.superuser_dsn
    with psycopg.connect(dsn) as holder, psycopg.connect(dsn, autocommit=True) as worker:
        worker.execute("ALTER TABLE reviews SET (autovacuum_enabled = off)")
        worker.execute(_FILL, [TENANT])
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT count(*) FROM reviews")
        for _ in range(2):
            worker.execute("UPDATE reviews SET files_total = files_total + 1 WHERE tenant_id = %s", [TENANT])
        worker.execute("SELECT pg_stat_force_next_flush()")  # what it counted is told late otherwise
        yield holder
        holder.rollback()
        worker.execute("DELETE FROM reviews WHERE tenant_id = %s", [TENANT])
        worker.execute("ALTER TABLE reviews RESET (autovacuum_enabled)")


def test_dead_rows_are_seen_and_taken_by_the_page_and_no_row_is_lost(night: Night, churned: psycopg.Connection) -> None:
    assert work_a_night(night)["ok"]
    night.pass_a_round()
    assert "database-bloat" in night.ringing(), night.stack.logs("maintenance")[-20:]
    assert "page" not in night.ringing()  # it waits for the morning
    confirmed = worked(night.follow(PAGE, "Confirm"))
    assert "reviews" in confirmed
    assert "open_span" in confirmed

    churned.rollback()  # what held the rows alive has ended
    worked(night.follow(PAGE, "Mitigate"))
    worked(night.follow(PAGE, "Verify"))
    assert work_a_night(night)["ok"]
    night.pass_a_round()
    assert night.ringing() == set()
    worked(night.follow(PAGE, "Restore"))
    (rows,) = churned.execute("SELECT count(*) FROM reviews WHERE tenant_id = %s", [TENANT]).fetchone() or (0,)
    churned.rollback()
    assert rows == 3000


def work_a_night(night: Night) -> dict[str, Any]:
    """Run the nightly upkeep."""
    function = night.stack.deployment.outputs["MaintenanceFunctionName"]
    event = {"action": "nightly", "parameters": {}, "request_id": "night"}
    answer = night.stack.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    return document
