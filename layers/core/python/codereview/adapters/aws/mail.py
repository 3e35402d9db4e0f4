"""Mail by SES."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.domain.control.contacts import Mail
from codereview.errors import PermanentError

_REJECTED = "MessageRejected"


class SesMail:
    """One sender; SES must have verified it, and in SES's sandbox every address that it writes to as well.

    https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html
    """

    def __init__(self, client: Any, sender: str) -> None:
        """Send through a client of SES (version 2), from `sender`."""
        self._client = client
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Hand one mail over; raises PermanentError for one that SES will never take."""
        try:
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [mail.to]},
                Content={"Simple": {"Subject": {"Data": mail.subject}, "Body": {"Text": {"Data": mail.text}}}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == _REJECTED:
                raise PermanentError("SES rejects the mail: in its sandbox both addresses must be verified") from error
            raise translated("SES", error) from error
        except BotoCoreError as error:
            raise translated("SES", error) from error
