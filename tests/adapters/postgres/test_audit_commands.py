"""`codereview audit` on a real PostgreSQL: the log is read and verified, and whatever was done to it is found."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.adapters.postgres.retaining import PostgresRetention
from codereview.adapters.system.folder import FolderShelf
from codereview.cli.main import cli
from codereview.domain.audit import DEPLOYMENT, GENESIS, AuditRecord, Head, Problem, digest
from codereview.domain.audit_anchors import anchor_key, anchored
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.errors import RetryableError
from codereview.use_cases.maintain.delete_tenant import DeleteTenant
from codereview.use_cases.maintain.keep_anchors import BrokenChainError, KeepAnchors
from local import database
from local.processes import LOOPBACK
from tests.adapters.postgres.reviews_world import OTHER, TENANT, rows
from tests.adapters.postgres.test_audit import TAMPERING, Connect, entry
from tests.adapters.postgres.upkeep_world import Clock

FAR = datetime(9999, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
Run = Callable[..., Result]


@pytest.fixture
def log(connect: Connect) -> PostgresAuditLog:
    return PostgresAuditLog(connect("codereview_writer"))


@pytest.fixture
def shelf(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path)


@pytest.fixture
def nights(connect: Connect, shelf: FolderShelf) -> KeepAnchors:
    return KeepAnchors(clock=Clock(), chains=PostgresAuditLog(connect("codereview_maintenance")), shelf=shelf)


@pytest.fixture
def run(server: database.Database, database_name: str, tmp_path: Path) -> Run:
    url = f"postgresql://codereview_maintenance:token@{LOOPBACK}:{server.port}/{database_name}"

    def call(*arguments: str, options: tuple[str, ...] = ()) -> Result:
        where = ["--database-url", url, "--archives", str(tmp_path)]
        return CliRunner().invoke(cli, ["audit", *where, *options, *arguments])

    return call


@dataclass
class Sealed:
    """The log with its seals broken, as only somebody can who is the database's superuser."""

    connection: psycopg.Connection

    def tamper(self, statement: str) -> None:
        self.connection.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
        self.connection.execute("ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_pkey")
        self.connection.execute(statement.encode())

    def rewrite(self) -> None:
        """Make another story of the tenant's chain, each entry of which fits the one before it."""
        head = GENESIS
        for row in rows(self.connection, f"SELECT * FROM audit_log WHERE tenant_id = '{TENANT}' ORDER BY seq"):
            known = {name: row[name] for name in ("seq", "entry_id", "at", "actor", "action", "target", "details")}
            known |= {"actor": "person:somebody else", "prev_hash": head.hash, "hash": b""}
            record = AuditRecord(tenant=TENANT, **known)
            head = Head(seq=record.seq, hash=digest(record))
            self.tamper(
                f"UPDATE audit_log SET actor = '{record.actor}', prev_hash = '\\x{record.prev_hash.hex()}',"
                f" hash = '\\x{head.hash.hex()}' WHERE tenant_id = '{TENANT}' AND seq = {record.seq}"
            )


@pytest.fixture
def sealed(superuser: psycopg.Connection) -> Sealed:
    return Sealed(superuser)


def test_the_log_is_listed_newest_first_and_says_who_did_what(log: PostgresAuditLog, run: Run) -> None:
    log.append([entry(1), entry(2, target="key/\x07\u202e2"), entry(3, tenant=OTHER)])
    result = run("list", TENANT)
    assert result.exit_code == 0
    first, second = result.output.splitlines()
    assert "person:github.com:5  keys.revoke  key/" in first
    assert not {"\x07", "\u202e"} & set(first)
    assert second.split()[0] == "1"
    assert json.loads(run("list", TENANT, "--limit", "1", options=("--json",)).output)[0]["seq"] == 2
    assert run("list", "deployment").output == ""


def test_chains_that_nobody_touched_are_whole_and_the_heads_are_told(log: PostgresAuditLog, run: Run) -> None:
    log.append([entry(1), entry(2), entry(3, tenant=OTHER), entry(4, tenant=None)])
    result = run("verify")
    assert result.exit_code == 0
    assert [line.split()[:3] for line in result.output.splitlines()] == [
        [DEPLOYMENT, "whole", "1"],
        [OTHER, "whole", "1"],
        [TENANT, "whole", "2"],
    ]
    head = log.head(TENANT)
    assert f"head 2:{head.hash.hex()}" in result.output
    assert run("verify", TENANT, "--anchor", f"2:{head.hash.hex()}").exit_code == 0
    (only,) = json.loads(run("verify", OTHER, options=("--json",)).output)
    assert (only["tenant"], only["entries"], only["is_whole"]) == (OTHER, 1, True)


@pytest.mark.parametrize("how", TAMPERING)
def test_whatever_was_done_to_a_chain_is_found_by_its_anchors(
    log: PostgresAuditLog, nights: KeepAnchors, sealed: Sealed, run: Run, how: str
) -> None:
    log.append([entry(number) for number in range(1, 6)])
    nights.keep(deadline=FAR)
    assert run("verify").exit_code == 0
    statement, found = TAMPERING[how]
    sealed.tamper(statement)
    for result in (run("verify"), run("verify", options=("--json",))):
        assert result.exit_code == 1
        assert {problem for problem in Problem if problem.value in result.output} == found


