"""Pauses on the control table."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import Documents, Place, Stored
from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoPauses:
    """The `pause#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, Pause)

    def holding(self, target: PauseTarget, *, now: datetime) -> Pause | None:
        """Read the target's pause and the wider ones at once."""
        pks = [_pk(each) for each in target.around()]
        found = self._documents.load_all(pks)
        return next((_pause(found[pk]) for pk in pks if pk in found and found[pk].value.holds(now)), None)

    def load(self, target: PauseTarget) -> Pause | None:
        """Read the target's own."""
        stored = self._documents.load(_pk(target))
        return _pause(stored) if stored else None

    def page(self, tenant: TenantId, *, limit: int, after: str | None = None) -> Page[Pause]:
        """List a tenant's pauses."""
        found, following = self._documents.page(f"pauses#{tenant}", limit=limit, after=after)
        return Page(items=tuple(_pause(stored) for stored in found), next=following)

    def pause(self, pause: Pause, *, audit: AuditEntry) -> None:
        """Write over the version that was read."""
        target = pause.target
        place = Place(pk=_pk(target), owner=f"pauses#{target.tenant}", sort=target.path or "-")
        self._documents.save(place, pause, version=pause.version, audit=audit)

    def resume(self, pause: Pause, *, audit: AuditEntry) -> None:
        """Delete the version that was read."""
        self._documents.remove(_pk(pause.target), version=pause.version, audit=audit)


def _pk(target: PauseTarget) -> str:
    return f"pause#{target.tenant}#{target.path}"


def _pause(stored: Stored[Pause]) -> Pause:
    return replace(stored.value, version=stored.version)
