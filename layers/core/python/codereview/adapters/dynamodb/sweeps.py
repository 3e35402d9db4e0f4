"""How far the sweep of open heads is, and the tags of what it has seen."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import epoch_ms, marshal, moment_of, unmarshal
from codereview.domain.sweeping import Round, Seen
from codereview.ports import Clock

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# What no round comes by any more is forgotten; a round takes a day at most.
_KEPT = timedelta(days=30)


class DynamoSweeps:
    """The control table's `sweep#` items."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table
        self._clock = clock

    def round(self, installation_id: int) -> Round:
        """Read an installation's item; without one, a round begins."""
        values = self._read(f"sweep#{installation_id}")
        return Round(
            visited_at=_moment(values, "visited_at"),
            page=int(values.get("page", 1)),
            done=int(values.get("done", 0)),
            rests_until=_moment(values, "rests_until"),
        )

    def keep_round(self, installation_id: int, state: Round) -> None:
        """Write it."""
        self._write(
            f"sweep#{installation_id}",
            {
                "visited_at": _stored(state.visited_at),
                "page": state.page,
                "done": state.done,
                "rests_until": _stored(state.rests_until),
            },
        )

    def seen(self, installation_id: int, repository_id: int) -> Seen | None:
        """Read a repository's item."""
        values = self._read(f"sweep#{installation_id}#{repository_id}")
        if not values:
            return None
        return Seen(
            first_at=moment_of(values["first_at"]),
            etag=values.get("etag"),
            etag_at=_moment(values, "etag_at"),
            sent_at=_moment(values, "sent_at"),
        )

    def keep_seen(self, installation_id: int, repository_id: int, seen: Seen) -> None:
        """Write it."""
        self._write(
            f"sweep#{installation_id}#{repository_id}",
            {
                "first_at": _stored(seen.first_at),
                "etag": seen.etag,
                "etag_at": _stored(seen.etag_at),
                "sent_at": _stored(seen.sent_at),
            },
        )

    def _read(self, pk: str) -> dict[str, Any]:
        try:
            answer = self._client.get_item(TableName=self._table, Key=marshal({"pk": pk}), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        return unmarshal(answer.get("Item", {}))

    def _write(self, pk: str, values: dict[str, Any]) -> None:
        expires_at = int((self._clock.now() + _KEPT).timestamp())
        item = marshal({"pk": pk, **values, "expires_at": expires_at})
        try:
            self._client.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error


def _stored(moment: datetime | None) -> int | None:
    return epoch_ms(moment) if moment is not None else None


def _moment(values: dict[str, Any], name: str) -> datetime | None:
    return moment_of(values[name]) if values.get(name) is not None else None
