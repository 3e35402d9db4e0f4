"""Exports that a tenant asked for: the control plane starts them, the maintenance function writes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from codereview.domain.export import ExportFormat
from codereview.domain.review import TenantId

KEPT: Final = timedelta(days=7)  # as long as the bucket keeps the files

# The function has 15 minutes, and a second try a minute after a first that broke off early.
GIVEN_UP_AFTER: Final = timedelta(minutes=20)


class ExportState(StrEnum):
    """What became of an export."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # nothing came in time; should it come yet, it is done after all


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """An export, as it was asked for."""

    id: UUID
    tenant: TenantId
    format: ExportFormat
    since: datetime
    until: datetime
    started_at: datetime

    def state(self, *, is_written: bool, now: datetime) -> ExportState:
        """Say how it stands."""
        if is_written:
            return ExportState.DONE
        return ExportState.FAILED if now - self.started_at >= GIVEN_UP_AFTER else ExportState.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address that whoever has it may read from, until then."""

    url: str
    expires_at: datetime
