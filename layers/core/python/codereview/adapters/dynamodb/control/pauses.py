"""Pauses on the control table."""

from datetime import datetime
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import Documents, Place
from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoPauses:
    """The `pause#` items. Whoever pauses or resumes last is right: there is nothing to merge."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, Pause)

    def holding(self, target: PauseTarget, *, now: datetime) -> Pause | None:
        """Read the target's pause and the wider ones at once."""
        pks = [_pk(each) for each in target.around()]
        found = self._documents.load_all(pks)
        return next((found[pk].value for pk in pks if pk in found and found[pk].value.holds(now)), None)

    def page(self, tenant: TenantId, *, limit: int, after: str | None = None) -> Page[Pause]:
        """List a tenant's pauses."""
        found, following = self._documents.page(f"pauses#{tenant}", limit=limit, after=after)
        return Page(items=tuple(stored.value for stored in found), next=following)

    def pause(self, pause: Pause, *, audit: AuditEntry) -> None:
        """Store it over what is there."""
        target = pause.target
        place = Place(pk=_pk(target), owner=f"pauses#{target.tenant}", sort=target.path or "-")
        stored = self._documents.load(place.pk)
        self._documents.save(place, pause, version=stored.version if stored else 0, audit=audit)

    def resume(self, target: PauseTarget, *, audit: AuditEntry) -> None:
        """Delete it."""
        stored = self._documents.load(_pk(target))
        if stored is not None:
            self._documents.remove(_pk(target), version=stored.version, audit=audit)


def _pk(target: PauseTarget) -> str:
    return f"pause#{target.tenant}#{target.path}"
