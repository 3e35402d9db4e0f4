"""What the record bears: writing findings and audit entries, checking a chain, reading lists, archiving a month.

Run as `python -m tests.benchmarks.record [ROWS]`: how many findings the tables are filled with (1,000,000 without a
word; 200,000 fit into two minutes). No test: the machine's load decides about the times. What is a test is below them:
every list must be read by an index, and the locks of an archive must be short.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from codereview.adapters.postgres.archiving import PostgresArchives
from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.adapters.postgres.connections import DatabaseAddress, engine
from codereview.adapters.postgres.migrating import migrate
from codereview.adapters.postgres.months import PostgresPartitions
from codereview.adapters.postgres.reports import PostgresReports
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.domain.audit import verify
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry
from codereview.domain.finding import Severity
from codereview.domain.review import TenantId, tenant_of
from codereview.report_ports import FindingFilter, Period, ReviewFilter
from codereview.use_cases.maintain.archive_months import ArchiveMonths
from local import database
from local.processes import LOOPBACK, Processes, free_ports
from tests.adapters.postgres.reviews_world import finding, recorded, result
from tests.adapters.postgres.upkeep_world import Clock, MemoryShelf

_WORDS = "words of a body " * 15
_NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
_TENANTS = 2_000
_PER_REVIEW = 25
_BATCH = 10  # messages of the record queue that share a connection
_REVIEWS = 400
_ENTRIES = 400
_ASKED = 200
_YEAR = Period(since=_NOW - timedelta(days=365), until=_NOW + timedelta(days=1))


@dataclass(frozen=True)
class Bench:
    """A server with the record's schema."""

    port: int

    def engine(self, user: str, *, is_kept: bool = False) -> sa.Engine:
        """Connect as a role."""
        address = DatabaseAddress(
            host=LOOPBACK,
            port=self.port,
            name=database.NAME,
            user=user,
            sslmode="disable",
            ca_file="",
            password=lambda: "token",
        )
        return engine(address, is_kept=is_kept)

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """Connect past row security."""
        dsn = f"postgresql://rdsadmin@{LOOPBACK}:{self.port}/{database.NAME}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection


# Reviews and findings of two thousand tenants over eighteen months, of which a few have most, as tenants do.
_FILL = """
    INSERT INTO reviews (tenant_id, review_id, repository_id, number, head_sha, kind, state, sequence, files_total,
                         files_reviewed, findings_total, finished_at, is_identified)
    SELECT 'github.com:' || (1 + floor({tenants} * power(r.chance, 3)))::int, gen_random_uuid(),
           1 + n % 50, 1 + n % 1000, md5(n::text), 'auto', 'posted', n, 9, 9, {per_review},
           '{now}'::timestamptz - interval '540 days' * ((n::bigint * 7919 % {reviews})::float / {reviews}), true
    FROM generate_series(1, {reviews}) AS n, LATERAL (SELECT random() + n * 0 AS chance) AS r;
    INSERT INTO findings (tenant_id, review_id, ordinal, created_at, agent, engine, prompt_version, rule, severity,
                          confidence, path, side, line, placement, title, body, fingerprint)
    SELECT tenant_id, review_id, k, finished_at, (ARRAY['correctness', 'security', 'ruff'])[1 + k % 3], 'mock', '1',
           'rule' || k % 40, (ARRAY['critical', 'high', 'medium', 'low', 'info'])[1 + (k + sequence) % 5], 0.5,
           'src/' || md5((k + sequence)::text) || '.py', 'RIGHT', k, 'inline', 'A title of the usual length ' || k,
           repeat('words of a body ', 15), md5(k::text)
    FROM reviews, generate_series(1, {per_review}) AS k WHERE length(head_sha) = 32;
    INSERT INTO usage (tenant_id, review_id, agent, engine, status, calls, input_tokens, output_tokens, cached_tokens,
                       findings, created_at)
    SELECT tenant_id, review_id, agent, 'mock', 'complete', 1, 1000, 100, 500, 3, finished_at
    FROM reviews, unnest(ARRAY['correctness', 'security', 'ruff']) AS agent WHERE length(head_sha) = 32;
    INSERT INTO finding_identity (tenant_id, repository_id, number, fingerprint, status, agent, rule, severity, path,
                                  first_review_id, last_review_id, sequence, created_at, updated_at)
    SELECT tenant_id, repository_id, number, md5(sequence || ' ' || k), (ARRAY['open', 'fixed'])[1 + k % 2],
           'correctness', 'rule' || k, 'high', 'a.py', review_id, review_id, sequence, finished_at, finished_at
    FROM reviews, generate_series(1, 3) AS k WHERE length(head_sha) = 32;
    VACUUM ANALYZE
"""


