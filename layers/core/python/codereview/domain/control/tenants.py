"""Tenants: GitHub accounts, by number, that are bound only by what GitHub itself says about an installation."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from codereview.domain.review import TenantId, tenant_of

# Host names are ASCII and lower-case by then; the number has no sign, no leading zero and no digit but 0-9, though
# int() knows more. 19 digits are more than GitHub's 64-bit ids have.
_TENANT = re.compile(r"(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?):(?P<account>[1-9][0-9]{0,18})", re.ASCII)


class TenantStatus(StrEnum):
    """Whether the tenant is served."""

    ACTIVE = "active"
    SUSPENDED = "suspended"  # at GitHub
    REMOVED = "removed"  # the App was uninstalled; a later installation begins a new generation


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationProof:
    """What GitHub answered when it was asked, as the App, for an installation. Nothing else makes a tenant."""

    host: str
    installation_id: int
    account_id: int
    login: str  # for people to read; no decision hangs on it
    is_suspended: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An account that installed the App.

    `generation` grows when a removed tenant comes back: keys, sessions and settings of an older generation are void.
    """

    host: str
    account_id: int
    login: str
    installation_id: int
    status: TenantStatus  # as GitHub has it
    generation: int
    proven_at: datetime
    began_at: datetime  # of this generation; nothing older is shown to the tenant
    is_blocked: bool = False  # by an operator; outlasts a removal and a later installation
    version: int = 0  # 0: not stored yet

    @property
    def id(self) -> TenantId:
        """The tenant's name everywhere."""
        return tenant_of(self.host, self.account_id)

    @property
    def is_served(self) -> bool:
        """Whether keys and people of the tenant are let in, and its pull requests reviewed."""
        return self.status is TenantStatus.ACTIVE and not self.is_blocked


def parse_tenant_id(text: str) -> TenantId | None:
    """Read a tenant's id from a stranger's text; None if it is not exactly the form that we write."""
    return TenantId(text) if _TENANT.fullmatch(text) else None
