"""Kept answers on the control table: a claim, then an answer, gone after a day.

The table's TTL removes items late, so every condition looks at the end itself.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import epoch_ms, marshal, moment_of, unmarshal
from codereview.domain.control.replies import Claim, Fresh, Kept, Running

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=1)


class DynamoReplies:
    """The `once#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def claim(self, name: str, *, fingerprint: str, now: datetime, until: datetime) -> Claim:
        """Take the name with one conditional write, whose refusal brings what is there."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=marshal(
                    {
                        "pk": _pk(name),
                        "fingerprint": fingerprint,
                        "claimed_until": epoch_ms(until),
                        "expires_at": int((now + _KEPT).timestamp()),
                    }
                ),
                ConditionExpression=(
                    "attribute_not_exists(pk) OR expires_at <= :second"
                    " OR (attribute_not_exists(reply) AND claimed_until <= :now AND fingerprint = :fingerprint)"
                ),
                ExpressionAttributeValues=marshal(
                    {":second": int(now.timestamp()), ":now": epoch_ms(now), ":fingerprint": fingerprint}
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
            refusal: Any = error.response
            return _claim(unmarshal(refusal["Item"]))
        except BotoCoreError as error:
            raise translated(error) from error
        return Fresh()

    def keep(self, name: str, *, fingerprint: str, reply: bytes, now: datetime) -> None:
        """Put the answer in the claim's place."""
        item = {
            "pk": _pk(name),
            "fingerprint": fingerprint,
            "reply": reply,
            "expires_at": int((now + _KEPT).timestamp()),
        }
        try:
            self._client.put_item(TableName=self._table, Item=marshal(item))
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error

    def drop(self, name: str) -> None:
        """Delete the claim."""
        try:
            self._client.delete_item(TableName=self._table, Key=marshal({"pk": _pk(name)}))
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error


def _pk(name: str) -> str:
    return f"once#{name}"


def _claim(values: dict[str, Any]) -> Claim:
    if "reply" in values:
        return Kept(fingerprint=values["fingerprint"], reply=bytes(values["reply"].value))
    return Running(fingerprint=values["fingerprint"], until=moment_of(values["claimed_until"]))
