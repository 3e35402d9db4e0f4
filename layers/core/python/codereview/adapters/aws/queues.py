"""SQS for the functions that have the SDK at hand (the webhook signs its own request)."""

from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import of_ours
from codereview.domain.envelope_codec import encode
from codereview.domain.review import tenant_of
from codereview.domain.stored import encode_recorded

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

    from codereview.domain.envelope import Envelope
    from codereview.domain.record import ReviewRecorded

_LONGEST_VISIBILITY = timedelta(hours=12)  # SQS's own limit


class SqsRecordQueue:
    """The record queue; the tenant is the message group, so that one tenant's flood delays only itself."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Send to the queue at `url`."""
        self._client = client
        self._url = url

    def send(self, message: "ReviewRecorded") -> None:
        """Send one message."""
        try:
            self._client.send_message(
                QueueUrl=self._url, MessageBody=encode_recorded(message), MessageGroupId=message.key.tenant
            )
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error


class SqsReviewQueue:
    """The review queue; the tenant is the message group, as it is for the webhook's own messages."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Send to the queue at `url`."""
        self._client = client
        self._url = url

    def send(self, envelope: "Envelope", *, delay: timedelta = timedelta()) -> None:
        """Send one envelope."""
        group = tenant_of(envelope.host, envelope.owner_id)
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=encode(envelope),
                MessageGroupId=group,
                DelaySeconds=int(delay.total_seconds()),
            )
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error


class SqsPostponement:
    """Makes a message come back at a time of our choosing, instead of after the queue's long visibility timeout."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Work on the queue at `url`."""
        self._client = client
        self._url = url

    def postpone(self, receipt_handle: str, delay: timedelta) -> None:
        """Hide the message for `delay`, counted from now; bounded by what SQS takes."""
        seconds = int(min(max(delay, timedelta()), _LONGEST_VISIBILITY).total_seconds())
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error
