"""A queue with its dead letters, as operators see and move them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import of_ours
from codereview.adapters.aws.letters import look_at, moment_of
from codereview.domain.control.queues import MoveStatus, MoveTask, QueueDepth, RawLetter
from codereview.errors import ConflictError
from codereview.ports import Clock

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_MOST_MOVES = 10
_HIDDEN = timedelta()  # a move takes only what is visible, and follows on a look
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
_METRICS = {
    "oldest_age_seconds": "ApproximateAgeOfOldestMessage",
    "waiting_in_quiet_groups": "ApproximateNumberOfMessagesVisibleInQuietGroups",
    "oldest_age_in_quiet_groups_seconds": "ApproximateAgeOfOldestMessageInQuietGroups",
}
_WINDOW = timedelta(minutes=10)  # the metrics are a minute apart, and some minutes late
_PERIOD_SECONDS = 60


class SqsWatchedQueue:
    """One queue; its addresses come from the deployment, never from a caller."""

    def __init__(
        self, sqs: "SQSClient", metrics: Any, clock: Clock, *, name: str, url: str, dead_letters_url: str
    ) -> None:
        """Watch the queue at `url`; `metrics` is a client of CloudWatch."""
        self._sqs = sqs
        self._metrics = metrics
        self._clock = clock
        self._name = name
        self._url = url
        self._dead_letters_url = dead_letters_url

    @property
    def name(self) -> str:
        """The queue's name in the API."""
        return self._name

    def depth(self) -> QueueDepth:
        """Read both queues' counts, and what CloudWatch knows."""
        counts = self._attributes(self._url)
        dead = self._attributes(self._dead_letters_url)
        return QueueDepth(
            waiting=int(counts.get("ApproximateNumberOfMessages", 0)),
            in_flight=int(counts.get("ApproximateNumberOfMessagesNotVisible", 0)),
            delayed=int(counts.get("ApproximateNumberOfMessagesDelayed", 0)),
            dead_letters=sum(
                int(dead.get(name, 0))
                for name in ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
            ),
            **self._latest(),
        )

    def _latest(self) -> dict[str, int | None]:
        """Return the last value of each metric; metrics that cannot be read are no reason to show nothing."""
        now = self._clock.now()
        queue = self._url.rpartition("/")[2]
        queries = [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "QueueName", "Value": queue}],
                    },
                    "Period": _PERIOD_SECONDS,
                    "Stat": "Maximum",
                },
            }
            for name, metric in _METRICS.items()
        ]
        try:
            answer = self._metrics.get_metric_data(
                MetricDataQueries=queries, StartTime=now - _WINDOW, EndTime=now, ScanBy="TimestampDescending"
            )
        except (ClientError, BotoCoreError):
            return {}
        results = {result["Id"]: result.get("Values", []) for result in answer.get("MetricDataResults", [])}
        return {name: int(values[0]) if (values := results.get(name)) else None for name in _METRICS}

    def letters(self, *, limit: int) -> Sequence[RawLetter]:
        """Receive some dead letters without taking them out."""
        try:
            return look_at(self._sqs, self._dead_letters_url, limit=limit, hidden_for=_HIDDEN)
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error

    def move(self, *, messages_per_second: int) -> None:
        """Start SQS's own move task; where each message came from, SQS knows."""
        arn = self._attributes(self._dead_letters_url)["QueueArn"]
        try:
            self._sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=messages_per_second)
        except ClientError as error:
            # One move at a time, says SQS, and calls a second one unsupported.
            if error.response["Error"]["Code"].endswith("UnsupportedOperation"):
                raise ConflictError("dead letters are being moved already") from error
            raise of_ours("SQS", error) from error
        except BotoCoreError as error:
            raise of_ours("SQS", error) from error

    def moves(self) -> Sequence[MoveTask]:
        """List the latest tasks."""
        return [_task(task) for task in self._tasks()]

    def stop(self) -> None:
        """Cancel the task that runs."""
        handle = next((task["TaskHandle"] for task in self._tasks() if task.get("TaskHandle")), None)
        if handle is None:
            raise ConflictError("no dead letters are being moved")
        try:
            self._sqs.cancel_message_move_task(TaskHandle=handle)
        except ClientError as error:
            if error.response["Error"]["Code"].endswith("ResourceNotFoundException"):
                raise ConflictError("the move has just ended") from error
            raise of_ours("SQS", error) from error
        except BotoCoreError as error:
            raise of_ours("SQS", error) from error

    def _tasks(self) -> Sequence[Mapping[str, Any]]:
        arn = self._attributes(self._dead_letters_url)["QueueArn"]
        try:
            answer: Any = self._sqs.list_message_move_tasks(SourceArn=arn, MaxResults=_MOST_MOVES)
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error
        tasks: Sequence[Mapping[str, Any]] = answer.get("Results", [])
        return tasks

    def _attributes(self, url: str) -> dict[str, str]:
        try:
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        except (ClientError, BotoCoreError) as error:
            raise of_ours("SQS", error) from error
        return {str(name): value for name, value in answer["Attributes"].items()}


def _task(task: Mapping[str, Any]) -> MoveTask:
    return MoveTask(
        status=MoveStatus(str(task.get("Status", "")).lower()),
        started_at=moment_of(task.get("StartedTimestamp", 0)),
        moved=int(task.get("ApproximateNumberOfMessagesMoved", 0)),
        to_move=task.get("ApproximateNumberOfMessagesToMove"),
        messages_per_second=task.get("MaxNumberOfMessagesPerSecond"),
        failure=task.get("FailureReason"),
    )
