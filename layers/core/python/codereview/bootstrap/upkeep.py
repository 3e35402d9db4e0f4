"""The upkeep of the record: in the maintenance function, and on a database of one's own."""

from sqlalchemy import Engine

from codereview.adapters.postgres.archiving import PostgresArchives
from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.adapters.postgres.caring import PostgresCare
from codereview.adapters.postgres.exporting import PostgresFindingSource
from codereview.adapters.postgres.months import PostgresPartitions
from codereview.adapters.postgres.retaining import PostgresRetention
from codereview.adapters.postgres.upkeep import PostgresSingleFlight
from codereview.adapters.system import SystemClock
from codereview.bootstrap.logger import logger_of
from codereview.entrypoints.maintenance import MaintenanceApp
from codereview.entrypoints.maintenance_commands import Upkeep
from codereview.record_ports import Shelf
from codereview.settings import LogSettings
from codereview.use_cases.maintain.archive_months import ArchiveMonths
from codereview.use_cases.maintain.break_agents import BreakAgents
from codereview.use_cases.maintain.care_for_tables import CareForTables
from codereview.use_cases.maintain.compare_reviews import CompareReviews
from codereview.use_cases.maintain.delete_tenant import DeleteTenant
from codereview.use_cases.maintain.export_findings import ExportFindings
from codereview.use_cases.maintain.keep_anchors import KeepAnchors
from codereview.use_cases.maintain.keep_retention import ChangeRetention, KeepRetention
from codereview.use_cases.maintain.restore_archive import RestoreArchive


def upkeep_app(
    database: Engine,
    shelf: Shelf,
    log: LogSettings,
    *,
    compare: CompareReviews | None = None,
    breaker: BreakAgents | None = None,
) -> MaintenanceApp:
    """Put it together; archives lie on `shelf`, and the control plane is looked at only with what is given for it."""
    clock, audit, care = SystemClock(), PostgresAuditLog(database), PostgresCare(database)
    partitions, archives, retention = (
        PostgresPartitions(database),
        PostgresArchives(database),
        PostgresRetention(database),
    )
    logger = logger_of(log)
    upkeep = Upkeep(
        clock=clock,
        partitions=partitions,
        archives=archives,
        care=care,
        tables=CareForTables(clock=clock, tables=care),
        archive=ArchiveMonths(clock=clock, partitions=partitions, archives=archives, shelf=shelf),
        restore=RestoreArchive(clock=clock, archives=archives, shelf=shelf),
        retention=KeepRetention(clock=clock, retention=retention, archives=archives, shelf=shelf),
        rules=ChangeRetention(clock=clock, retention=retention),
        deletion=DeleteTenant(clock=clock, retention=retention, shelf=shelf),
        export=ExportFindings(source=PostgresFindingSource(database), shelf=shelf, audit=audit),
        anchors=KeepAnchors(clock=clock, chains=audit, shelf=shelf),
        compare=compare,
        breaker=breaker,
        logger=logger,
    )
    return MaintenanceApp(
        clock=clock, commands=upkeep.commands(), flight=PostgresSingleFlight(database), audit=audit, logger=logger
    )
