"""What waits on the control table, whenever it is due, with the reason why."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import batch_get
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.items import unmarshal
from codereview.domain.reconciling import fair_order
from codereview.domain.review import ReviewState, TenantId
from codereview.domain.waiting import Waiting
from codereview.ports import Clock

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_AHEAD = timedelta(days=40)  # a budget that is spent comes again with the month
_MOST_READ = 4_000


class DynamoWaiting:
    """The index of waiting work, and some of its items."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock) -> None:
        """Read `table`."""
        self._client = client
        self._table = table
        self._agenda = DynamoAgenda(client, table)
        self._clock = clock

    def read(self, *, most: int) -> Sequence[Waiting]:
        """Return some of what waits, of every tenant as much as of the others, the longest due first."""
        due = self._agenda.due(now=self._clock.now() + _AHEAD, limit=_MOST_READ, most_of_a_tenant=most)
        chosen = fair_order(due)[:most]
        items = batch_get(self._client, self._table, [entry.id for entry in chosen])
        found = []
        for entry in chosen:
            if entry.id not in items:
                continue
            values = unmarshal(items[entry.id])
            waits = entry.is_held or values.get("state") == ReviewState.PARKED.value
            reason = values.get("reason") if waits else None
            tenant = TenantId(entry.tenant)
            found.append(Waiting(tenant=tenant, reason=reason, due_at=entry.due_at, is_held=entry.is_held))
        return found
