"""No tenant sees, changes or refers to another one's rows, and nothing of it is left on a connection."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

import codereview
from codereview.adapters.postgres.connections import tenant_transaction
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.domain.review import ReviewState
from codereview.errors import CodeReviewError, ConfigurationError
from local.database import Database
from local.processes import LOOPBACK
from tests.adapters.postgres.reviews_world import OTHER, TENANT, recorded, result, rows, snapshot

Connect = Callable[[str], sa.Engine]


@pytest.fixture
def pool(server: Database, database_name: str) -> Iterator[sa.Engine]:
    """Give the writer a pool of one connection, though production has none: what is left behind would show there."""
    made = sa.create_engine(
        f"postgresql+psycopg://codereview_writer@{LOOPBACK}:{server.port}/{database_name}",
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
    )
    yield made
    made.dispose()


class BreakOffError(Exception):
    """Something goes wrong in the middle."""


def leave(pool: sa.Engine, how: str) -> None:
    """Work as one tenant, and leave the transaction in one of the ways there are."""
    with suppress(BreakOffError, CodeReviewError), tenant_transaction(pool, OTHER) as connection:
        connection.execute(sa.text("SELECT count(*) FROM reviews"))
        match how:
            case "raise":
                raise BreakOffError
            case "database error":
                connection.execute(sa.text("SELECT 1 / 0"))
            case "cancel":
                connection.execute(sa.text("SET LOCAL statement_timeout = '20ms'"))
                connection.execute(sa.text("SELECT pg_sleep(5)"))
            case "roll back":
                connection.rollback()
            case _:
                pass


@pytest.mark.parametrize("how", ["commit", "raise", "database error", "cancel", "roll back"])
def test_the_next_user_of_a_connection_sees_nothing_of_the_tenant_before(
    connect: Connect, pool: sa.Engine, how: str
) -> None:
    record = PostgresReviewRecord(connect("codereview_writer"))
    record.write(recorded(tenant=OTHER), result("canary"))
    record.write(recorded(state=ReviewState.SKIPPED, reason="draft"), None)
    leave(pool, how)
    with pool.begin() as connection:
        # Without a tenant there are no rows, and no error though the setting is '' and not NULL by now.
        for table in ("reviews", "findings", "usage", "finding_identity", "audit_log"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
    with tenant_transaction(pool, TENANT) as connection:
        assert connection.execute(sa.text("SELECT tenant_id FROM reviews")).scalars().all() == [TENANT]
        assert connection.execute(sa.text("SELECT count(*) FROM findings")).scalar_one() == 0


@pytest.mark.parametrize(
    "statement",
    [
        (
            "INSERT INTO reviews SELECT (jsonb_populate_record(r, jsonb_build_object('tenant_id', %s::text))).*"
            " FROM reviews r"
        ),
        "UPDATE reviews SET tenant_id = %s",
    ],
    ids=["insert", "update"],
)
def test_a_row_cannot_be_written_for_another_tenant(connect: Connect, statement: str) -> None:
    writer = connect("codereview_writer")
    PostgresReviewRecord(writer).write(recorded(), None)
    with pytest.raises(ConfigurationError, match="42501"), tenant_transaction(writer, TENANT) as connection:
        connection.exec_driver_sql(statement, (OTHER,))


def test_a_row_of_another_tenant_cannot_be_changed(connect: Connect, superuser: psycopg.Connection) -> None:
    writer = connect("codereview_writer")
    PostgresReviewRecord(writer).write(recorded(tenant=OTHER), result("x"))
    first = snapshot(superuser)
    with tenant_transaction(writer, TENANT) as connection:
        changed = connection.exec_driver_sql("UPDATE reviews SET reason = 'taken' WHERE tenant_id = %s", (OTHER,))
        assert changed.rowcount == 0
    assert snapshot(superuser) == first


def test_the_same_review_id_of_another_tenant_is_no_conflict(connect: Connect, superuser: psycopg.Connection) -> None:
    """A key that did not start with the tenant would swallow the second row, and tell that the first is there."""
    writer = connect("codereview_writer")
    PostgresReviewRecord(writer).write(recorded(), result("x"))
    with tenant_transaction(writer, OTHER) as connection:
        connection.exec_driver_sql(
            "INSERT INTO reviews (tenant_id, review_id, repository_id, number, head_sha, kind, state, sequence,"
            " finished_at) VALUES (%s, %s, 1, 1, 'a', 'auto', 'skipped', 1, now()) ON CONFLICT DO NOTHING",
            (OTHER, recorded().review_id),
        )
    assert len(rows(superuser, "SELECT FROM reviews")) == 2


def test_a_finding_cannot_refer_to_another_tenants_review(connect: Connect) -> None:
    writer = connect("codereview_writer")
    theirs = recorded(tenant=OTHER)
    PostgresReviewRecord(writer).write(theirs, None)
    with pytest.raises(CodeReviewError, match="23503"), tenant_transaction(writer, TENANT) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO usage (tenant_id, review_id, agent, engine, status, calls, input_tokens, output_tokens,"
                " cached_tokens, findings, created_at) VALUES (:t, :id, '', '', 'failed', 0, 0, 0, 0, 0, now())"
            ),
            {"t": TENANT, "id": theirs.review_id},
        )


def _sources() -> Iterator[Path]:
    return Path(codereview.__file__).parent.rglob("*.py")


def test_the_code_sets_a_tenant_for_one_transaction_only() -> None:
    text = "\n".join(path.read_text() for path in sorted(_sources()))
    assert text.count("set_config('app.tenant', :tenant, true)") == 1
    assert text.count("set_config('app.tenant'") == 1
    assert "SET app.tenant" not in text
    assert "SESSION app" not in text