def test_a_chain_that_was_written_anew_is_found_by_the_nights_anchors_and_by_ones_own(
    log: PostgresAuditLog, nights: KeepAnchors, sealed: Sealed, run: Run, shelf: FolderShelf
) -> None:
    log.append([entry(number) for number in range(1, 4)])
    head = log.head(TENANT)
    nights.keep(deadline=FAR)
    sealed.rewrite()
    assert Problem.REWRITTEN.value in run("verify").output
    for key in shelf.keys("anchors/"):
        shelf.delete(key)
    assert run("verify").exit_code == 0  # nobody can tell any more but who kept a head
    result = run("verify", TENANT, "--anchor", f"3:{head.hash.hex()}")
    assert result.exit_code == 1
    assert Problem.REWRITTEN.value in result.output


@pytest.mark.parametrize("arguments", [("verify", "no tenant"), ("verify", "--anchor", f"1:{'0' * 64}")])
def test_what_cannot_be_verified_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code != 0


@pytest.mark.parametrize("anchor", ["", "1", "x:y", f"1:{'0' * 63}", f"-1:{'0' * 64}"])
def test_an_anchor_of_another_form_is_refused(log: PostgresAuditLog, run: Run, anchor: str) -> None:
    log.append([entry(1)])
    assert run("verify", TENANT, "--anchor", anchor).exit_code != 0


def test_every_night_anchors_what_is_new_and_nothing_twice(
    log: PostgresAuditLog, nights: KeepAnchors, shelf: FolderShelf
) -> None:
    log.append([entry(1), entry(2, tenant=OTHER)])
    assert nights.keep(deadline=FAR).kept == 2
    assert nights.keep(deadline=FAR).kept == 0
    log.append([entry(3)])
    assert nights.keep(deadline=FAR).kept == 1
    heads = [head for key in shelf.keys("anchors/") if (head := anchored(key)) is not None]
    assert log.head(TENANT) in heads
    assert log.head(OTHER) in heads


def test_anchors_are_held_over_the_turn_of_the_year(
    log: PostgresAuditLog, nights: KeepAnchors, sealed: Sealed, run: Run
) -> None:
    log.append([entry(1), entry(2)])
    clock = nights.clock
    assert isinstance(clock, Clock)
    nights.keep(deadline=FAR)
    clock.moment += 300 * DAY
    log.append([entry(3)])
    nights.keep(deadline=FAR)
    (report,) = nights.verify(None, anchors=[], deadline=FAR)
    assert (report.anchors, report.anchored_up_to) == (2, 3)
    sealed.tamper("DELETE FROM audit_log WHERE seq = 3")
    (report,) = nights.verify(None, anchors=[], deadline=FAR)
    assert [fault.problem for fault in report.faults] == [Problem.CUT_OFF]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_log WHERE tenant_id = '{tenant}'",
        "DELETE FROM audit_log WHERE tenant_id = '{tenant}' AND seq = 2",
        "UPDATE audit_log SET actor = 'x' WHERE tenant_id = '{tenant}' AND seq = 3",
        "UPDATE audit_log SET hash = '\\x07' WHERE tenant_id = '{tenant}' AND seq = 2",
    ],
)
def test_a_night_that_finds_a_broken_chain_says_so_and_anchors_the_others_only(
    log: PostgresAuditLog, nights: KeepAnchors, sealed: Sealed, shelf: FolderShelf, statement: str
) -> None:
    log.append([entry(1), entry(2), entry(10, tenant=OTHER)])
    nights.keep(deadline=FAR)
    log.append([entry(3), entry(11, tenant=OTHER)])
    sealed.tamper(statement.format(tenant=TENANT))
    with pytest.raises(BrokenChainError, match=TENANT):
        nights.keep(deadline=FAR)
    heads = [head for key in shelf.keys("anchors/") if (head := anchored(key)) is not None]
    assert sorted(head.seq for head in heads) == [1, 2, 2]
    assert log.head(OTHER) in heads


def test_a_chain_that_is_too_long_for_the_time_is_not_called_whole(log: PostgresAuditLog, nights: KeepAnchors) -> None:
    log.append([entry(number) for number in range(1, 1_001)])
    clock = nights.clock
    assert isinstance(clock, Clock)
    with pytest.raises(RetryableError):
        nights.verify(None, anchors=[], deadline=clock.now())


def test_b103_a_tenant_that_was_deleted_and_comes_back_begins_a_chain_of_its_own(
    log: PostgresAuditLog, nights: KeepAnchors, connect: Connect, shelf: FolderShelf, run: Run
) -> None:
    log.append([entry(1), entry(2)])
    nights.keep(deadline=FAR)
    deletion = DeleteTenant(clock=Clock(), retention=PostgresRetention(connect("codereview_maintenance")), shelf=shelf)
    request = Request(actor=Actor(kind=ActorKind.OPERATOR, id="me"), id="r", at=Clock().now())
    deletion.request(TENANT, request=request)
    assert deletion.delete(TENANT, request=request, deadline=FAR).is_finished
    assert run("verify").exit_code == 0
    log.append([entry(5)])
    result = run("verify", TENANT)
    assert result.exit_code == 0
    assert "not anchored yet" in result.output


def test_an_anchors_name_says_everything() -> None:
    head = Head(seq=12, hash=bytes(range(32)))
    assert anchored(anchor_key(TENANT, head, at=Clock().now())) == head
    assert anchored("anchors/chains.json") is None
