"""Leases of pull requests and states of reviews, every write under the lease's fence.

Races that are handled here: two workers that want one pull request (conditional update; the later one hears until when
it must wait), and a worker that wakes up after its lease was given away (each write is a transaction that checks the
fence on the pull request's item, so it changes nothing). Not handled: two workers whose clocks differ by a minute or
more. The lease outlives the function by that minute, so that a clock that is further ahead may take it from a worker
which is still alive. The fence then voids that one's writes here, but not a post that is on its way to GitHub.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.control.outbox import put_entry
from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import (
    epoch_ms,
    marshal,
    moment_of,
    pull_request_pk,
    review_attributes,
    review_item,
    review_pk,
    unmarshal,
)
from codereview.domain.control.audit import AuditEntry
from codereview.errors import LostLeaseError
from codereview.ports import Busy, Lease, PullRequestKey, ReviewItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class DynamoReviews:
    """The control table as a ReviewStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`; the client brings region, credentials and retries."""
        self._client = client
        self._table = table

    def acquire(self, pull_request: PullRequestKey, *, owner: UUID, now: datetime, until: datetime) -> Lease | Busy:
        """Take the lease unless another owner's runs; `fence` is counted up by the same write."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": pull_request_pk(pull_request)}),
                UpdateExpression="SET lease_owner = :owner, lease_until = :until ADD fence :one",
                ConditionExpression="attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :owner",
                ExpressionAttributeValues=marshal(
                    {":owner": str(owner), ":until": epoch_ms(until), ":now": epoch_ms(now), ":one": 1}
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
            held = unmarshal(cast("Mapping[str, Any]", error.response.get("Item", {})))
            return Busy(until=moment_of(held["lease_until"]) if held else until)
        except BotoCoreError as error:
            raise translated(error) from error
        fence = int(unmarshal(answer["Attributes"])["fence"])
        return Lease(pull_request=pull_request, owner=owner, fence=fence, until=until)

    def seize(self, pull_request: PullRequestKey, *, owner: UUID, until: datetime) -> Lease:
        """Take the lease whoever has it; the fence is counted up, so that the other's next write fails."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": pull_request_pk(pull_request)}),
                UpdateExpression="SET lease_owner = :owner, lease_until = :until ADD fence :one",
                ExpressionAttributeValues=marshal({":owner": str(owner), ":until": epoch_ms(until), ":one": 1}),
                ReturnValues="ALL_NEW",
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        fence = int(unmarshal(answer["Attributes"])["fence"])
        return Lease(pull_request=pull_request, owner=owner, fence=fence, until=until)

    def release(self, lease: Lease, *, looked_at: datetime | None = None) -> None:
        """Remove the lease, if it is still this one, and note the look; the fence stays, and so does a former look."""
        note = {} if looked_at is None else {":looked_at": epoch_ms(looked_at)}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": pull_request_pk(lease.pull_request)}),
                UpdateExpression="REMOVE lease_owner, lease_until" + (" SET looked_at = :looked_at" if note else ""),
                ConditionExpression="fence = :fence AND lease_owner = :owner",
                ExpressionAttributeValues=marshal({":fence": lease.fence, ":owner": str(lease.owner), **note}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error

    def looked_at(self, pull_request: PullRequestKey) -> datetime | None:
        """Read the latest look of the pull request's item, strongly consistent."""
        try:
            answer = self._client.get_item(
                TableName=self._table,
                Key=marshal({"pk": pull_request_pk(pull_request)}),
                ConsistentRead=True,
                ProjectionExpression="looked_at",
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        item = unmarshal(answer.get("Item", {}))
        return moment_of(item["looked_at"]) if item else None

    def load(self, review_id: UUID) -> ReviewItem | None:
        """Read the review's item, strongly consistent."""
        try:
            answer = self._client.get_item(
                TableName=self._table, Key=marshal({"pk": review_pk(review_id)}), ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        return review_item(answer["Item"]) if "Item" in answer else None

    def save(self, lease: Lease, item: ReviewItem, *, now: datetime) -> None:
        """Replace the review's item, if the pull request's fence is still the lease's."""
        self._save(lease, item, now, [])

    def save_audited(self, lease: Lease, item: ReviewItem, *, now: datetime, audit: AuditEntry) -> None:
        """Replace it, and put the entry into the outbox, both or neither."""
        entry: Any = put_entry(self._table, audit)
        self._save(lease, item, now, [entry])

    def _save(
        self, lease: Lease, item: ReviewItem, now: datetime, others: "Sequence[TransactWriteItemTypeDef]"
    ) -> None:
        holds_fence: TransactWriteItemTypeDef = {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": marshal({"pk": pull_request_pk(lease.pull_request)}),
                "ConditionExpression": "fence = :fence AND lease_owner = :owner",
                "ExpressionAttributeValues": marshal({":fence": lease.fence, ":owner": str(lease.owner)}),
            }
        }
        write: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": marshal({"pk": review_pk(item.key.review_id), **review_attributes(item, now=now)}),
            }
        }
        try:
            self._client.transact_write_items(TransactItems=[holds_fence, write, *others])
        except ClientError as error:
            if _is_fence_lost(error):
                raise LostLeaseError(f"a newer lease than {lease.fence} exists") from error
            raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error


def _is_fence_lost(error: ClientError) -> bool:
    """Whether a cancelled transaction was cancelled by its first part, the check of the fence."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return False
    reasons = error.response.get("CancellationReasons", [])
    return bool(reasons) and reasons[0].get("Code") == "ConditionalCheckFailed"