def report_line(line: str) -> None:
    """Print a figure when it is known."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measured(name: str, count: int, work: Callable[[], object], *, unit: str) -> float:
    """Run, and print how many there were a second."""
    began = time.perf_counter()
    work()
    rate = count / (time.perf_counter() - began)
    report_line(f"{name:<34}{rate:>12,.0f} {unit}")
    return rate


def write_findings(bench: Bench) -> None:
    """Record reviews in batches, as the recorder does."""
    kept = bench.engine("codereview_writer", is_kept=True)
    record = PostgresReviewRecord(kept)
    work = []
    for number in range(_REVIEWS):
        message = recorded(number + 1, number=number + 1, tenant=tenant_of("github.com", 1_000_000 + number % 20))
        message = replace(message, key=replace(message.key, head_sha=f"{number:040d}"))
        found = (finding(f"{number} {k}", body=_WORDS, severity=Severity.LOW) for k in range(_PER_REVIEW))
        work.append((message, result(*found)))

    def run() -> None:
        for number, each in enumerate(work):
            record.write(*each)
            if number % _BATCH == _BATCH - 1:
                kept.dispose()
        kept.dispose()

    measured("findings recorded", _REVIEWS * _PER_REVIEW, run, unit="/s (target 2,000)")


def _entries(tenant: TenantId, count: int, *, first: int = 0) -> list[AuditEntry]:
    return [
        AuditEntry(
            id=UUID(int=first + number),
            tenant=tenant,
            actor=Actor(kind=ActorKind.PERSON, id="github.com:5", address="192.0.2.1"),
            action="flags.change",
            target="flags",
            before={"posting": True, "agents": {"security": {"mode": "on", "percent": 0}}},
            after={"posting": False, "agents": {"security": {"mode": "off", "percent": 0}}},
            at=_NOW + timedelta(milliseconds=number),
            request_id=f"r{number}",
        )
        for number in range(count)
    ]


def append_audit(bench: Bench) -> None:
    """Append one entry at a time, ten to a connection; then check the chain."""
    kept, tenant = bench.engine("codereview_writer", is_kept=True), tenant_of("github.com", 77)
    log = PostgresAuditLog(kept)

    def run() -> None:
        for number, entry in enumerate(_entries(tenant, _ENTRIES)):
            log.append([entry])
            if number % _BATCH == _BATCH - 1:
                kept.dispose()

    measured("audit entries appended", _ENTRIES, run, unit="/s (target 200)")
    kept.dispose()
    if verify(log.records(tenant)):
        raise SystemExit("the chain does not hold")


def verify_audit(bench: Bench, rows: int) -> None:
    """Verify a long chain, a million rows of which shall take a minute."""
    log, tenant = PostgresAuditLog(bench.engine("codereview_writer")), tenant_of("github.com", 78)
    for first in range(0, rows, 5_000):
        log.append(_entries(tenant, min(5_000, rows - first), first=first))

    def run() -> None:
        if verify(log.records(tenant), anchors=[log.head(tenant)]):
            raise SystemExit("the chain does not hold")

    rate = measured("audit entries verified", rows, run, unit="/s (target 16,667)")
    report_line(f"{'':<34}{1_000_000 / rate:>12,.0f} s for a million (target 60)")


def read_lists(bench: Bench) -> None:
    """Ask for pages of small and large tenants, and look at how the database reads them."""
    database_ = bench.engine("codereview_reader")
    reports = PostgresReports(database_, Clock(_NOW))
    tenants = [tenant_of("github.com", 1 + number * number % _TENANTS) for number in range(_ASKED)]
    asks: dict[str, Callable[[TenantId], Any]] = {
        "findings": lambda tenant: reports.findings(tenant, _YEAR, FindingFilter(), limit=50, after=None),
        "findings, critical": lambda tenant: reports.findings(
            tenant, _YEAR, FindingFilter(severity=Severity.CRITICAL), limit=50, after=None
        ),
        "findings, second page": lambda tenant: _second_page(reports, tenant),
        "reviews": lambda tenant: reports.reviews(tenant, _YEAR, ReviewFilter(), limit=50, after=None),
        "usage": lambda tenant: reports.usage(tenant, _YEAR),
        "precision": lambda tenant: reports.precision(tenant, _YEAR),
    }
    statements = list[tuple[str, Any]]()
    sa.event.listen(
        database_, "before_cursor_execute", lambda _c, _k, text, given, *_: statements.append((text, given))
    )
    for name, ask in asks.items():
        times = []
        for tenant in tenants:
            began = time.perf_counter()
            ask(tenant)
            times.append((time.perf_counter() - began) * 1000)
        p95 = statistics.quantiles(times, n=20)[-1]
        report_line(f"{name + ', p95':<34}{p95:>12,.1f} ms (target 300)")
    _expect_indexes(
        bench, [each for each in statements if each[0].startswith("SELECT") and "set_config" not in each[0]]
    )


def _second_page(reports: PostgresReports, tenant: TenantId) -> None:
    first = reports.findings(tenant, _YEAR, FindingFilter(), limit=50, after=None)
    if first.next is not None:
        reports.findings(tenant, _YEAR, FindingFilter(), limit=50, after=first.next)


def _expect_indexes(bench: Bench, statements: list[tuple[str, Any]]) -> None:
    """Fail where a list reads a whole table; what is empty or tiny is read as it comes."""
    with bench.superuser() as connection:
        connection.execute("SET ROLE codereview_reader")
        scans = set()
        for text, given in {text: (text, given) for text, given in statements}.values():
            connection.execute("SELECT set_config('app.tenant', %s, false)", ["github.com:1"])
            found = connection.execute(f"EXPLAIN (FORMAT JSON) {text}".encode(), given).fetchone()
            scans |= set(_scans(json.loads(json.dumps(found[0] if found else []))))
        connection.execute("RESET ROLE")
        large = {
            row[0]
            for row in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 1000")
        }
    if read := sorted(scans & large):
        raise SystemExit(f"read from end to end: {', '.join(read)}")
    report_line(f"{'tables read from end to end':<34}{0:>12} (target 0)")


def _scans(plan: Any) -> Iterator[str]:
    if isinstance(plan, list):
        for each in plan:
            yield from _scans(each)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for value in plan.values():
            yield from _scans(value)


def archive_months(bench: Bench) -> None:
    """Archive what is old, while somebody reads the same table all the time."""
    role = bench.engine("codereview_maintenance")
    archive = ArchiveMonths(
        clock=Clock(_NOW), partitions=PostgresPartitions(role), archives=PostgresArchives(role), shelf=MemoryShelf()
    )
    waited, is_done = [0.0], threading.Event()

    def read() -> None:
        with bench.superuser() as connection:
            while not is_done.is_set():
                began = time.perf_counter()
                connection.execute("SELECT count(*) FROM findings WHERE tenant_id = '' AND created_at > '2026-03-01'")
                waited.append((time.perf_counter() - began) * 1000)
                time.sleep(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    began = time.perf_counter()
    report = archive(deadline=_NOW + timedelta(hours=1))
    seconds = time.perf_counter() - began
    is_done.set()
    reader.join()
    report_line(
        f"{'rows archived':<34}{report.rows:>12,} in {seconds:.1f} s, {len(report.months)} months, {report.left} left"
    )
    report_line(f"{'longest wait of a reader':<34}{max(waited):>12,.1f} ms (target 100)")


def main() -> None:
    """Measure everything."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (port,) = free_ports(1)
        with Processes([folder / "postgres"]) as processes:
            database.start(processes, folder=folder, port=port)
            bench = Bench(port)
            migrate(bench.engine("codereview_owner"), now=_NOW - timedelta(days=540))
            for month in range(18):
                migrate(bench.engine("codereview_owner"), now=_NOW - timedelta(days=30 * month))
            write_findings(bench)
            append_audit(bench)
            verify_audit(bench, rows // 10)
            began = time.perf_counter()
            with bench.superuser() as connection:
                given = {"tenants": _TENANTS, "per_review": _PER_REVIEW, "reviews": rows // _PER_REVIEW, "now": _NOW}
                for statement in _FILL.format(**given).split(";"):
                    connection.execute(statement.encode())
            report_line(f"{'rows filled in':<34}{rows:>12,} in {time.perf_counter() - began:.0f} s")
            read_lists(bench)
            archive_months(bench)


if __name__ == "__main__":
    main()
