"""The record queue's loop: one verdict a message, whatever the others do."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest
from aws_lambda_powertools import Logger

from codereview.domain.control.audit import Actor, ActorKind, AuditEntry
from codereview.domain.control.audit_codec import encode_audit
from codereview.domain.record import ReviewRecorded
from codereview.domain.result import ReviewResult
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.domain.stored import encode_recorded
from codereview.entrypoints.recorder import RecorderApp
from codereview.entrypoints.sqs import process_batch
from codereview.errors import ForbiddenError, PermanentError, RetryableError, ThrottledError
from codereview.ports import StoredObject
from codereview.use_cases.record_audit import RecordAudit
from codereview.use_cases.record_reviews import RecordReviews
from tests.functions.webhook_world import FakeClock

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

CONTEXT = cast("LambdaContext", None)
_numbers = count()


def message(number: int) -> ReviewRecorded:
    key = ReviewKey(tenant=TenantId("github.com:9919"), repository_id=1, number=number, head_sha="a" * 40)
    return ReviewRecorded(
        key=key, state=ReviewState.SKIPPED, reason="draft", sequence=1, finished_at="2026-03-15T12:00:00+00:00"
    )


def event(*bodies: str) -> dict[str, Any]:
    records = [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"r{number}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "3"},
            "eventSource": "aws:sqs",
        }
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def failed(answer: dict[str, Any]) -> list[str]:
    assert list(answer) == ["batchItemFailures"]
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@dataclass
class Nothing:
    """A bucket that nobody should ask, and a record that fails for some pull requests."""

    troubles: dict[int, Exception] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)
    audited: list[AuditEntry] = field(default_factory=list)
    closed: int = 0

    def close(self) -> None:
        self.closed += 1

    def append(self, entries: Sequence[AuditEntry]) -> None:
        self.audited += entries

    def put(self, key: str, data: bytes) -> StoredObject:
        raise NotImplementedError

    def get(self, key: str) -> bytes | None:
        raise NotImplementedError

    def write(self, message: ReviewRecorded, result: ReviewResult | None) -> None:
        assert result is None
        if message.key.number in self.troubles:
            raise self.troubles[message.key.number]
        self.written.append(message.key.number)


@dataclass
class Log:
    """What a function would have written. Loggers of one name are one logger, so each test has a name of its own."""

    stream: io.StringIO = field(default_factory=io.StringIO)
    name: str = field(default_factory=lambda: f"recorder-test-{next(_numbers)}")

    @property
    def logger(self) -> Logger:
        return Logger(service=self.name, stream=self.stream)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


def recorder(world: Nothing, log: Log) -> RecorderApp:
    reviews = RecordReviews(objects=world, record=world)
    return RecorderApp(
        clock=FakeClock(), reviews=reviews, audit=RecordAudit(log=world), logger=log.logger, close=world.close
    )


ENTRY = AuditEntry(
    id=UUID(int=5),
    tenant=None,
    actor=Actor(kind=ActorKind.OPERATOR, id="arn:canary", address="192.0.2.1"),
    action="tenants.create",
    target="tenant/1",
    before=None,
    after={"name": "canary"},
    at=datetime(2026, 3, 15, tzinfo=UTC),
    request_id="r1",
)


def test_audit_entries_and_reviews_share_the_queue_and_the_log_has_the_entrys_id_only(log: Log) -> None:
    world = Nothing()
    answer = recorder(world, log).process(event(encode_audit(ENTRY), encode_recorded(message(3))), CONTEXT)
    assert failed(answer) == []
    assert (world.audited, world.written) == ([ENTRY], [3])
    assert log.lines[0]["outcome"] == str(ENTRY.id)
    assert "canary" not in log.stream.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        encode_audit(ENTRY).replace('"version":1', '"version":2'),
        encode_audit(ENTRY).replace("operator", "ghost"),
        '{"kind": "audit"}',
    ],
    ids=["newer", "unknown word", "empty"],
)
def test_an_audit_entry_that_cannot_be_read_is_kept_and_never_acknowledged(log: Log, body: str) -> None:
    world = Nothing()
    assert failed(recorder(world, log).process(event(body), CONTEXT)) == ["m0"]
    assert world.audited == []


@pytest.mark.parametrize("trouble", [None, RetryableError("away"), ZeroDivisionError("a bug")], ids=str)
def test_a_batch_leaves_no_connection_behind_whatever_happened(log: Log, trouble: Exception | None) -> None:
    world = Nothing({1: trouble} if trouble else {})
    app = recorder(world, log)
    app.process(event(*(encode_recorded(message(number)) for number in range(3))), CONTEXT)
    assert world.closed == 1


@pytest.mark.parametrize("place", range(10))
def test_f14_one_poison_among_ten_is_kept_and_nine_are_written(log: Log, place: int) -> None:
    world = Nothing({place: ZeroDivisionError("a bug")})
    app = recorder(world, log)
    answer = app.process(event(*(encode_recorded(message(number)) for number in range(10))), CONTEXT)
    assert failed(answer) == [f"m{place}"]
    assert world.written == [number for number in range(10) if number != place]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "canary",
        "{}",
        '{"version": 1}',
        "[" * 10_000,
        encode_recorded(message(1)).replace('"version":1', '"version":0'),
        encode_recorded(message(1)).replace("2026-03-15T12:00:00+00:00", "2026-03-15T12:00:00"),
        encode_recorded(message(1)).replace("2026-03-15T12:00:00+00:00", "0000-00-00"),
        encode_recorded(message(1)).replace("skipped", "exploded"),
        encode_recorded(message(1)).replace('"number":1', '"number":"one"'),
    ],
)
def test_b89_a_message_that_is_none_of_ours_is_given_up_and_said_so_without_its_text(log: Log, body: str) -> None:
    world = Nothing()
    app = recorder(world, log)
    assert failed(app.process(event(encode_recorded(message(0)), body), CONTEXT)) == []
    assert world.written == [0]
    assert log.lines[-1]["message"] == "Given up"
    assert "canary" not in log.stream.getvalue()


def test_b89_a_message_of_a_newer_version_waits_for_newer_code(log: Log) -> None:
    world = Nothing()
    app = recorder(world, log)
    newer = encode_recorded(message(1)).replace('"version":1', '"version":2')
    assert failed(app.process(event(newer), CONTEXT)) == ["m0"]


def test_a_database_that_is_away_keeps_the_whole_batch_without_an_exception(log: Log) -> None:
    away: dict[int, Exception] = {number: RetryableError("database answered 57P03") for number in range(10)}
    world = Nothing(away)
    app = recorder(world, log)
    answer = app.process(event(*(encode_recorded(message(number)) for number in range(10))), CONTEXT)
    assert failed(answer) == [f"m{number}" for number in range(10)]
    assert {line["reason"] for line in log.lines} == {"database answered 57P03"}


def handled(error: Exception | None, log: Log, postpone: Callable[[str, timedelta], None]) -> list[str]:
    """Run one message through the loop, with a way to postpone it."""

    class Queue:
        def postpone(self, receipt_handle: str, delay: timedelta) -> None:
            postpone(receipt_handle, delay)

    def handle(body: str) -> str:
        if error is not None:
            raise error
        return body

    return failed(process_batch(event("body"), CONTEXT, handle=handle, logger=log.logger, postponement=Queue()))


@pytest.mark.parametrize(
    ("error", "kept", "delays"),
    [
        (None, [], []),
        (PermanentError("never"), [], []),
        (ForbiddenError("never"), [], []),
        (RetryableError("later"), ["m0"], []),
        (ThrottledError("later", retry_after=timedelta(seconds=30)), ["m0"], [timedelta(seconds=30)]),
        (ValueError("a bug"), ["m0"], []),
    ],
)
def test_what_happened_decides_whether_and_when_a_message_comes_back(
    log: Log, error: Exception | None, kept: list[str], delays: list[timedelta]
) -> None:
    asked: list[tuple[str, timedelta]] = []
    assert handled(error, log, lambda receipt, delay: asked.append((receipt, delay))) == kept
    assert asked == [("r0", delay) for delay in delays]


def test_a_message_that_cannot_be_postponed_is_kept_all_the_same(log: Log) -> None:
    def refuse(_receipt: str, _delay: timedelta) -> None:
        raise ForbiddenError("SQS answered AccessDenied")

    assert handled(RetryableError("later", retry_after=timedelta(seconds=1)), log, refuse) == ["m0"]
    assert log.lines[-1]["message"] == "Could not postpone"


@pytest.mark.parametrize("attributes", [None, {}, {"ApproximateReceiveCount": ""}, {"ApproximateReceiveCount": "x"}])
def test_b90_a_message_without_its_attributes_is_handled(log: Log, attributes: dict[str, str] | None) -> None:
    bare = event("body")
    bare["Records"][0]["attributes"] = attributes
    del bare["Records"][0]["eventSource"]
    assert failed(process_batch(bare, CONTEXT, handle=str, logger=log.logger)) == []


def test_each_line_names_its_message_and_how_often_it_came(log: Log) -> None:
    process_batch(event("a", "b"), CONTEXT, handle=str, logger=log.logger)
    assert [(line["message_id"], line["receive_count"]) for line in log.lines] == [("m0", 3), ("m1", 3)]
