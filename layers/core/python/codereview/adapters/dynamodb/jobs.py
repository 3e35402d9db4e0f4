"""When each of the reconciler's jobs is due again, and what it has to remember."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import epoch_ms, marshal, moment_of, unmarshal
from codereview.ports import JobState

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoJobs:
    """The control table's `job#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def due(self, name: str) -> datetime | None:
        """Say when a job is due; None: it never began. What was written within the last second may not be seen yet."""
        try:
            answer = self._client.get_item(TableName=self._table, Key=marshal({"pk": f"job#{name}"}))
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        due = unmarshal(answer.get("Item", {})).get("next_at")
        return moment_of(due) if due is not None else None

    def begin(self, name: str, *, now: datetime, every: timedelta) -> JobState | None:
        """Set the next time if this one has come; of two runs at once, one is told that it has not.

        A look comes first: a write that is refused costs ten times as much, and most jobs are not due in most minutes.
        """
        due = self.due(name)
        if due is not None and now < due:
            return None
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": f"job#{name}"}),
                UpdateExpression="SET next_at = :next",
                ConditionExpression="attribute_not_exists(next_at) OR next_at <= :now",
                ExpressionAttributeValues=marshal({":next": epoch_ms(now + every), ":now": epoch_ms(now)}),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error
        values = unmarshal(answer["Attributes"])

        def moment(attribute: str) -> datetime | None:
            return moment_of(values[attribute]) if attribute in values else None

        return JobState(
            since=moment("since"),
            generation=int(values.get("generation", 0)),
            seen_at=moment("seen_at"),
            notes=values.get("notes"),
        )

    def finish(self, name: str, state: JobState, *, next_at: datetime | None = None) -> None:
        """Store the state, and a next time that is sooner than the usual one."""
        values = {
            ":since": epoch_ms(state.since) if state.since is not None else None,
            ":generation": state.generation,
            ":seen_at": epoch_ms(state.seen_at) if state.seen_at is not None else None,
            ":notes": state.notes,
            ":next": epoch_ms(next_at) if next_at is not None else None,
        }
        parts = ["generation = :generation"]
        parts += ["since = :since"] if state.since is not None else []
        parts += ["seen_at = :seen_at"] if state.seen_at is not None else []
        parts += ["notes = :notes"] if state.notes is not None else []
        parts += ["next_at = :next"] if next_at is not None else []
        try:
            self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": f"job#{name}"}),
                UpdateExpression=f"SET {', '.join(parts)}",
                ExpressionAttributeValues=marshal(values),
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
