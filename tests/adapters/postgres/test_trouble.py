"""The recorder while the database is in trouble: the message is kept, nothing is half written, and later it is done."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres import connections
from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.adapters.postgres.connections import DatabaseAddress, engine, tenant_transaction, translated
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.domain.audit import verify
from codereview.errors import CodeReviewError, ConfigurationError, PermanentError, RetryableError
from local.database import Database
from local.processes import LOOPBACK, free_ports
from tests.adapters.postgres.conftest import address
from tests.adapters.postgres.reviews_world import TENANT, lives, recorded, result, rows, snapshot
from tests.adapters.postgres.test_audit import entry

Connect = Callable[[str], sa.Engine]


@pytest.fixture
def writer(connect: Connect) -> sa.Engine:
    return connect("codereview_writer")


# --- what each error means ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", RetryableError),  # connection failure
        ("25006", RetryableError),  # read-only transaction: yesterday's writer, after a failover
        ("40001", RetryableError),  # serialization failure
        ("40P01", RetryableError),  # deadlock
        ("53100", RetryableError),  # disk full
        ("53300", RetryableError),  # too many connections
        ("55P03", RetryableError),  # lock time-out
        ("57014", RetryableError),  # statement time-out
        ("57P01", RetryableError),  # shutting down
        ("57P03", RetryableError),  # starting up, as a paused cluster does
        ("58030", RetryableError),  # I/O error
        ("28P01", ConfigurationError),  # the token is refused
        ("42501", ConfigurationError),  # a right is missing
        ("42P01", ConfigurationError),  # a table is missing
        ("42703", ConfigurationError),  # a column is missing
        ("22P05", CodeReviewError),  # a character that cannot be stored
        ("23503", CodeReviewError),  # a row refers to nothing
        ("XX000", CodeReviewError),  # PostgreSQL's own bug
    ],
)
def test_f33_f34_f35_f36_f37_every_database_error_keeps_the_message(
    superuser: psycopg.Connection, connect: Connect, state: str, kind: type[CodeReviewError]
) -> None:
    superuser.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION 'canary' USING ERRCODE = '{state}'; END $$".encode()
    )
    superuser.execute("CREATE TRIGGER fail BEFORE INSERT ON findings FOR EACH ROW EXECUTE FUNCTION fail()")
    with pytest.raises(kind) as caught:
        PostgresReviewRecord(connect("codereview_writer")).write(recorded(), result("x"))
    assert type(caught.value) is kind
    assert not isinstance(caught.value, PermanentError)
    assert state in str(caught.value)
    assert "canary" not in str(caught.value)
    assert rows(superuser, "SELECT FROM reviews") == []
    superuser.execute("DROP TRIGGER fail ON findings")
    PostgresReviewRecord(connect("codereview_writer")).write(recorded(), result("x"))
    assert len(rows(superuser, "SELECT FROM findings")) == 1


def test_f33_a_database_that_nobody_listens_for_is_retryable(server: Database) -> None:
    (closed,) = free_ports(1)
    nowhere = DatabaseAddress(
        host=LOOPBACK, port=closed, name="x", user="x", sslmode="disable", ca_file="", password=lambda: "token"
    )
    with pytest.raises(RetryableError, match="unreachable"):
        PostgresReviewRecord(engine(nowhere)).write(recorded(), None)
    with pytest.raises((RetryableError, ConfigurationError)):
        PostgresReviewRecord(engine(address(server, "no_such_database", "codereview_writer"))).write(recorded(), None)


def test_f35_more_workers_than_the_database_takes_connections_write_everything_one_after_the_other(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    reviews = [(recorded(1, number=number), result("x")) for number in range(1, 13)]
    waiting, refusals = list(reviews), list[str]()
    lock = threading.Lock()

    def work() -> None:
        """Do what Lambda does with the queue: take a message, and put it back when it did not work."""
        record = PostgresReviewRecord(connect("codereview_writer"))
        while True:
            with lock:
                if not waiting:
                    return
                taken = waiting.pop(0)
            try:
                record.write(*taken)
            except RetryableError as error:
                with lock:
                    refusals.append(str(error))
                    waiting.append(taken)

    superuser.execute("ALTER ROLE codereview_writer CONNECTION LIMIT 1")
    try:
        occupied = connect("codereview_writer").connect()
        with pytest.raises(RetryableError, match=r"unreachable|53300"):
            PostgresReviewRecord(connect("codereview_writer")).write(*reviews[0])
        occupied.close()
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        superuser.execute("ALTER ROLE codereview_writer CONNECTION LIMIT -1")
    assert {refusal.partition(":")[0] for refusal in refusals} <= {"database unreachable", "database answered 53300"}
    assert len(rows(superuser, "SELECT FROM findings")) == len(reviews)


def test_a_programming_error_without_the_servers_word_is_no_passing_trouble() -> None:
    error = sa.exc.DBAPIError("SELECT", {}, psycopg.ProgrammingError("canary"))
    assert type(translated(error)) is CodeReviewError


def test_f34_two_workers_that_lock_each_other_out_lose_nothing(
    writer: sa.Engine, superuser: psycopg.Connection
) -> None:
    first, second = recorded(1, head="a"), recorded(2, head="b")
    record = PostgresReviewRecord(writer)
    record.write(first, None)
    record.write(second, None)
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def cross(one: str, other: str) -> None:
        try:
            with tenant_transaction(writer, TENANT) as connection:
                for review_id in (one, other):
                    connection.execute(
                        sa.text("UPDATE reviews SET reason = 'crossed' WHERE review_id = :id"), {"id": review_id}
                    )
                    with suppress(threading.BrokenBarrierError):
                        barrier.wait(5)
        except RetryableError as error:
            barrier.abort()
            outcomes.append(str(error))

    ids = [str(message.review_id) for message in (first, second)]
    threads = [threading.Thread(target=cross, args=pair) for pair in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["database answered 40P01"]
    assert len(rows(superuser, "SELECT FROM reviews WHERE reason = 'crossed'")) == 2


def test_f36_a_locked_table_is_waited_for_a_while_only(
    writer: sa.Engine, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_LOCK_TIMEOUT", "50ms")
    with superuser.transaction():
        superuser.execute("LOCK TABLE findings IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(RetryableError, match="55P03"):
            PostgresReviewRecord(writer).write(recorded(), result("x"))
    assert rows(superuser, "SELECT FROM reviews") == []


def test_f36_a_statement_that_does_not_end_is_ended(writer: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_STATEMENT_TIMEOUT", "50ms")
    with pytest.raises(RetryableError, match="57014"), tenant_transaction(writer, TENANT) as connection:
        connection.execute(sa.text("SELECT pg_sleep(30)"))


def test_f33_a_failover_to_a_reader_and_back_loses_nothing(
    connect: Connect, superuser: psycopg.Connection, database_name: str
) -> None:
    superuser.execute(f"ALTER DATABASE {database_name} SET default_transaction_read_only = on".encode())
    record = PostgresReviewRecord(connect("codereview_writer"))
    with pytest.raises(RetryableError, match="25006"):
        record.write(recorded(), result("x"))
    superuser.execute("SET default_transaction_read_only = off")
    superuser.execute(f"ALTER DATABASE {database_name} RESET default_transaction_read_only".encode())
    record.write(recorded(), result("x"))
    assert len(rows(superuser, "SELECT FROM findings")) == 1


# --- connections that are cut -----------------------------------------------------------------------------------------


def test_f31_f32_a_connection_that_is_cut_before_any_statement_leaves_all_or_nothing(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    before = recorded(1, head="b")
    for fatal in range(1, 100):
        writer, statements = connect("codereview_writer"), 0

        def cut(*_: object, fatal: int = fatal) -> None:
            nonlocal statements
            statements += 1
            if statements == fatal:
                superuser.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'codereview_writer'"
                    " AND datname = current_database()"
                )

        sa.event.listen(writer, "before_cursor_execute", cut)
        sa.event.listen(writer, "commit", cut)
        message = recorded(2)
        try:
            PostgresReviewRecord(writer).write(message, result("x", "y"))
        except RetryableError:
            assert snapshot(superuser)["reviews"] == []
            continue
        break
    assert statements >= 8
    PostgresReviewRecord(connect("codereview_writer")).write(recorded(2), result("x", "y"))
    PostgresReviewRecord(connect("codereview_writer")).write(before, result())
    assert len(rows(superuser, "SELECT FROM findings")) == 2


@contextmanager
def deaf_on_commit(server: Database) -> Iterator[tuple[int, list[bytes]]]:
    """Stand before the server, and once a COMMIT was passed on, let nothing back: not even whether it happened."""
    committed: list[bytes] = []
    listener = socket.create_server((LOOPBACK, 0))
    listener.settimeout(30)

    def pass_on(source: socket.socket, target: socket.socket, *, is_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if not is_client and committed:
                    break
                if is_client and b"COMMIT" in data:
                    committed.append(data)  # before it is passed on: the answer may be here at once
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            client, _ = listener.accept()
            with client, socket.create_connection((LOOPBACK, server.port)) as upstream:
                back = threading.Thread(target=pass_on, args=(upstream, client), kwargs={"is_client": False})
                back.start()
                pass_on(client, upstream, is_client=True)
                back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], committed
    finally:
        listener.close()
        thread.join()


def through(port: int, name: str) -> sa.Engine:
    return engine(
        DatabaseAddress(
            host=LOOPBACK,
            port=port,
            name=name,
            user="codereview_writer",
            sslmode="disable",
            ca_file="",
            password=lambda: "token",
        )
    )


def test_f32_a_commit_without_an_answer_is_repeated_and_happens_once(
    server: Database, database_name: str, connect: Connect, superuser: psycopg.Connection
) -> None:
    with deaf_on_commit(server) as (port, committed):
        with pytest.raises(RetryableError):
            PostgresReviewRecord(through(port, database_name)).write(recorded(), result("x"))
        assert committed
    # It did happen, though nobody was told.
    assert len(rows(superuser, "SELECT FROM findings")) == 1
    first = snapshot(superuser)
    PostgresReviewRecord(connect("codereview_writer")).write(recorded(), result("x"))
    assert snapshot(superuser) == first


def test_f32_an_audit_entry_whose_commit_was_not_answered_is_there_once(
    server: Database, database_name: str, connect: Connect
) -> None:
    with deaf_on_commit(server) as (port, _), pytest.raises(RetryableError):
        PostgresAuditLog(through(port, database_name)).append([entry(1)])
    log = PostgresAuditLog(connect("codereview_writer"))
    log.append([entry(1), entry(2)])
    assert log.head(TENANT).seq == 2
    assert verify(log.records(TENANT)) == ()


def test_f31_a_batchs_connection_that_dies_is_replaced_and_none_outlives_the_batch(
    server: Database, database_name: str, superuser: psycopg.Connection
) -> None:
    kept = engine(address(server, database_name, "codereview_writer"), is_kept=True)
    record = PostgresReviewRecord(kept)
    record.write(recorded(1), result("x"))
    sessions = "SELECT pid FROM pg_stat_activity WHERE usename = 'codereview_writer' AND datname = current_database()"
    (session,) = rows(superuser, sessions)
    record.write(recorded(2, head="b"), result("x"))
    assert rows(superuser, sessions) == [session]
    superuser.execute("SELECT pg_terminate_backend(%s)", [session["pid"]])
    with pytest.raises(RetryableError):
        record.write(recorded(3, head="c"), result())
    assert set(lives(superuser).values()) == {"open"}
    record.write(recorded(3, head="c"), result())
    assert set(lives(superuser).values()) == {"fixed"}
    kept.dispose()
    assert wait_until_gone(superuser, sessions)


def wait_until_gone(superuser: psycopg.Connection, sessions: str) -> bool:
    """The server notices a closed connection a moment later."""
    for _ in range(100):
        if not rows(superuser, sessions):
            return True
        superuser.execute("SELECT pg_sleep(0.05)")
    return False


def test_workers_at_once_on_one_pull_request_agree_on_every_life(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    record = PostgresReviewRecord(connect("codereview_writer"))
    reviews = [(recorded(n + 1, head=f"{n:x}"), result(*(f"p{k}" for k in range(5) if (n + k) % 3))) for n in range(12)]

    def work(start: int) -> None:
        for index in range(12):
            record.write(*reviews[(start * 5 + index * 7) % 12])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(superuser, "SELECT FROM findings")) == sum(len(made.findings) for _, made in reviews)
    last = {found.fingerprint for found in reviews[-1][1].findings}
    assert {key for key, status in lives(superuser).items() if status == "open"} == last


def test_a_second_review_of_a_pull_request_waits_for_the_first_one_to_be_written(
    connect: Connect, superuser: psycopg.Connection
) -> None:
    slow, other = connect("codereview_writer"), connect("codereview_writer")
    is_written, may_commit, is_done = threading.Event(), threading.Event(), threading.Event()

    def wait(_: sa.Connection) -> None:
        is_written.set()
        may_commit.wait(10)

    sa.event.listen(slow, "commit", wait)

    def second() -> None:
        PostgresReviewRecord(other).write(recorded(2, head="b"), result())
        is_done.set()

    first = threading.Thread(target=lambda: PostgresReviewRecord(slow).write(recorded(1), result("x")))
    first.start()
    assert is_written.wait(10)
    follower = threading.Thread(target=second)
    follower.start()
    # Another pull request has nothing to wait for.
    PostgresReviewRecord(other).write(recorded(1, number=2), result())
    assert not is_done.wait(0.3)
    may_commit.set()
    first.join()
    follower.join()
    # Had it not waited, it would not have seen what it makes fixed.
    assert set(lives(superuser).values()) == {"fixed"}
