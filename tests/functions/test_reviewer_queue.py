"""The review queue's loop around the use case: what may come out of the queue, and what the log says of it."""

import io
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.envelope_codec import encode
from codereview.domain.metrics import Tally
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.reviewer import ReviewerApp
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.fake_stores import Clock
from tests.scenarios.faults import Blackout
from tests.scenarios.world import World

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

GOOD = encode(pull_request_event())
_numbers = count()


class Context:
    """The two things of Lambda's context that are looked at."""

    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@dataclass
class Function:
    """The reviewer over the world of the scenarios, with what it logs and asks of the queue."""

    world: World = field(default_factory=World)
    stream: io.StringIO = field(default_factory=io.StringIO)
    postponed: list[tuple[str, timedelta]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        # Loggers of one name are one logger, so each test has a name of its own.
        self.logger = function_logger(f"reviewer-test-{next(_numbers)}")
        for handler in self.logger.handlers:
            cast("Any", handler).setStream(self.stream)

    def postpone(self, receipt_handle: str, delay: timedelta) -> None:
        self.postponed.append((receipt_handle, delay))

    def kept(self, *records: dict[str, Any]) -> list[str]:
        """Handle one event; returns the messages that stay in the queue."""
        app = ReviewerApp(
            clock=Clock(self.world),
            review=self.world.worker(),
            postponement=self,
            logger=self.logger,
            tally=self.tally,
            peak_memory=lambda: 128 * 1_048_576,
        )
        answer = app.process({"Records": list(records)}, cast("LambdaContext", Context()))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


def record(body: str, **values: Any) -> dict[str, Any]:
    return {"messageId": "m", "receiptHandle": "r", "body": body, "eventSource": "aws:sqs", **values}


def test_a_message_of_the_webhook_becomes_a_review() -> None:
    function = Function()
    assert function.kept(record(GOOD)) == []
    assert len(function.world.reviews) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("canary", id="not JSON"),
        pytest.param("[]", id="not an object"),
        pytest.param("{}", id="no version"),
        pytest.param("[" * 50_000, id="deep"),
        pytest.param(GOOD.replace('"version":1', '"version":0'), id="unknown version"),
        pytest.param(GOOD.replace('"number":3', '"number":"3"'), id="wrong kind"),
        pytest.param(GOOD.replace('"number":3,', ""), id="missing field"),
        pytest.param(GOOD.replace("{", '{"canary":1,'), id="extra field"),
        pytest.param(GOOD.replace("{", '{"padding":"' + "x" * 1_048_000 + '",'), id="1 MiB"),
    ],
)
def test_b89_a_message_that_is_none_of_ours_ends_with_its_reason_and_never_loops(body: str) -> None:
    function = Function()
    assert function.kept(record(body)) == []
    assert function.world.calls == []
    (line,) = function.lines
    assert (line["message"], bool(line["reason"])) == ("Given up", True)
    assert "canary" not in function.stream.getvalue()


def test_b89_f27_f39_a_message_of_a_later_release_waits_for_the_code_that_reads_it() -> None:
    function = Function()
    assert function.kept(record(GOOD.replace('"version":1', '"version":2,"new":true'))) == ["m"]
    assert function.world.calls == []


@pytest.mark.parametrize("attributes", [None, {}, {"ApproximateReceiveCount": ""}, {"ApproximateReceiveCount": "x"}])
def test_b90_a_message_without_its_attributes_is_handled(attributes: dict[str, str] | None) -> None:
    function = Function()
    assert function.kept(record(GOOD, attributes=attributes)) == []
    assert len(function.world.reviews) == 1


def test_f14_f15_a_bug_keeps_the_message_and_is_logged() -> None:
    function = Function()

    def fail() -> None:
        raise ZeroDivisionError("a bug")

    function.world.before["model.answer"] = fail
    assert function.kept(record(GOOD)) == ["m"]
    (line,) = function.lines
    assert (line["message"], line["exception_name"]) == ("Unforeseen", "ZeroDivisionError")
    # Not the place where it is logged.
    assert re.fullmatch(r"use_cases/model_of_review\.py:\d+ answer", line["raised_at"])


def test_a_message_whose_pull_request_is_taken_is_held_back_and_acknowledged() -> None:
    function, second = Function(), Function()
    second.world = function.world
    function.world.before["model.answer"] = lambda: kept.extend(second.kept(record(GOOD)))
    kept: list[str] = []
    assert function.kept(record(GOOD)) == []
    assert (kept, second.postponed, len(function.world.held)) == ([], [], 1)


def test_f9_f12_a_message_whose_pull_request_is_taken_comes_back_when_the_lease_has_run_out() -> None:
    function, second = Function(), Function()
    second.world = function.world
    function.world.blackouts.append(Blackout(prefix="agenda.hold", until=NOW + timedelta(hours=1)))
    function.world.before["model.answer"] = lambda: kept.extend(second.kept(record(GOOD)))
    kept: list[str] = []
    assert function.kept(record(GOOD)) == []
    assert kept == ["m"]
    ((receipt, delay),) = second.postponed
    assert receipt == "r"
    assert delay >= timedelta(seconds=360)
    assert len(function.world.reviews) == 1


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=50))
def test_no_text_breaks_out_of_its_log_line(text: str) -> None:
    function = Function()
    function.logger.info("Done", reason=text, outcome={"title": text})
    (line,) = function.lines
    function.stream.getvalue().encode("ascii")
    assert (line["reason"], line["outcome"]) == (text, {"title": text})


def test_no_word_of_the_pull_request_is_logged_whatever_fails() -> None:
    """The world's code, finding and title stand for everything of a stranger: none is in any line."""
    calls = Function()
    calls.kept(record(GOOD))
    for name in set(calls.world.calls):
        function = Function()

        def fail(called: str = name) -> None:
            raise ValueError(f"{called} broke")

        function.world.before[name] = fail
        function.kept(record(GOOD))
        text = function.stream.getvalue()
        assert text
        for word in ("Body.", "@@ -1 +1 @@", "marker key", '"findings"'):
            assert word not in text, name
