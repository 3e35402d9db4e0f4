"""The review queue for the webhook function, without the SDK."""

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from codereview.domain.envelope_codec import encode
from codereview.domain.review import tenant_of
from codereview.errors import RetryableError

if TYPE_CHECKING:
    from codereview.adapters.aws.json_protocol import JsonService
    from codereview.domain.envelope import Envelope


class LeanReviewQueue:
    """Sends envelopes; the tenant is the message group, which makes the queue fair between tenants."""

    def __init__(self, sqs: "JsonService", url: str) -> None:
        """Send to the queue at `url`."""
        self._sqs = sqs
        self._url = url

    def send(self, envelope: "Envelope", *, delay: timedelta) -> None:
        """Return once SQS has confirmed that it stored these very bytes.

        The tenant is the one that the payload names. A forged one would need GitHub's signature; the reviewer still
        proves it before it acts for it.
        """
        body = encode(envelope)
        answer = self._sqs.call(
            "AmazonSQS.SendMessage",
            {
                "QueueUrl": self._url,
                "MessageBody": body,
                "MessageGroupId": tenant_of(envelope.host, envelope.owner_id),
                "DelaySeconds": int(delay.total_seconds()),
            },
        )
        # SQS's own checksum, chosen by SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        if not answer.get("MessageId") or answer.get("MD5OfMessageBody") != digest:
            raise RetryableError("sqs did not confirm the message")
