"""A dead-letter queue and its way back: SQS's own message move task, which loses nothing and can be cancelled."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import of_ours
from codereview.adapters.aws.letters import look_at
from codereview.domain.control.queues import RawLetter

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

# Slow enough for what is in the queue already to be served in between; SQS allows 500.
_MESSAGES_PER_SECOND = 20

# Longer than a run looks at letters, and over before the next minute's.
_HIDDEN = timedelta(seconds=50)
_WAIT = timedelta(seconds=1)


class SqsDeadLetters:
    """One dead-letter queue."""

    def __init__(self, client: "SQSClient", url: str, *, name: str) -> None:
        """Work on the queue at `url`; `name` is what its job's state is kept under."""
        self._client = client
        self._url = url
        self._name = name

    @property
    def name(self) -> str:
        """What its job's state is kept under."""
        return self._name

    def count(self) -> int:
        """Return about how many letters wait."""
        return int(self._attribute("ApproximateNumberOfMessages"))

    def is_moving(self) -> bool:
        """Whether letters are being moved back now; SQS runs one move at a time."""
        try:
            answer = self._client.list_message_move_tasks(SourceArn=self._attribute("QueueArn"), MaxResults=1)
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error
        return any(task.get("Status") in ("RUNNING", "CANCELLING") for task in answer.get("Results", []))

    def letters(self, *, limit: int) -> Sequence[RawLetter]:
        """Read some letters."""
        try:
            return look_at(self._client, self._url, limit=limit, hidden_for=_HIDDEN, wait=_WAIT)
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error

    def move(self) -> None:
        """Start moving all letters back to the queue that each came from."""
        try:
            self._client.start_message_move_task(
                SourceArn=self._attribute("QueueArn"), MaxNumberOfMessagesPerSecond=_MESSAGES_PER_SECOND
            )
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error

    def _attribute(self, name: "str") -> str:
        try:
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["All"])
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error
        return {str(key): value for key, value in answer["Attributes"].items()}[name]
