"""The commands of the maintenance function, and the night's work."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from aws_lambda_powertools import Logger
from pydantic import AwareDatetime, Field

from codereview.domain.audit import DEPLOYMENT, AuditRecord, Head
from codereview.domain.control.audit import Request
from codereview.domain.control.tenants import parse_tenant_id
from codereview.domain.export import ExportFormat
from codereview.domain.metrics import Metric, embedded
from codereview.domain.raising import raised_at
from codereview.domain.review import TenantId
from codereview.entrypoints.maintenance import Command, Parameters
from codereview.errors import CodeReviewError, RejectedError
from codereview.ports import Clock
from codereview.record_ports import Archives, Care, Partitions
from codereview.use_cases.maintain.archive_months import ArchiveMonths
from codereview.use_cases.maintain.break_agents import BreakAgents
from codereview.use_cases.maintain.care_for_tables import CareForTables
from codereview.use_cases.maintain.compare_reviews import CompareReviews
from codereview.use_cases.maintain.delete_tenant import DeleteTenant
from codereview.use_cases.maintain.export_findings import ExportFindings
from codereview.use_cases.maintain.keep_anchors import KeepAnchors
from codereview.use_cases.maintain.keep_retention import ChangeRetention, KeepRetention
from codereview.use_cases.maintain.restore_archive import RestoreArchive

_MONTHS_AHEAD = 3
_MEASURING = timedelta(seconds=20)
# Fewer fit into a few pages, and autovacuum does not begin with them: half of ten rows is no bloat.
_NOTABLE_DEAD_ROWS = 1_000


class Nothing(Parameters):
    """No parameters."""


class DryRun(Parameters):
    """Whether only to say what would be done."""

    dry_run: bool = False


class Table(Parameters):
    """A table of the record."""

    table: str


class ScaleFactor(Table):
    """A share of dead rows."""

    scale_factor: Annotated[float, Field(ge=0, le=1)]


class NewIndex(Table):
    """Columns to index, in their order."""

    columns: list[str]


class Named(Parameters):
    """An index."""

    name: str


class OfTenant(Parameters):
    """A tenant, by id."""

    tenant: str

    @property
    def tenant_id(self) -> TenantId:
        """Return the id; raises RejectedError for what is none."""
        tenant = parse_tenant_id(self.tenant)
        if tenant is None:
            raise RejectedError("a tenant is written HOST:ACCOUNT, for example github.com:9919")
        return tenant


class Month(OfTenant):
    """A month of a tenant; the day does not matter."""

    month: date


class Rule(OfTenant):
    """A rule of retention."""

    keep_days: int
    hold_until: date | None = None


class Chain(Parameters):
    """A tenant's audit chain, or the deployment's own, by name; None: all of them."""

    tenant: str | None = None

    @property
    def name(self) -> TenantId | None:
        """Return the chain's name; raises RejectedError for what is none."""
        if self.tenant in (None, DEPLOYMENT):
            return DEPLOYMENT if self.tenant else None
        return OfTenant(tenant=self.tenant or "").tenant_id


class Verification(Chain):
    """What to verify, and heads that were kept elsewhere, as "SEQ:HASH"."""

    anchors: tuple[Annotated[str, Field(pattern=r"^[0-9]{1,18}:[0-9a-f]{64}$")], ...] = ()

    @property
    def heads(self) -> list[Head]:
        """Return the anchors as heads."""
        pairs = (anchor.split(":") for anchor in self.anchors)
        return [Head(seq=int(seq), hash=bytes.fromhex(digest)) for seq, digest in pairs]


class Latest(Chain):
    """The last entries of a chain."""

    tenant: str
    limit: Annotated[int, Field(ge=1, le=1_000)] = 50


