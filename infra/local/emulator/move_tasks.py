"""Gap: SQS has no message move tasks and does not list the source queues of a dead-letter queue.

Both are the redrive that our runbooks and the command line use. The rules are those of
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html: the source
must be a dead-letter queue, one running task a source, no destination means "where each message came from",
receive counts restart, and the handle of a task is shown only while it runs.
"""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_actions  # type: ignore[import-not-found]
from ministack.core.responses import new_uuid  # type: ignore[import-not-found]
from ministack.services import lambda_svc, sqs  # type: ignore[import-not-found]

_MAX_PER_SECOND = 500
_MAX_LISTED = 10
_SOURCE = re.compile(rb'"SourceArn": ?"(arn:[^"]+)"')


@dataclass(slots=True, kw_only=True)
class _Task:
    """One move task, for the life of the emulator."""

    source_arn: str
    destination_arn: str | None
    per_second: int | None
    to_move: int
    handle: str = field(default_factory=new_uuid)
    started_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    moved: int = 0
    status: str = "RUNNING"
    failure: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return the task as ListMessageMoveTasks shows it."""
        entry: dict[str, Any] = {
            "Status": self.status,
            "SourceArn": self.source_arn,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "StartedTimestamp": self.started_ms,
        }
        optional = {
            "TaskHandle": self.handle if self.status in {"RUNNING", "CANCELLING"} else None,
            "DestinationArn": self.destination_arn,
            "MaxNumberOfMessagesPerSecond": self.per_second,
            "FailureReason": self.failure,
        }
        return entry | {name: value for name, value in optional.items() if value is not None}


_tasks: list[_Task] = []


def install() -> None:
    """Answer the four calls, and let roles allow them for the queue that they name by its ARN."""
    extract = iam_actions.extract_resource_arn

    def resource_of(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        named = _SOURCE.search(body) if service == "sqs" else None
        return named[1].decode() if named else str(extract(service, method, path, headers, body, *rest))

    iam_actions.extract_resource_arn = resource_of
    sqs._HANDLERS.update(
        {
            "StartMessageMoveTask": _start,
            "ListMessageMoveTasks": _list,
            "CancelMessageMoveTask": _cancel,
            "ListDeadLetterSourceQueues": _list_sources,
        }
    )


def _start(data: dict[str, Any], _url: str) -> dict[str, Any]:
    source = _existing(data["SourceArn"])
    if not _sources(data["SourceArn"]):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    destination = data.get("DestinationArn")
    if destination is not None:
        _existing(destination)
    rate = data.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= int(rate) <= _MAX_PER_SECOND:
        raise sqs._Err(
            "InvalidParameterValue", f"MaxNumberOfMessagesPerSecond must be between 1 and {_MAX_PER_SECOND}."
        )
    if any(task.source_arn == data["SourceArn"] and task.status == "RUNNING" for task in _tasks):
        raise sqs._Err(
            "UnsupportedOperation",
            "There is already a task running. Only one active task is allowed for a source queue.",
        )
    task = _Task(
        source_arn=data["SourceArn"],
        destination_arn=destination,
        per_second=int(rate) if rate is not None else None,
        to_move=len(source["messages"]),
    )
    _tasks.insert(0, task)
    threading.Thread(target=_run, args=(task, source), daemon=True, name="move-task").start()
    return {"TaskHandle": task.handle}


def _list(data: dict[str, Any], _url: str) -> dict[str, Any]:
    _existing(data["SourceArn"])
    wanted = min(int(data.get("MaxResults", 1)), _MAX_LISTED)
    return {"Results": [task.shown() for task in _tasks if task.source_arn == data["SourceArn"]][:wanted]}


def _cancel(data: dict[str, Any], _url: str) -> dict[str, Any]:
    for task in _tasks:
        if task.handle == data["TaskHandle"] and task.status == "RUNNING":
            task.status = "CANCELLING"
            return {"ApproximateNumberOfMessagesMoved": task.moved}
    raise sqs._Err("ResourceNotFoundException", "Task does not exist.")


def _list_sources(data: dict[str, Any], url: str) -> dict[str, Any]:
    target = sqs._get_q(data.get("QueueUrl") or url)["attributes"]["QueueArn"]
    names = [queue["attributes"]["QueueArn"].rsplit(":", 1)[-1] for queue in _sources(target)]
    return {"queueUrls": [sqs._queue_url(name) for name in names]}


def _run(task: _Task, source: dict[str, Any]) -> None:
    """Move visible messages one by one; what is in flight stays, as on AWS."""
    pause = 1 / task.per_second if task.per_second else 0.0
    while task.status == "RUNNING":
        now = time.time_ns() / 1e9
        message = next((each for each in source["messages"] if each.get("visible_at", 0) <= now), None)
        if message is None:
            task.status = "COMPLETED"
            break
        target = sqs._queue_by_arn(_destination(task, message))
        if target is None:
            task.status, task.failure = "FAILED", "CouldNotDetermineMessageSource"
            break
        source["messages"].remove(message)
        message.update(receive_count=0, visible_at=now, receipt_handle=None, first_receive_at=None)
        target["messages"].append(message)
        task.moved += 1
        lambda_svc._esm_wake.set()
        time.sleep(pause)
    if task.status == "CANCELLING":
        task.status = "CANCELLED"


def _destination(task: _Task, message: dict[str, Any]) -> str:
    """Return the ARN that one message goes to; the last resort is the only queue that names this one."""
    if task.destination_arn is not None:
        return task.destination_arn
    system = message.get("sys") or {}
    known = message.get("dlq_source_arn") or system.get("DeadLetterQueueSourceArn")
    if known:
        return str(known)
    sources = _sources(task.source_arn)
    return str(sources[0]["attributes"]["QueueArn"]) if len(sources) == 1 else ""


def _existing(arn: str) -> dict[str, Any]:
    queue: dict[str, Any] | None = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err(
            "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."
        )
    return queue


def _sources(dead_letters_arn: str) -> list[dict[str, Any]]:
    """Return the queues whose redrive policy names this one."""
    return [
        queue
        for queue in sqs._queues.values()
        if json.loads(queue["attributes"].get("RedrivePolicy") or "{}").get("deadLetterTargetArn") == dead_letters_arn
    ]
