"""The record's connection, cut at any byte of either direction, orderly or by a reset: all or nothing, and once."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.connections import DatabaseAddress, engine
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.errors import RetryableError
from local.database import Database
from local.processes import LOOPBACK
from tests.adapters.postgres.reviews_world import recorded, result, rows

Connect = Callable[[str], sa.Engine]
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends a reset


@dataclass
class Cut:
    """A proxy before the server, which hangs up after so many bytes of one direction; None: never."""

    server_port: int
    after: int | None = None
    is_of_client: bool = False
    is_reset: bool = False
    passed: int = 0  # bytes of that direction
    listener: socket.socket = field(default_factory=lambda: socket.create_server((LOOPBACK, 0)))
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection((LOOPBACK, self.server_port))
                ends = (client, server)
                back = threading.Thread(target=self._pass_on, args=(server, client), kwargs={"is_client": False})
                back.start()
                self._pass_on(client, server, is_client=True)
                back.join()
                for end in ends:
                    end.close()

    def _pass_on(self, source: socket.socket, target: socket.socket, *, is_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_client is self.is_of_client:
                    room = len(data) if self.after is None else max(self.after - self.passed, 0)
                    target.sendall(data[:room])
                    self.passed += min(len(data), room)
                    if room < len(data):
                        break
                else:
                    target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                if self.is_reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)


def through(port: int, name: str, *, is_kept: bool = False) -> sa.Engine:
    address = DatabaseAddress(
        host=LOOPBACK,
        port=port,
        name=name,
        user="codereview_writer",
        sslmode="disable",
        ca_file="",
        password=lambda: "token",
    )
    return engine(address, is_kept=is_kept)


def write(database: sa.Engine, number: int) -> None:
    """Write a review of a pull request of its own."""
    PostgresReviewRecord(database).write(recorded(number=number), result("x", "y"))


def bytes_of_a_write(server: Database, name: str, *, is_of_client: bool) -> int:
    with Cut(server.port, is_of_client=is_of_client) as proxy:
        write(through(proxy.port, name), FIRST)
        return proxy.passed


def written(superuser: psycopg.Connection, number: int) -> tuple[int, int]:
    """Count the reviews and findings of a pull request."""
    found = "FROM reviews WHERE number = %s"
    findings = f"SELECT FROM findings WHERE review_id IN (SELECT review_id {found})"
    return len(rows(superuser, f"SELECT {found}", number)), len(rows(superuser, findings, number))


NOTHING, ALL = (0, 0), (1, 2)
FIRST = 100_000  # all numbers are of one length, and so are the statements with them


def cut_everywhere(
    server: Database, name: str, connect: Connect, superuser: psycopg.Connection, *, is_of_client: bool, step: int
) -> None:
    """Cut a write after each `step` bytes, every other time by a reset, and repeat it over a sound connection."""
    total = bytes_of_a_write(server, name, is_of_client=is_of_client)
    sound, ends = connect("codereview_writer"), set[tuple[int, int]]()
    for number, after in enumerate(range(0, total + 2 * step, step), start=FIRST + 1):
        is_reset = number % 2 == 0
        with Cut(server.port, after=after, is_of_client=is_of_client, is_reset=is_reset) as proxy:
            try:
                write(through(proxy.port, name), number)
            except RetryableError:
                pass
            else:
                assert written(superuser, number) == ALL, after
        wait_until_idle(superuser)
        ends.add(written(superuser, number))
        write(sound, number)
        assert written(superuser, number) == ALL, after
    # Some were cut before the end of the transaction, some after it: those were repeated, and nothing came of it.
    assert ends == {NOTHING, ALL}


def wait_until_idle(superuser: psycopg.Connection) -> None:
    """Let the server end what nobody waits for any more."""
    busy = "SELECT FROM pg_stat_activity WHERE usename = 'codereview_writer' AND datname = current_database()"
    for _ in range(200):
        if not rows(superuser, busy):
            return
        superuser.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("a session stays")


@pytest.mark.parametrize("is_of_client", [False, True], ids=["answers", "statements"])
def test_f31_f32_a_connection_that_is_cut_at_any_byte_leaves_all_or_nothing(
    server: Database, database_name: str, connect: Connect, superuser: psycopg.Connection, *, is_of_client: bool
) -> None:
    cut_everywhere(server, database_name, connect, superuser, is_of_client=is_of_client, step=149)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("is_of_client", [False, True], ids=["answers", "statements"])
def test_a_connection_that_is_cut_at_each_single_byte_leaves_all_or_nothing(
    server: Database, database_name: str, connect: Connect, superuser: psycopg.Connection, *, is_of_client: bool
) -> None:
    cut_everywhere(server, database_name, connect, superuser, is_of_client=is_of_client, step=1)


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_f31_a_connection_that_died_while_the_sandbox_was_frozen_is_replaced(
    server: Database, database_name: str, superuser: psycopg.Connection, *, is_reset: bool
) -> None:
    with Cut(server.port, is_reset=is_reset) as proxy:
        kept = through(proxy.port, database_name, is_kept=True)
        write(kept, 1)
        proxy.after = proxy.passed  # whatever the server says from now on is lost
        with pytest.raises(RetryableError):
            write(kept, 2)
        proxy.after = None
        write(kept, 2)
        kept.dispose()
    assert (written(superuser, 1), written(superuser, 2)) == (ALL, ALL)


def test_f31_a_server_that_vanished_without_a_word_is_noticed_within_a_statements_time(
    server: Database, database_name: str
) -> None:
    """A host that is gone answers nothing, not even that: only the kernel's own questions find it out."""
    with through(server.port, database_name).connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        with socket.socket(fileno=raw.fileno()) as borrowed:
            try:
                options = [
                    borrowed.getsockopt(level, name)
                    for level, name in (
                        (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                    )
                ]
            finally:
                borrowed.detach()
    is_on, idle, interval, times, unheard = options
    assert is_on
    assert idle + interval * times <= 30
    assert unheard <= 30_000