class Export(OfTenant):
    """An export; `job` names its object."""

    job: UUID
    format: ExportFormat = ExportFormat.JSON_LINES
    since: AwareDatetime
    until: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The use cases and ports of the upkeep; `compare` and `breaker` are None where there is no control table."""

    clock: Clock
    partitions: Partitions
    archives: Archives
    care: Care
    tables: CareForTables
    archive: ArchiveMonths
    restore: RestoreArchive
    retention: KeepRetention
    rules: ChangeRetention
    deletion: DeleteTenant
    export: ExportFindings
    anchors: KeepAnchors
    compare: CompareReviews | None
    breaker: BreakAgents | None
    logger: Logger

    def commands(self) -> Mapping[str, Command[Any]]:
        """Name everything that the function can be asked for."""
        return {
            "nightly": Command(parameters=Nothing, run=self._nightly, is_alone=True),
            "status": Command(parameters=Nothing, run=lambda *_: self._status()),
            "vacuum": Command(parameters=Table, run=self._vacuum, is_audited=True),
            "autovacuum": Command(
                parameters=ScaleFactor,
                run=lambda p, *_: self.care.set_autovacuum(p.table, scale_factor=p.scale_factor),
                is_audited=True,
            ),
            "index list": Command(parameters=Nothing, run=lambda *_: self.care.indexes()),
            "index add": Command(parameters=NewIndex, run=self._add_index, is_audited=True),
            "index drop": Command(
                parameters=Named,
                run=lambda p, _, deadline: self.care.drop_index(p.name, within=deadline - self.clock.now()),
                is_audited=True,
            ),
            "archive": Command(
                parameters=DryRun,
                run=lambda p, _, deadline: self.archive(deadline=deadline, dry_run=p.dry_run),
                is_alone=True,
                is_audited=True,
            ),
            "restore": Command(
                parameters=Month,
                run=lambda p, request, _: {"rows": self.restore(p.tenant_id, p.month.replace(day=1), request=request)},
                is_alone=True,
            ),
            "retention": Command(
                parameters=DryRun,
                run=lambda p, _, deadline: self.retention(deadline=deadline, dry_run=p.dry_run),
                is_alone=True,
                is_audited=True,
            ),
            "retention set": Command(
                parameters=Rule,
                run=lambda p, request, _: self.rules(
                    p.tenant_id, keep_days=p.keep_days, hold_until=p.hold_until, request=request
                ),
            ),
            "delete tenant": Command(parameters=OfTenant, run=self._delete, is_alone=True),
            "export": Command(parameters=Export, run=self._export),
            "audit verify": Command(parameters=Verification, run=self._verify),
            "audit list": Command(
                parameters=Latest,
                run=lambda p, *_: [_entry(each) for each in self.anchors.chains.latest(p.name, limit=p.limit)],
            ),
        }

    def _vacuum(self, parameters: Table, _: Request, deadline: datetime) -> None:
        self.care.vacuum(parameters.table, within=deadline - self.clock.now())

    def _add_index(self, parameters: NewIndex, _: Request, deadline: datetime) -> dict[str, str]:
        within = deadline - self.clock.now()
        return {"name": self.care.add_index(parameters.table, parameters.columns, within=within)}

    def _delete(self, parameters: OfTenant, request: Request, deadline: datetime) -> Any:
        self.deletion.request(parameters.tenant_id, request=request)
        return self.deletion.delete(parameters.tenant_id, request=request, deadline=deadline)

    def _export(self, parameters: Export, request: Request, _: datetime) -> Any:
        return self.export(
            parameters.tenant_id,
            form=parameters.format,
            since=parameters.since,
            until=parameters.until,
            job=parameters.job,
            request=request,
        )

    def _verify(self, parameters: Verification, _: Request, deadline: datetime) -> list[dict[str, Any]]:
        if parameters.heads and parameters.name is None:
            raise RejectedError("an anchor is of one chain: name it")
        reports = self.anchors.verify(parameters.name, anchors=parameters.heads, deadline=deadline)
        return [asdict(report) | {"is_whole": not report.faults} for report in reports]

    def _status(self) -> dict[str, Any]:
        health, now = self.care.health(), self.clock.now()
        tables = [asdict(table) | {"dead_ratio": round(table.dead_ratio, 4)} for table in health.tables]
        return {
            "bytes": health.bytes,
            "transaction_age": health.transaction_age,
            "open_span": health.open_span,
            "tables": tables,
            "default_rows": self.partitions.default_rows(),
            "months": [f"{month:%Y-%m}" for month in self.partitions.ended_before(_END_OF_TIME, now=now)],
            "tenants_with_archives": len(self.archives.tenants()),
        }

    # --- the night

    def _nightly(self, _: Nothing, request: Request, deadline: datetime) -> dict[str, str]:
        """Run every step; trouble in one is not the others', and a bug is raised after they had their turn.

        `JobsFailed` is the dead man's metric, written by each night: an alarm looks at its absence too.
        """
        steps: Mapping[str, Callable[[datetime], Any]] = {
            "Partitions": lambda _: self._make_partitions(),
            "Deletions": lambda until: self.deletion.pending(request=request, deadline=until),
            "Retention": self._keep_retention,
            "Archive": self._archive,
            "Compare": self._compare,
            "Precision": lambda until: self._break_agents(request, until),
            "Anchors": lambda until: self.anchors.keep(deadline=until),
            "Tables": lambda until: self.tables(deadline=until - _MEASURING),
            "Measure": lambda _: self._measure(),
        }
        outcomes, bugs = dict[str, str](), list[Exception]()
        for name, step in steps.items():
            try:
                outcome = step(deadline)
            except CodeReviewError as error:
                self.logger.warning("Did not work this time", step=name, reason=str(error))
                outcomes[name] = "failed"
            except Exception as error:
                self.logger.exception("Unforeseen", step=name, raised_at=raised_at(error))
                bugs.append(error)
            else:
                outcomes[name] = "done"
                self.logger.info("Done", step=name, outcome=str(outcome))
        self._measured("Night", {Metric.JOBS_FAILED: list(outcomes.values()).count("failed") + len(bugs)})
        if bugs:
            raise bugs[0]
        return outcomes

    def _make_partitions(self) -> int:
        ahead = self.partitions.make_ahead(now=self.clock.now(), months=_MONTHS_AHEAD)
        in_default = self.partitions.default_rows()
        self._measured("Partitions", {Metric.PARTITIONS_AHEAD: ahead, Metric.DEFAULT_PARTITION_ROWS: in_default})
        return ahead

    def _keep_retention(self, deadline: datetime) -> Any:
        report = self.retention(deadline=deadline)
        self._measured("Retention", {Metric.DELETED_ROWS: report.deleted.total, Metric.LEGAL_HOLDS: len(report.held)})
        return report

    def _archive(self, deadline: datetime) -> Any:
        report = self.archive(deadline=deadline)
        self._measured("Archive", {Metric.ARCHIVED_ROWS: report.rows, Metric.MONTHS_NOT_ARCHIVED: len(report.left)})
        return report

    def _compare(self, deadline: datetime) -> Any:
        if self.compare is None:
            return None
        report = self.compare(deadline=deadline)
        self._measured("Comparison", {Metric.RECORD_DIFFERENCES: report.differences})
        return report

    def _break_agents(self, request: Request, deadline: datetime) -> Any:
        if self.breaker is None:
            return None
        broken = self.breaker(request=request, deadline=deadline)
        self._measured("Precision", {Metric.AGENTS_IN_SHADOW: len(broken)})
        return broken

    def _measure(self) -> None:
        health = self.care.health()
        ratios = (table.dead_ratio for table in health.tables if table.dead_rows >= _NOTABLE_DEAD_ROWS)
        worst = max(ratios, default=0.0)
        values = {
            Metric.DATABASE_BYTES: health.bytes,
            Metric.DEAD_ROWS: round(worst * 100, 1),
            Metric.TRANSACTION_AGE: health.transaction_age,
            Metric.OPEN_TRANSACTION_SPAN: health.open_span,
        }
        self._measured("Database", values)

    def _measured(self, message: str, values: Mapping[Metric, float]) -> None:
        self.logger.info(message, **embedded(values, at=self.clock.now()))


def _entry(record: AuditRecord) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "at": record.at.isoformat(),
        "actor": record.actor,
        "action": record.action,
        "target": record.target,
        **record.details,
        "hash": record.hash.hex(),
    }


_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
