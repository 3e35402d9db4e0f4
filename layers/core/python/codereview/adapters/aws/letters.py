"""Reads dead letters without taking them out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from codereview.domain.control.queues import RawLetter

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


def look_at(
    client: "SQSClient", url: str, *, limit: int, hidden_for: timedelta, wait: timedelta = timedelta()
) -> Sequence[RawLetter]:
    """Receive some letters, which nobody else sees for the time of `hidden_for`; raises the SDK's errors.

    A look that waits a second asks all of SQS's servers, and finds nothing only where there is nothing.
    """
    answer = client.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=limit,
        VisibilityTimeout=int(hidden_for.total_seconds()),
        WaitTimeSeconds=int(wait.total_seconds()),
        MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
    )
    # Each once: what is not hidden, SQS may hand out twice.
    found = {message["MessageId"]: _letter(message) for message in answer.get("Messages", [])}
    return list(found.values())


def moment_of(milliseconds: Any) -> datetime:
    """Read a moment as SQS writes it."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)


def _letter(message: Mapping[str, Any]) -> RawLetter:
    attributes = message.get("Attributes", {})
    sent = attributes.get("SentTimestamp")
    return RawLetter(
        id=message["MessageId"],
        body=message.get("Body", ""),
        sent_at=moment_of(sent) if sent else None,
        attempts=int(attributes.get("ApproximateReceiveCount", 0)),
    )
