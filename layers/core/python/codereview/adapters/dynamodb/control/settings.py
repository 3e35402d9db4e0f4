"""Flags and limits on the control table: one item for each tenant and one for the deployment."""

from dataclasses import replace
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import Documents, Place
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.flags import FlagSet
from codereview.domain.control.quotas import QuotaSet
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_DEPLOYMENT = "deployment"  # no tenant's id: those have a colon


class DynamoFlags:
    """The `flag#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, FlagSet)

    def load(self, tenant: TenantId | None) -> FlagSet:
        """Read a set, or the empty one."""
        stored = self._documents.load(_pk("flag", tenant))
        return replace(stored.value, version=stored.version) if stored else FlagSet(tenant=tenant)

    def save(self, flags: FlagSet, *, audit: AuditEntry) -> FlagSet:
        """Write over the version that was read."""
        place = Place(pk=_pk("flag", flags.tenant))
        return replace(flags, version=self._documents.save(place, flags, version=flags.version, audit=audit))


class DynamoQuotas:
    """The `quota#` items; the buckets themselves are others (`limit#`)."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, QuotaSet)

    def load(self, tenant: TenantId | None) -> QuotaSet:
        """Read a set, or the empty one."""
        stored = self._documents.load(_pk("quota", tenant))
        return replace(stored.value, version=stored.version) if stored else QuotaSet(tenant=tenant)

    def save(self, quotas: QuotaSet, *, audit: AuditEntry) -> QuotaSet:
        """Write over the version that was read."""
        place = Place(pk=_pk("quota", quotas.tenant))
        return replace(quotas, version=self._documents.save(place, quotas, version=quotas.version, audit=audit))


def _pk(kind: str, tenant: TenantId | None) -> str:
    return f"{kind}#{tenant or _DEPLOYMENT}"
