"""Who has a reviewer: one small item, replaced as a whole if nobody else has replaced it since."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import epoch_ms, marshal, moment_of, unmarshal
from codereview.domain.turns import Turn, Turns

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KEY = {"pk": "turns"}


class DynamoTurns:
    """The control table's `turns` item.

    It is written twice a review, so a thousand reviewers with reviews of twenty seconds stay far below the thousand
    writes a second that one item takes.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def load(self) -> Turns:
        """Read the item, strongly consistent."""
        try:
            answer = self._client.get_item(TableName=self._table, Key=marshal(_KEY), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        values = unmarshal(answer.get("Item", {}))
        return Turns(
            turns={
                owner: Turn(tenant=turn["tenant"], until=moment_of(turn["until"]))
                for owner, turn in values.get("turns", {}).items()
            },
            seen={tenant: moment_of(at) for tenant, at in values.get("seen", {}).items()},
            version=int(values.get("version", 0)),
        )

    def save(self, turns: Turns) -> bool:
        """Replace the item of the version that was read."""
        item = {
            **_KEY,
            "turns": {
                owner: {"tenant": turn.tenant, "until": epoch_ms(turn.until)} for owner, turn in turns.turns.items()
            },
            "seen": {tenant: epoch_ms(at) for tenant, at in turns.seen.items()},
            "version": turns.version + 1,
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=marshal(item),
                ConditionExpression="attribute_not_exists(pk) OR version = :read",
                ExpressionAttributeValues=marshal({":read": turns.version}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error
        return True
