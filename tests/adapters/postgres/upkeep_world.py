"""A record with years in it, a shelf of objects, and calls that fail or die where a test says."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count, product
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.archiving import PostgresArchives
from codereview.adapters.postgres.months import PostgresPartitions
from codereview.adapters.postgres.retaining import PostgresRetention
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.domain.archive import unpacked
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.review import ReviewKey, TenantId, tenant_of
from codereview.errors import RetryableError
from codereview.ports import StoredObject
from codereview.use_cases.maintain.archive_months import ArchiveMonths
from codereview.use_cases.maintain.delete_tenant import DeleteTenant
from codereview.use_cases.maintain.keep_retention import ChangeRetention, KeepRetention
from codereview.use_cases.maintain.restore_archive import RestoreArchive
from tests.adapters.postgres.reviews_world import OTHER, TENANT, recorded, result, rows

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
THIRD = tenant_of("github.com", 33)
Connect = Callable[[str], sa.Engine]


@dataclass
class Clock:
    """Time stands still unless a test moves it."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def sleep(self, duration: timedelta) -> None:
        self.moment += duration


@dataclass
class MemoryShelf:
    """S3, in memory."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> StoredObject:
        self.objects[key] = data
        return StoredObject(key=key, sha256=hashlib.sha256(data).hexdigest())

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))[:3]


class Killed(BaseException):
    """The function is gone."""


@dataclass
class Plan:
    """What happens to the n-th call: an error or death, before or after it is done."""

    fatal: int = 0
    how: tuple[str, str] = ("error", "before")
    calls: Iterator[int] = field(default_factory=lambda: count(1))
    is_struck: bool = False

    def run(self, call: Callable[[], Any]) -> Any:
        if next(self.calls) != self.fatal:
            return call()
        self.is_struck = True
        kind, when = self.how
        if when == "after":
            call()
        raise Killed if kind == "death" else RetryableError("made up")


# Deaths in every run, errors in the long one.
HOWS = [
    pytest.param(how, id="-".join(how), marks=[pytest.mark.long] if how[0] == "error" else [])
    for how in product(("error", "death"), ("before", "after"))
]


class Doomed:
    """Any port, whose calls go through a plan."""

    def __init__(self, port: Any, plan: Plan) -> None:
        self._port = port
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value
        return lambda *arguments, **named: self._plan.run(lambda: value(*arguments, **named))


def request(id_: str = "r1") -> Request:
    return Request(actor=Actor(kind=ActorKind.OPERATOR, id="arn:aws:iam::1:user/a"), id=id_, at=NOW)


@dataclass
class Upkeep:
    """The use cases on a real database, as they stand when the function begins."""

    engine: sa.Engine
    shelf: MemoryShelf
    clock: Clock = field(default_factory=Clock)
    plan: Plan = field(default_factory=Plan)

    def _doomed(self, port: Any) -> Any:
        return Doomed(port, self.plan)

    @property
    def partitions(self) -> PostgresPartitions:
        return PostgresPartitions(self.engine)

    @property
    def archives(self) -> PostgresArchives:
        return PostgresArchives(self.engine)

    @property
    def retention(self) -> PostgresRetention:
        return PostgresRetention(self.engine)

    @property
    def archive(self) -> ArchiveMonths:
        return ArchiveMonths(
            clock=self.clock,
            partitions=self._doomed(self.partitions),
            archives=self._doomed(self.archives),
            shelf=self._doomed(self.shelf),
        )

    @property
    def restore(self) -> RestoreArchive:
        return RestoreArchive(clock=self.clock, archives=self._doomed(self.archives), shelf=self._doomed(self.shelf))

    @property
    def keep(self) -> KeepRetention:
        return KeepRetention(
            clock=self.clock,
            retention=self._doomed(self.retention),
            archives=self._doomed(self.archives),
            shelf=self._doomed(self.shelf),
        )

    @property
    def change(self) -> ChangeRetention:
        return ChangeRetention(clock=self.clock, retention=self._doomed(self.retention))

    @property
    def deletion(self) -> DeleteTenant:
        return DeleteTenant(clock=self.clock, retention=self._doomed(self.retention), shelf=self._doomed(self.shelf))


def write(connect: Connect, tenant: TenantId, moment: datetime, *problems: str, number: int = 1) -> ReviewKey:
    """Record a review of that time, with these problems."""
    message = recorded(int(moment.timestamp()), head=f"{moment:%y%m%d%H%M}"[:1], tenant=tenant, number=number)
    message = replace(
        message,
        finished_at=moment.isoformat(),
        key=replace(message.key, head_sha=f"{moment.isoformat()}"),
    )
    PostgresReviewRecord(connect("codereview_writer")).write(message, result(*problems))
    return message.key


def years(connect: Connect) -> None:
    """Fill the record: three tenants, old and young, and text that an archive could trip over."""
    for tenant in (TENANT, OTHER, THIRD):
        write(connect, tenant, datetime(2024, 12, 5, tzinfo=UTC), "x", "back\\slash\ttab\nline\r\n", "\\N", "")
        write(connect, tenant, datetime(2026, 3, 1, tzinfo=UTC), "young", number=3)
    write(connect, TENANT, datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "last", "moment", number=2)
    write(connect, OTHER, datetime(2025, 1, 1, tzinfo=UTC), "first moment", number=2)


def upkeep(connect: Connect, shelf: MemoryShelf | None = None, **more: Any) -> Upkeep:
    return Upkeep(engine=connect("codereview_maintenance"), shelf=shelf or MemoryShelf(), **more)


def in_database(superuser: psycopg.Connection) -> list[str]:
    """Give every finding as COPY writes it, but without its partition."""
    superuser.execute("SET timezone = 'UTC'")
    with superuser.cursor() as cursor, cursor.copy("COPY (SELECT * FROM findings) TO STDOUT") as copy:
        return sorted(bytes(b"".join(copy)).decode().splitlines())


def in_objects(superuser: psycopg.Connection, shelf: MemoryShelf, *states: str) -> list[str]:
    """Give the rows of every archive in these states, from objects that have the sums that the record says."""
    found = []
    for row in rows(superuser, "SELECT * FROM archives WHERE state = ANY(%s)", list(states)):
        data = shelf.objects[row["object_key"]]
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        lines = b"".join(unpacked(data)).decode().splitlines()[1:]
        assert len(lines) == row["row_count"]
        found += lines
    return sorted(found)
