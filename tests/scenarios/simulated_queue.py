"""SQS as far as it matters to us: late, repeated and unordered messages, counted receives, moves of dead letters.

The rules of what a function's answer means are those of
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from codereview.domain.control.queues import MoveStatus, MoveTask, QueueDepth, RawLetter
from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import encode
from codereview.errors import ConflictError
from tests.scenarios.world import MAX_RECEIVES, VISIBILITY

_LOOKED_AT = timedelta(seconds=50)  # a letter is hidden for so long
_AT_RECONCILERS_RATE = 20  # a second, which is what the reconciler asks for


@dataclass(kw_only=True, eq=False)
class Message:
    """A message in the queue or among the dead letters; `handle` is its latest receipt."""

    body: str
    visible_at: datetime
    receives: int = 0
    handle: str = ""


@dataclass(kw_only=True)
class SimulatedQueue:
    """A queue and its dead letters; fulfils the ports of those who send, postpone and move."""

    now: Callable[[], datetime]
    name: str = "reviews"
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    tasks: list[MoveTask] = field(default_factory=list)
    numbers: Any = field(default_factory=count)

    # --- sending and receiving

    def send(self, envelope: Envelope, *, delay: timedelta = timedelta()) -> None:
        """Take a message."""
        self.messages.append(Message(body=encode(envelope), visible_at=self.now() + delay))

    def repeat(self, index: int) -> None:
        """Deliver a message once more."""
        if self.messages:
            self.messages.append(replace(self.messages[index % len(self.messages)]))

    def visible(self) -> list[Message]:
        """Return what may be received now."""
        return [message for message in self.messages if message.visible_at <= self.now()]

    def receive(self, messages: Sequence[Message]) -> dict[str, Any]:
        """Hand messages to a function, as its event; who was received too often is a dead letter instead."""
        records = []
        for message in messages:
            message.receives += 1
            message.visible_at = self.now() + VISIBILITY
            message.handle = f"receipt-{next(self.numbers)}"
            records.append(
                {
                    "messageId": message.handle.replace("receipt", "message"),
                    "receiptHandle": message.handle,
                    "body": message.body,
                    "attributes": {"ApproximateReceiveCount": str(message.receives)},
                    "messageAttributes": {},
                    "md5OfBody": "",
                    "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:reviews",
                    "awsRegion": "eu-central-1",
                }
            )
        return {"Records": records}

    def settle(self, event: Mapping[str, Any], answer: Mapping[str, Any] | None) -> None:
        """Delete what the function's answer says is done; no failures named means that all is."""
        failures = (answer or {}).get("batchItemFailures") or []
        failed = {failure.get("itemIdentifier") for failure in failures}
        known = {record["messageId"] for record in event["Records"]}
        if failed - known:
            return
        done = {record["receiptHandle"] for record in event["Records"] if record["messageId"] not in failed}
        self.messages = [message for message in self.messages if message.handle not in done]

    def bury(self) -> None:
        """Make dead letters of what was received too often and comes up again."""
        doomed = [message for message in self.visible() if message.receives >= MAX_RECEIVES]
        self.messages = [message for message in self.messages if message not in doomed]
        self.dead += doomed

    def postpone(self, receipt_handle: str, delay: timedelta) -> None:
        """Hide a message for some time from now."""
        for message in self.messages:
            if message.handle == receipt_handle:
                message.visible_at = self.now() + delay

    # --- moving dead letters back, as SQS does it

    def count(self) -> int:
        """Return how many dead letters can be seen."""
        return sum(letter.visible_at <= self.now() for letter in self.dead)

    def is_moving(self) -> bool:
        """Whether they are being moved."""
        return bool(self.tasks) and self.tasks[0].status is MoveStatus.RUNNING

    def move(self, *, messages_per_second: int = _AT_RECONCILERS_RATE) -> None:
        """Start a move; SQS refuses a second one."""
        if self.is_moving():
            raise ConflictError("there is a running move")
        task = MoveTask(
            status=MoveStatus.RUNNING,
            started_at=self.now(),
            moved=0,
            to_move=len(self.dead),
            messages_per_second=messages_per_second,
        )
        self.tasks.insert(0, task)

    def go_on_moving(self, *, most: int | None = None) -> None:
        """Move as many as the rate allows by now, or so many, the oldest first; they begin with no receives."""
        if not self.is_moving():
            return
        task = self.tasks[0]
        allowed = int((self.now() - task.started_at).total_seconds() * (task.messages_per_second or 0)) - task.moved
        wanted = allowed if most is None else most
        back = self.dead[: min(wanted, (task.to_move or 0) - task.moved)]
        self.dead = self.dead[len(back) :]
        self.messages += [Message(body=letter.body, visible_at=self.now()) for letter in back]
        moved = task.moved + len(back)
        is_over = moved >= (task.to_move or 0) or not self.dead
        self.tasks[0] = replace(task, moved=moved, status=MoveStatus.COMPLETED if is_over else MoveStatus.RUNNING)

    def moves(self) -> Sequence[MoveTask]:
        """List the moves, the latest first."""
        return self.tasks

    def stop(self) -> None:
        """Cancel the move."""
        if not self.is_moving():
            raise ConflictError("no move runs")
        self.tasks[0] = replace(self.tasks[0], status=MoveStatus.CANCELLED)

    def depth(self) -> QueueDepth:
        """Count."""
        hidden = len(self.messages) - len(self.visible())
        return QueueDepth(waiting=len(self.visible()), in_flight=hidden, delayed=0, dead_letters=len(self.dead))

    def letters(self, *, limit: int) -> Sequence[RawLetter]:
        """Show dead letters, each once in a while."""
        shown = [letter for letter in self.dead if letter.visible_at <= self.now()][:limit]
        for letter in shown:
            letter.visible_at = self.now() + _LOOKED_AT
        return [
            RawLetter(id=str(id(letter)), body=letter.body, sent_at=None, attempts=letter.receives) for letter in shown
        ]
