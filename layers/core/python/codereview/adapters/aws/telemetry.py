"""Logs, metrics and alarms of a stack, as CloudWatch has them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.domain.metrics import Metric, namespace_of
from codereview.errors import NotFoundError

_PERIOD = 300
_AT_ONCE = 500  # queries of one GetMetricData
_LAMBDA = ("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions")
_QUEUE = (
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesVisibleInQuietGroups",
    "NumberOfMessagesSent",
    "NumberOfMessagesDeleted",
)


class Telemetry:
    """Reads between two moments; `clients` are boto3's by their service."""

    def __init__(self, clients: Mapping[str, Any], stack: str, *, since: datetime, until: datetime) -> None:
        """Look at `stack`."""
        self._clients = clients
        self._stack = stack
        self._since = since
        self._until = until

    def log(self, function: str, *, most: int) -> str:
        """Return a function's last lines of the time, at most so many; none where it never ran."""
        try:
            lines = list(self._lines(f"/aws/lambda/{self._stack}-{function}"))
        except (ClientError, BotoCoreError) as error:
            problem = translated("CloudWatch Logs", error)
            if isinstance(problem, NotFoundError):
                return ""
            raise problem from error
        return "".join(f"{line}\n" for line in lines[-most:])

    def _lines(self, group: str) -> Iterator[str]:
        pages = (
            self._clients["logs"]
            .get_paginator("filter_log_events")
            .paginate(logGroupName=group, startTime=_ms(self._since), endTime=_ms(self._until))
        )
        for page in pages:
            yield from (event["message"].rstrip("\n") for event in page["events"])

    def metrics(self, services: Sequence[str], queues: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        """Return sums of five minutes: all of our own metrics and of AWS's, of these functions and queues."""
        wanted = list(self._own(services))
        wanted += [
            ("AWS/Lambda", name, {"FunctionName": f"{self._stack}-{service}"})
            for service in services
            for name in _LAMBDA
        ]
        wanted += [("AWS/SQS", name, {"QueueName": queue}) for queue in queues for name in _QUEUE]
        found: dict[str, Mapping[str, float]] = {}
        for begin in range(0, len(wanted), _AT_ONCE):
            found |= self._values(wanted[begin : begin + _AT_ONCE])
        return found

    def _own(self, services: Sequence[str]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Name our metrics; those that are told apart by code are also counted otherwise."""
        ours = namespace_of(self._stack)
        for metric in Metric:
            if not metric.dimensions:
                yield ours, metric.value, {}
            elif metric.dimensions == ("service",):
                yield from ((ours, metric.value, {"service": service}) for service in services)

    def _values(self, wanted: Sequence[tuple[str, str, Mapping[str, str]]]) -> dict[str, Mapping[str, float]]:
        queries = [
            {
                "Id": f"m{number}",
                "Label": "/".join((namespace, *dimensions.values(), name)),
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": name,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                    },
                    "Period": _PERIOD,
                    "Stat": "Maximum" if name.startswith(("Approximate", "Concurrent", "Duration")) else "Sum",
                },
            }
            for number, (namespace, name, dimensions) in enumerate(wanted)
        ]
        try:
            answer = self._clients["cloudwatch"].get_metric_data(
                MetricDataQueries=queries, StartTime=self._since, EndTime=self._until
            )
        except (ClientError, BotoCoreError) as error:
            raise translated("CloudWatch", error) from error
        return {
            result["Label"]: {
                f"{at:%Y-%m-%dT%H:%M}Z": value for at, value in zip(result["Timestamps"], result["Values"], strict=True)
            }
            for result in answer.get("MetricDataResults", [])
            if result.get("Values")
        }

    def alarms(self) -> Sequence[Mapping[str, Any]]:
        """Return every alarm of the stack, with its state and why."""
        kept = ("AlarmName", "StateValue", "StateReason", "StateUpdatedTimestamp")
        try:
            pages = (
                self._clients["cloudwatch"]
                .get_paginator("describe_alarms")
                .paginate(AlarmNamePrefix=f"{self._stack}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
            )
            return [
                {name: alarm[name] for name in kept if name in alarm}
                for page in pages
                for kind in ("CompositeAlarms", "MetricAlarms")
                for alarm in page.get(kind, [])
            ]
        except (ClientError, BotoCoreError) as error:
            raise translated("CloudWatch", error) from error


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
