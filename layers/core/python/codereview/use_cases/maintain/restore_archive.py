"""Brings an archived month of a tenant back into the database, to be read for a while."""

from dataclasses import dataclass
from datetime import date, timedelta

from codereview.domain.archive import Archived, ArchiveState, check
from codereview.domain.control.audit import Request, audited
from codereview.domain.review import TenantId
from codereview.errors import ConflictError, NotFoundError
from codereview.ports import Clock
from codereview.record_ports import Archives, Shelf

# After that the month is archived again, which finds its object unchanged.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreArchive:
    """Loads one object."""

    clock: Clock
    archives: Archives
    shelf: Shelf

    def __call__(self, tenant: TenantId, month: date, *, request: Request) -> int:
        """Restore and return how many rows were missing; audited.

        Raises NotFoundError where there is no archive, ConflictError where it was deleted, DamagedArchiveError where it
        is not what was written: then nothing is loaded.
        """
        archived = self._find(tenant, month)
        data = check(self.shelf.get(archived.key), sha256=archived.sha256, row_count=archived.row_count)
        entry = audited(
            request,
            tenant=tenant,
            action="archives.restore",
            target=f"archive/{month:%Y-%m}",
            before={"state": archived.state.value},
            after={"rows": archived.row_count, "sha256": archived.sha256},
        )
        return self.archives.load(archived, data, until=self.clock.now() + KEPT, audit=entry)

    def _find(self, tenant: TenantId, month: date) -> Archived:
        archived = self.archives.of_month(month).get(tenant)
        if archived is None:
            raise NotFoundError(f"{tenant} has no archive of {month:%Y-%m}")
        if archived.state is ArchiveState.DELETED:
            raise ConflictError(f"the archive of {month:%Y-%m} was deleted when its time was over")
        return archived
