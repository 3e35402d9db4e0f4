"""Audit entries on the record queue, where a review's messages travel too."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import of_ours
from codereview.domain.control.audit_codec import encode_audit

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

    from codereview.domain.control.audit import AuditEntry

_DEPLOYMENT = "deployment"  # the group of what concerns no tenant


class SqsAuditQueue:
    """The record queue; the tenant is the message group, as it is for reviews."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Send to the queue at `url`."""
        self._client = client
        self._url = url

    def send(self, entry: "AuditEntry") -> None:
        """Send one entry."""
        try:
            self._client.send_message(
                QueueUrl=self._url, MessageBody=encode_audit(entry), MessageGroupId=entry.tenant or _DEPLOYMENT
            )
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error
