"""What is past its time goes, what is held or younger stays, and a deleted tenant leaves nothing but a tombstone."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import psycopg
import pytest

from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.domain.audit import DEPLOYMENT, verify
from codereview.domain.control.audit import AuditEntry
from codereview.domain.retention import RetentionRule, checked_rule
from codereview.domain.review import TenantId
from codereview.errors import ConflictError, NotFoundError, RejectedError, RetryableError
from tests.adapters.postgres.catalogue import gaps
from tests.adapters.postgres.conftest import Copies
from tests.adapters.postgres.reviews_world import OTHER, TENANT, rows
from tests.adapters.postgres.upkeep_world import (
    HOWS,
    LATER,
    NOW,
    THIRD,
    Connect,
    Killed,
    MemoryShelf,
    Plan,
    request,
    upkeep,
    write,
    years,
)

RECORD = ("findings", "usage", "finding_identity", "reviews")


def of(superuser: psycopg.Connection, tenant: TenantId) -> dict[str, int]:
    tables = (*RECORD, "archives", "retention", "audit_log")
    return {table: len(rows(superuser, f"SELECT FROM {table} WHERE tenant_id = %s", tenant)) for table in tables}


@pytest.fixture
def filled(connect: Connect) -> MemoryShelf:
    """Two tenants have an archived month and a young review; the third as well."""
    years(connect)
    shelf = MemoryShelf()
    upkeep(connect).partitions.make_ahead(now=NOW, months=3)
    upkeep(connect, shelf).archive(deadline=LATER)
    for tenant, kind in product((TENANT, OTHER), ("results", "answers", "exports")):
        for number in range(5):
            shelf.objects[f"{kind}/{tenant.replace(':', '/')}/{number}"] = b""
    return shelf


# --- rules


@pytest.mark.parametrize(
    ("days", "hold"),
    [
        pytest.param(0, None, id="b95-nothing-is-kept"),
        pytest.param(-1, None, id="b95-negative"),
        pytest.param(10**6, None, id="b95-for-ever"),
        pytest.param(29, None, id="b95-shorter-than-live-pages"),
        pytest.param(100, NOW.date() + timedelta(days=101), id="b95-shorter-than-the-hold"),
        pytest.param(3650, NOW.date() + timedelta(days=3651), id="b95-a-hold-for-ever"),
    ],
)
def test_b95_a_rule_that_makes_no_sense_is_refused(
    connect: Connect, superuser: psycopg.Connection, days: int, hold: date | None
) -> None:
    with pytest.raises(RejectedError):
        upkeep(connect).change(TENANT, keep_days=days, hold_until=hold, request=request())
    assert rows(superuser, "SELECT FROM retention") == rows(superuser, "SELECT FROM audit_log") == []


@pytest.mark.parametrize(
    ("days", "hold"), [(30, None), (3650, NOW.date() + timedelta(days=3650)), (30, date(2000, 1, 1))]
)
def test_a_rule_that_makes_sense_is_kept_and_audited(connect: Connect, days: int, hold: date | None) -> None:
    world = upkeep(connect)
    world.change(TENANT, keep_days=days, hold_until=hold, request=request())
    assert world.retention.rule(TENANT) == RetentionRule(tenant=TENANT, keep_days=days, hold_until=hold)
    assert world.retention.rule(OTHER) == RetentionRule(tenant=OTHER)
    (entry,) = PostgresAuditLog(connect("codereview_reader")).records(TENANT)
    assert (entry.action, entry.details["after"]["keep_days"]) == ("retention.change", days)


def test_the_last_day_of_a_hold_is_held_in_utc() -> None:
    rule = RetentionRule(tenant=TENANT, hold_until=date(2026, 3, 15))
    assert rule.is_held(datetime(2026, 3, 15, 23, 59, tzinfo=UTC))
    assert not rule.is_held(datetime(2026, 3, 16, tzinfo=UTC))
    assert checked_rule(rule, now=NOW) is rule


# --- deletion by rules


def test_what_is_past_its_time_goes_and_nothing_else(
    connect: Connect, superuser: psycopg.Connection, filled: MemoryShelf
) -> None:
    others = of(superuser, OTHER)
    upkeep(connect).change(TENANT, keep_days=365, hold_until=None, request=request())
    dry = upkeep(connect, filled).keep(deadline=LATER, dry_run=True)
    assert of(superuser, TENANT)["reviews"] == 3
    report = upkeep(connect, filled).keep(deadline=LATER)
    # A review goes when nothing refers to it any more, which a count beforehand cannot know.
    assert (dry.archives, dry.deleted.identities, dry.deleted.usage) == (1, 6, 4)
    assert (report.archives, report.deleted.identities, report.deleted.usage) == (1, 6, 4)
    assert report.deleted.reviews == 2
    after = of(superuser, TENANT)
    assert {name: after[name] for name in RECORD} == {"findings": 1, "usage": 2, "finding_identity": 1, "reviews": 1}
    assert [row["state"] for row in rows(superuser, "SELECT state FROM archives WHERE tenant_id = %s", TENANT)] == [
        "deleted"
    ]
    assert not [key for key in filled.objects if key.startswith("archives/github.com/9919/")]
    assert of(superuser, OTHER) == others


def test_f67_a_review_whose_finding_lives_on_stays_with_it(connect: Connect, superuser: psycopg.Connection) -> None:
    """The finding was first seen by an old review, and again by a young one: foreign keys hold the old one."""
    write(connect, TENANT, datetime(2024, 1, 1, tzinfo=UTC), "x")
    write(connect, TENANT, datetime(2024, 2, 1, tzinfo=UTC), "x")
    write(connect, TENANT, datetime(2026, 3, 10, tzinfo=UTC), "x")
    upkeep(connect).change(TENANT, keep_days=60, hold_until=None, request=request())
    upkeep(connect).keep(deadline=LATER)
    assert [row["finished_at"].year for row in rows(superuser, "SELECT * FROM reviews ORDER BY finished_at")] == [
        2024,
        2026,
    ]
    assert len(rows(superuser, "SELECT FROM findings")) == 1


@pytest.mark.parametrize("kind", ["rule", "deletion"])
def test_f67_under_a_legal_hold_nothing_is_deleted(
    connect: Connect, superuser: psycopg.Connection, filled: MemoryShelf, kind: str
) -> None:
    world = upkeep(connect, filled)
    world.change(TENANT, keep_days=60, hold_until=NOW.date(), request=request())
    before, objects = of(superuser, TENANT), dict(filled.objects)
    if kind == "rule":
        assert world.keep(deadline=LATER).held == (TENANT,)
    else:
        with pytest.raises(ConflictError, match="legal hold"):
            world.deletion.request(TENANT, request=request("r2"))
    assert of(superuser, TENANT) == before
    assert {key for key in objects if "/9919/" in key} <= set(filled.objects)
    world.clock.moment += timedelta(days=1)
    assert world.keep(deadline=LATER + timedelta(days=1)).deleted.reviews == 2


def test_f67_a_hold_that_comes_after_the_request_stops_the_deletion(
    connect: Connect, superuser: psycopg.Connection, filled: MemoryShelf
) -> None:
    world = upkeep(connect, filled)
    world.deletion.request(TENANT, request=request())
    superuser.execute("UPDATE retention SET hold_until = %s", [NOW.date()])
    before = of(superuser, TENANT)
    assert world.deletion.pending(request=request("r2"), deadline=LATER) == ()
    with pytest.raises(ConflictError):
        world.deletion.delete(TENANT, request=request("r2"), deadline=LATER)
    with pytest.raises(ConflictError):
        world.retention.expire(TENANT, now=NOW, limit=1, everything=True)
    with pytest.raises(ConflictError):
        world.retention.bury(TENANT, audit=_entry(), now=NOW)
    assert of(superuser, TENANT) == before
    assert [key for key in filled.objects if key.startswith("results/github.com/9919/")]


def _entry() -> AuditEntry:
    return AuditEntry(
        id=UUID(int=1),
        tenant=None,
        actor=request().actor,
        action="a",
        target="t",
        before=None,
        after=None,
        at=NOW,
        request_id="r",
    )


@pytest.mark.parametrize("how", HOWS)
def test_f67_retention_that_breaks_off_at_any_call_is_finished_by_the_next_run(
    copies: Copies, connect: Connect, superuser: psycopg.Connection, filled: MemoryShelf, how: tuple[str, str]
) -> None:
    upkeep(connect).change(TENANT, keep_days=365, hold_until=None, request=request())
    upkeep(connect).change(OTHER, keep_days=3650, hold_until=NOW.date(), request=request())
    held = of(superuser, OTHER)
    superuser.close()
    fatal, is_struck = 0, True
    while is_struck:
        fatal += 1
        shelf, plan = MemoryShelf(dict(filled.objects)), Plan(fatal=fatal, how=how)
        with copies() as (there, connection):
            with suppress(RetryableError, Killed):
                upkeep(there, shelf, plan=plan).keep(deadline=LATER)
            is_struck = plan.is_struck
            assert of(connection, OTHER) == held
            assert of(connection, TENANT)["reviews"] >= 1
            upkeep(there, shelf).keep(deadline=LATER)
            assert {name: of(connection, TENANT)[name] for name in ("findings", "reviews")} == {
                "findings": 1,
                "reviews": 1,
            }
            assert not [key for key in shelf.objects if key.startswith("archives/github.com/9919/")]
            assert [key for key in shelf.objects if key.startswith("archives/github.com/7/")]
    assert fatal > 10


# --- deletion of a tenant


def canaries(superuser: psycopg.Connection, shelf: MemoryShelf, tenant: TenantId) -> list[str]:
    """Find every place that still knows the tenant."""
    tables = rows(
        superuser,
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace",
    )
    found = [
        row["relname"]
        for row in tables
        if rows(superuser, f"SELECT FROM {row['relname']} WHERE tenant_id = %s", tenant)
    ]
    return found + [key for key in shelf.objects if f"/{tenant.replace(':', '/')}/" in key]


def test_a_deleted_tenant_leaves_a_tombstone_and_nothing_else(
    connect: Connect, superuser: psycopg.Connection, filled: MemoryShelf
) -> None:
    world = upkeep(connect, filled)
    world.change(TENANT, keep_days=365, hold_until=None, request=request("r0"))
    others = {tenant: of(superuser, tenant) for tenant in (OTHER, THIRD)}
    world.deletion.request(TENANT, request=request("r1"))
    head = PostgresAuditLog(connect("codereview_reader")).head(TENANT)
    assert head.seq == 2
    (report,) = world.deletion.pending(request=request("night"), deadline=LATER)
    assert report.is_finished
    assert canaries(superuser, filled, TENANT) == []
    assert {tenant: of(superuser, tenant) for tenant in (OTHER, THIRD)} == others
    log = PostgresAuditLog(connect("codereview_reader"))
    (tombstone,) = log.records(DEPLOYMENT)
    assert tombstone.target == f"tenant/{TENANT}"
    assert tombstone.details["after"]["chain"] == {"seq": 2, "hash": head.hash.hex()}
    assert verify(log.records(DEPLOYMENT)) == ()
    assert gaps(superuser) == []
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        superuser.execute("DELETE FROM audit_log")
    assert world.deletion.pending(request=request("night2"), deadline=LATER) == ()


@pytest.mark.parametrize("how", HOWS)
def test_a_deletion_that_breaks_off_at_any_call_is_finished_by_the_next_run(
    copies: Copies, connect: Connect, superuser: psycopg.Connection, filled: MemoryShelf, how: tuple[str, str]
) -> None:
    upkeep(connect, filled).deletion.request(TENANT, request=request())
    others = of(superuser, OTHER)
    superuser.close()
    fatal, is_struck = 0, True
    while is_struck:
        fatal += 1
        shelf, plan = MemoryShelf(dict(filled.objects)), Plan(fatal=fatal, how=how)
        with copies() as (there, connection):
            with suppress(RetryableError, Killed):
                upkeep(there, shelf, plan=plan).deletion.pending(request=request("one"), deadline=LATER)
            is_struck = plan.is_struck
            upkeep(there, shelf).deletion.pending(request=request("two"), deadline=LATER)
            assert canaries(connection, shelf, TENANT) == []
            assert of(connection, OTHER) == others
            assert len(rows(connection, "SELECT FROM audit_log WHERE action = 'tenants.deleted'")) == 1
    assert fatal > 20


def test_nobody_is_deleted_whom_nobody_asked_to_delete(connect: Connect, filled: MemoryShelf) -> None:
    world = upkeep(connect, filled)
    with pytest.raises(ConflictError, match="nobody asked"):
        world.deletion.delete(TENANT, request=request(), deadline=LATER)
    with pytest.raises(NotFoundError):
        world.deletion.request(TenantId("../x"), request=request())
    assert [key for key in filled.objects if key.startswith("results/github.com/9919/")]


def test_a_tenant_that_is_being_deleted_gets_no_other_rule(connect: Connect, filled: MemoryShelf) -> None:
    world = upkeep(connect, filled)
    world.deletion.request(TENANT, request=request())
    with pytest.raises(ConflictError):
        world.change(TENANT, keep_days=60, hold_until=None, request=request("r2"))


def test_a_deletion_without_enough_time_goes_on_the_next_night(
    connect: Connect, superuser: psycopg.Connection, filled: MemoryShelf
) -> None:
    world = upkeep(connect, filled)
    world.deletion.request(TENANT, request=request())
    (report,) = world.deletion.pending(request=request("a"), deadline=NOW)
    assert not report.is_finished
    (report,) = world.deletion.pending(request=request("b"), deadline=LATER)
    assert report.is_finished
    assert canaries(superuser, filled, TENANT) == []
