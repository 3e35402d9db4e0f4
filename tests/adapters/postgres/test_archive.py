"""Findings leave the database only when they are somewhere else, whatever breaks on the way."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.connections import engine
from codereview.adapters.postgres.migrating import migrate
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.adapters.postgres.upkeep import PostgresSingleFlight
from codereview.domain.archive import DamagedArchiveError, archive_key
from codereview.domain.review import TenantId
from codereview.errors import CodeReviewError, ConflictError, NotFoundError, RetryableError
from codereview.ports import StoredObject
from local.database import Database
from tests.adapters.postgres.catalogue import gaps
from tests.adapters.postgres.conftest import Copies, address
from tests.adapters.postgres.reviews_world import OTHER, TENANT, rows
from tests.adapters.postgres.upkeep_world import (
    HOWS,
    LATER,
    NOW,
    THIRD,
    Clock,
    Connect,
    Killed,
    MemoryShelf,
    Plan,
    in_database,
    in_objects,
    request,
    upkeep,
    write,
    years,
)

DECEMBER = date(2024, 12, 1)


@pytest.fixture
def filled(connect: Connect) -> None:
    years(connect)
    upkeep(connect).partitions.make_ahead(now=NOW, months=3)


def partitions(superuser: psycopg.Connection) -> set[str]:
    found = rows(superuser, "SELECT relname FROM pg_class WHERE relname ~ '^findings_[0-9_]+$' AND relkind = 'r'")
    return {row["relname"] for row in found}


@pytest.mark.usefixtures("filled")
def test_months_that_ended_long_ago_leave_the_database_for_objects(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    before = in_database(superuser)
    shelf = MemoryShelf()
    assert {"findings_2024_12", "findings_2025_01"} <= partitions(superuser)
    report = upkeep(connect, shelf).archive(deadline=LATER)
    assert (report.months, report.left, report.archives, report.rows) == (("2024-12", "2025-01"), (), 4, 15)
    assert not {"findings_2024_12", "findings_2025_01"} & partitions(superuser)
    assert len(in_database(superuser)) == 3
    assert sorted(in_database(superuser) + in_objects(superuser, shelf, "dropped")) == before
    assert sorted(shelf.objects) == sorted(
        [
            archive_key(OTHER, date(2025, 1, 1)),
            *(archive_key(tenant, DECEMBER) for tenant in (TENANT, OTHER, THIRD)),
        ]
    )
    assert gaps(superuser) == []
    assert upkeep(connect, shelf).archive(deadline=LATER).months == ()


@pytest.mark.usefixtures("filled")
def test_a_dry_run_says_what_would_be_archived_and_changes_nothing(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    before, shelf = in_database(superuser), MemoryShelf()
    report = upkeep(connect, shelf).archive(deadline=LATER, dry_run=True)
    assert (report.left, report.archives, report.rows) == (("2024-12", "2025-01"), 4, 15)
    assert in_database(superuser) == before
    assert shelf.objects == {}


@pytest.mark.usefixtures("filled")
def test_without_time_nothing_is_begun(connect: Connect, superuser: psycopg.Connection) -> None:
    before = in_database(superuser)
    assert upkeep(connect).archive(deadline=NOW).months == ()
    assert in_database(superuser) == before


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.usefixtures("filled")
def test_f66_an_archive_that_breaks_off_at_any_call_loses_and_doubles_no_row(
    copies: Copies, superuser: psycopg.Connection, how: tuple[str, str]
) -> None:
    before = in_database(superuser)
    superuser.close()
    fatal, is_struck = 0, True
    while is_struck:
        fatal += 1
        with copies() as (there, connection):
            plan = Plan(fatal=fatal, how=how)
            _archive_breaking_off(there, connection, before, plan)
            is_struck = plan.is_struck
    assert fatal > 20


def _archive_breaking_off(connect: Connect, superuser: psycopg.Connection, before: list[str], plan: Plan) -> None:
    shelf = MemoryShelf()
    try:
        upkeep(connect, shelf, plan=plan).archive(deadline=LATER)
    except (RetryableError, Killed):
        assert plan.is_struck
    # At no moment is a row in neither place.
    assert sorted(in_database(superuser) + in_objects(superuser, shelf, "dropped")) == before
    assert upkeep(connect, shelf).archive(deadline=LATER).left == ()
    assert len(in_database(superuser)) == 3
    assert sorted(in_database(superuser) + in_objects(superuser, shelf, "dropped")) == before
    january = date(2025, 1, 1)
    for tenant, month in ((TENANT, DECEMBER), (OTHER, january), (OTHER, DECEMBER), (THIRD, DECEMBER)):
        upkeep(connect, shelf).restore(tenant, month, request=request(f"{month}"))
    assert in_database(superuser) == before
    assert gaps(superuser) == []


class LyingShelf(MemoryShelf):
    """What is put comes back changed."""

    def put(self, key: str, data: bytes, *, content_type: str = "") -> StoredObject:
        return super().put(key, data[:-1])


@pytest.mark.usefixtures("filled")
def test_f66_nothing_is_dropped_for_an_object_that_does_not_come_back_as_it_was(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    before = in_database(superuser)
    with pytest.raises(RetryableError, match="not what came back"):
        upkeep(connect, LyingShelf()).archive(deadline=LATER)
    assert in_database(superuser) == before
    assert rows(superuser, "SELECT FROM archives") == []


@pytest.mark.usefixtures("filled")
def test_a_row_that_comes_between_archive_and_drop_keeps_its_month(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    shelf = MemoryShelf()
    world = upkeep(connect, shelf)
    late = datetime(2024, 12, 6, tzinfo=UTC)

    original = type(world.partitions).drop
    world_archive = world.archive

    class Interrupted:
        def __getattr__(self, name: str) -> object:
            return getattr(world.partitions, name)

        def drop(self, month: date) -> bool:
            if month == DECEMBER:
                write(connect, TENANT, late, "late", number=9)
            return original(world.partitions, month)

    object.__setattr__(world_archive, "partitions", Interrupted())
    report = world_archive(deadline=LATER)
    assert (report.months, report.left) == (("2025-01",), ("2024-12",))
    assert any("Title of late" in row for row in in_database(superuser))
    assert upkeep(connect, shelf).archive(deadline=LATER).months == ("2024-12",)
    assert any("Title of late" in row for row in in_objects(superuser, shelf, "dropped"))


@pytest.mark.usefixtures("filled")
def test_a_row_that_comes_after_its_month_was_dropped_joins_the_others(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    shelf = MemoryShelf()
    upkeep(connect, shelf).archive(deadline=LATER)
    write(connect, TENANT, datetime(2024, 12, 6, tzinfo=UTC), "late", number=9)
    everything = sorted(in_database(superuser) + in_objects(superuser, shelf, "dropped"))
    assert upkeep(connect).partitions.default_rows() == 1
    upkeep(connect).partitions.make_ahead(now=NOW, months=3)
    assert upkeep(connect).partitions.default_rows() == 0
    assert upkeep(connect, shelf).archive(deadline=LATER).months == ("2024-12",)
    assert sorted(in_database(superuser) + in_objects(superuser, shelf, "dropped")) == everything


@pytest.mark.usefixtures("filled")
def test_a_restored_month_stays_for_thirty_days_and_goes_again(connect: Connect, superuser: psycopg.Connection) -> None:
    before, shelf = in_database(superuser), MemoryShelf()
    upkeep(connect, shelf).archive(deadline=LATER)
    assert upkeep(connect, shelf).restore(TENANT, DECEMBER, request=request()) == 6
    assert upkeep(connect, shelf).restore(TENANT, DECEMBER, request=request()) == 0
    assert len(in_database(superuser)) == 3 + 6
    assert upkeep(connect, shelf).archive(deadline=LATER).left == ()
    assert len(in_database(superuser)) == 3 + 6
    clock = Clock(NOW + timedelta(days=31))
    assert upkeep(connect, shelf, clock=clock).archive(deadline=clock.now() + timedelta(hours=1)).months[0] == "2024-12"
    assert sorted(in_database(superuser) + in_objects(superuser, shelf, "dropped")) == before
    written = rows(superuser, "SELECT tenant_id, action, actor FROM audit_log")
    assert [tuple(row.values()) for row in written] == [(TENANT, "archives.restore", "operator:arn:aws:iam::1:user/a")]


def _altered(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data).replace(b"young", b"other").replace(b"Title", b"title"))


def _older_schema(data: bytes) -> bytes:
    lines = gzip.decompress(data).splitlines(keepends=True)
    return gzip.compress(b"".join([lines[0].replace(b"fingerprint", b"finger_print"), *lines[1:]]))


@pytest.mark.parametrize(
    ("spoil", "is_known", "said"),
    [
        (_altered, False, "checksum"),
        (lambda data: data[:-20], False, "checksum"),
        (lambda _: None, False, "not there"),
        (lambda data: data[:-20], True, "too early"),
        (lambda _: b"no gzip at all", True, "no gzip"),
        (lambda data: gzip.compress(gzip.decompress(data).rsplit(b"\n", 2)[0] + b"\n"), True, "rows instead of"),
        (_older_schema, True, "columns"),
        (
            lambda data: gzip.compress(gzip.decompress(data).replace(b"github.com:9919", b"github.com:7")),
            True,
            "another tenant",
        ),
        (lambda data: gzip.compress(gzip.decompress(data).replace(b"2024-12", b"2023-12")), True, "another tenant"),
        (lambda data: gzip.compress(gzip.decompress(data).replace(b"2024-12", b"2024-11")), True, "no finding: 22"),
    ],
    ids=[
        "b94-altered",
        "b94-truncated",
        "b94-missing",
        "b94-truncated-with-its-sum",
        "b94-no-gzip",
        "b94-a-row-less",
        "b94-older-schema",
        "b94-another-tenants-rows",
        "b94-another-month",
        "b94-a-day-that-is-none",
    ],
)
@pytest.mark.usefixtures("filled")
def test_b94_nothing_is_loaded_from_an_archive_that_is_not_what_was_written(
    connect: Connect, superuser: psycopg.Connection, spoil: Callable[[bytes], bytes], *, is_known: bool, said: str
) -> None:
    shelf = MemoryShelf()
    upkeep(connect, shelf).archive(deadline=LATER)
    key = archive_key(TENANT, DECEMBER)
    spoilt = spoil(shelf.objects.pop(key))
    if spoilt is not None:
        sum_ = shelf.put(key, spoilt).sha256
        if is_known:
            superuser.execute("UPDATE archives SET sha256 = %s WHERE object_key = %s", [sum_, key])
    before = in_database(superuser)
    with pytest.raises(DamagedArchiveError, match=said):
        upkeep(connect, shelf).restore(TENANT, DECEMBER, request=request())
    assert in_database(superuser) == before
    assert rows(superuser, "SELECT FROM archives WHERE state = 'restored'") == []
    assert rows(superuser, "SELECT FROM audit_log") == []


@pytest.mark.usefixtures("filled")
def test_what_was_never_archived_or_was_deleted_cannot_be_restored(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    shelf = MemoryShelf()
    upkeep(connect, shelf).archive(deadline=LATER)
    with pytest.raises(NotFoundError):
        upkeep(connect, shelf).restore(TENANT, date(2020, 1, 1), request=request())
    superuser.execute("UPDATE archives SET state = 'deleted'")
    with pytest.raises(ConflictError):
        upkeep(connect, shelf).restore(TENANT, DECEMBER, request=request())


@pytest.mark.parametrize("tenant", ["../x:1", "github.com:1/../../2", "github.com:%2e", "ü.com:1", "x" * 1024 + ":1"])
def test_b93_no_key_is_made_of_what_is_no_tenant(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        archive_key(TenantId(tenant), DECEMBER)


@pytest.mark.usefixtures("filled")
def test_a_reader_of_the_table_delays_the_drop_and_is_not_held_up(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    before, shelf = in_database(superuser), MemoryShelf()
    with superuser.transaction():
        superuser.execute("SELECT count(*) FROM findings")
        # The lock on the table is asked for so briefly that whoever comes behind does not notice.
        with pytest.raises(RetryableError, match="55P03"):
            upkeep(connect, shelf).archive(deadline=LATER)
        PostgresReviewRecord(connect("codereview_writer"))
        write(connect, TENANT, NOW, "meanwhile", number=8)
    assert len(in_database(superuser)) == len(before) + 1
    assert upkeep(connect, shelf).archive(deadline=LATER).months == ("2024-12", "2025-01")


def test_the_maintenance_role_changes_no_row_without_naming_its_tenant(connect: Connect) -> None:
    years(connect)
    database = connect("codereview_maintenance")
    with database.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM findings")).scalar_one() > 0
        for table in ("findings", "reviews", "usage", "finding_identity", "archives", "retention"):
            statement = sa.text(f"DELETE FROM {table}")
            assert connection.execute(statement).rowcount == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE findings SET body = ''", "DELETE FROM audit_log", "UPDATE reviews SET state = 'failed'"]
)
def test_the_maintenance_role_cannot_change_what_was_recorded(connect: Connect, statement: str) -> None:
    database = connect("codereview_maintenance")
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), database.begin() as connection:
        connection.execute(sa.text(statement))


def test_b92_of_two_runs_at_once_one_does_nothing(connect: Connect) -> None:
    flight = PostgresSingleFlight(connect("codereview_maintenance"))
    with flight.hold() as first:
        assert first
        with PostgresSingleFlight(connect("codereview_maintenance")).hold() as second:
            assert not second
    with flight.hold() as third:
        assert third


def test_f39_maintenance_of_the_new_version_waits_for_its_schema(server: Database, empty_database: str) -> None:
    migrate(engine(address(server, empty_database, "codereview_owner")), now=NOW, revision="0002")
    world = upkeep(lambda user: engine(address(server, empty_database, user)))
    with pytest.raises(CodeReviewError, match="42"):
        world.archive(deadline=LATER)
    migrate(engine(address(server, empty_database, "codereview_owner")), now=NOW)
    assert world.archive(deadline=LATER).months == ()
