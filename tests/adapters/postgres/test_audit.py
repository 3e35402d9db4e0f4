"""The audit log on a real PostgreSQL: every entry once, one chain a tenant, however many write."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codereview.adapters.postgres import audit
from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.domain.audit import DEPLOYMENT, GENESIS, Problem, verify
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry
from codereview.domain.review import TenantId
from codereview.errors import CodeReviewError
from tests.adapters.postgres.reviews_world import OTHER, TENANT, rows

Connect = Callable[[str], sa.Engine]
NOW = datetime(2026, 3, 15, 12, 0, 0, 123_456, tzinfo=UTC)


def entry(number: int, *, tenant: TenantId | None = TENANT, after: Any = None, target: str = "key/1") -> AuditEntry:
    return AuditEntry(
        id=UUID(int=number),
        tenant=tenant,
        actor=Actor(kind=ActorKind.PERSON, id="github.com:5"),
        action="keys.revoke",
        target=target,
        before=None,
        after=after,
        at=NOW + timedelta(seconds=number),
        request_id=f"r{number}",
    )


@pytest.fixture
def log(connect: Connect) -> PostgresAuditLog:
    return PostgresAuditLog(connect("codereview_writer"))


def test_an_entry_is_written_once_however_often_it_comes(log: PostgresAuditLog, superuser: psycopg.Connection) -> None:
    for _ in range(3):
        log.append([entry(2), entry(1), entry(2), entry(3, tenant=None)])
    log.append([entry(4), entry(1)])
    written = rows(superuser, "SELECT tenant_id, seq, entry_id FROM audit_log ORDER BY tenant_id, seq")
    assert [(row["tenant_id"], row["seq"], row["entry_id"].int) for row in written] == [
        (DEPLOYMENT, 1, 3),
        (TENANT, 1, 2),
        (TENANT, 2, 1),
        (TENANT, 3, 4),
    ]
    for tenant in (TENANT, DEPLOYMENT):
        assert verify(log.records(tenant), anchors=[log.head(tenant)]) == ()


def test_a_chain_can_be_read_from_any_head_and_by_the_reader(log: PostgresAuditLog, connect: Connect) -> None:
    log.append([entry(number) for number in range(1, 4)])
    middle = log.head(TENANT)
    log.append([entry(number) for number in range(4, 9)])
    reader = PostgresAuditLog(connect("codereview_reader"))
    assert [record.seq for record in reader.records(TENANT, start=middle)] == [4, 5, 6, 7, 8]
    assert verify(reader.records(TENANT, start=middle), start=middle, anchors=[reader.head(TENANT)]) == ()


def test_a_chain_longer_than_a_page_is_read_whole(log: PostgresAuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_ROWS_AT_ONCE", 3)
    log.append([entry(number) for number in range(1, 7)])
    assert [record.seq for record in log.records(TENANT)] == [1, 2, 3, 4, 5, 6]


def test_another_tenants_chain_is_not_to_be_seen(log: PostgresAuditLog) -> None:
    log.append([entry(1, tenant=OTHER)])
    assert list(log.records(TENANT)) == []
    assert log.head(TENANT) == GENESIS


def test_f65_fifty_writers_at_once_make_one_chain(log: PostgresAuditLog) -> None:
    writers, start = 50, threading.Barrier(50)

    def write(writer: int) -> None:
        start.wait()
        log.append([entry(writer)])
        log.append([entry(1000 + writer // 2)])  # comes to two writers

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))
    assert log.head(TENANT).seq == 75
    assert verify(log.records(TENANT)) == ()


def test_a_writer_that_forgets_the_lock_is_refused_instead_of_forking_the_chain(
    log: PostgresAuditLog, superuser: psycopg.Connection
) -> None:
    log.append([entry(1), entry(2)])
    with pytest.raises(psycopg.errors.UniqueViolation):
        superuser.execute(
            "INSERT INTO audit_log (tenant_id, seq, at, actor, action, target, details, prev_hash, hash)"
            " SELECT tenant_id, 3, at, actor, action, target, details, prev_hash, '\\x05' FROM audit_log WHERE seq = 2"
        )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def numbers() -> list[int]:
    return []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(st.text(st.characters()), ANYTHING, max_size=4), st.text(st.characters()))
def test_whatever_is_audited_verifies_as_the_database_gives_it_back(
    log: PostgresAuditLog, numbers: list[int], after: dict[str, Any], target: str
) -> None:
    numbers.append(1)
    before = log.head(TENANT)
    log.append([entry(len(numbers), after=after, target=target)])
    assert verify(log.records(TENANT, start=before), start=before, anchors=[log.head(TENANT)]) == ()


# --- whoever may write past everything --------------------------------------------------------------------------------

TAMPERING = {
    "edit": ("UPDATE audit_log SET actor = 'person:nobody' WHERE seq = 2", {Problem.ALTERED}),
    "edit details": (
        'UPDATE audit_log SET details = details || \'{"outcome": "refused"}\' WHERE seq = 2',
        {Problem.ALTERED},
    ),
    "a microsecond": ("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 2", {Problem.ALTERED}),
    "delete": ("DELETE FROM audit_log WHERE seq = 2", {Problem.GAP, Problem.UNLINKED}),
    "swap": (
        "UPDATE audit_log SET seq = CASE seq WHEN 2 THEN 3 ELSE 2 END WHERE seq IN (2, 3)",
        {Problem.ALTERED, Problem.UNLINKED},
    ),
    "insert": (
        (
            "INSERT INTO audit_log SELECT tenant_id, 6, at, actor, action, target, details, '\\x00', '\\x07'"
            " FROM audit_log WHERE seq = 2"
        ),
        {Problem.ALTERED, Problem.UNLINKED},
    ),
    "truncate": ("DELETE FROM audit_log WHERE seq > 3", {Problem.CUT_OFF}),
    "empty": ("DELETE FROM audit_log", {Problem.CUT_OFF}),
}


@pytest.mark.parametrize(("statement", "found"), TAMPERING.values(), ids=TAMPERING)
def test_tampering_with_the_table_is_found(
    log: PostgresAuditLog, superuser: psycopg.Connection, statement: str, found: set[Problem]
) -> None:
    log.append([entry(number) for number in range(1, 6)])
    anchor = log.head(TENANT)
    superuser.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
    superuser.execute("ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey")
    superuser.execute(statement.encode())
    assert {fault.problem for fault in verify(log.records(TENANT), anchors=[anchor])} == found


def test_the_writer_cannot_change_what_it_wrote(log: PostgresAuditLog, connect: Connect) -> None:
    log.append([entry(1)])
    with connect("codereview_writer").connect() as connection, pytest.raises(sa.exc.ProgrammingError, match="denied"):
        connection.execute(sa.text("UPDATE audit_log SET actor = 'x'"))


def test_a_reader_cannot_write(connect: Connect) -> None:
    with pytest.raises(CodeReviewError):
        PostgresAuditLog(connect("codereview_reader")).append([entry(1)])
