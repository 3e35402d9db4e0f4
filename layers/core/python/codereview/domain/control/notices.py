"""Notices: what operators tell people on every page, for a while."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from codereview.domain.control.tenants import Tenant
from codereview.domain.review import TenantId


class NoticeLevel(StrEnum):
    """How loud it is."""

    INFO = "info"
    WARNING = "warning"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice for one tenant, or for all (`tenant` None)."""

    id: UUID
    tenant: TenantId | None
    level: NoticeLevel
    text: str  # plain text; it is escaped where it is shown
    created_at: datetime
    until: datetime
    version: int = 0

    def is_shown(self, now: datetime) -> bool:
        """Whether it has not run out."""
        return now < self.until

    def is_of(self, tenant: Tenant) -> bool:
        """Whether it was written to the tenant in its present life; what is older was for an account that left."""
        return self.tenant == tenant.id and self.created_at >= tenant.began_at
