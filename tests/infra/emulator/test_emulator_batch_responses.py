"""A malformed answer to a batch keeps its messages, as on AWS."""

import json
import time
from typing import Any

import pytest

from local.emulator import batch_rules
from tests.infra.emulator.conftest import Tiny


def _depth(stack: Tiny, output: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = stack.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def _is_dead_letter(stack: Tiny, answer: Any) -> bool:
    """Send a message whose handler answers `answer`; tell whether it ends as a dead letter or is deleted."""
    queues = stack.client("sqs")
    before = _depth(stack, "DeadLettersUrl")
    queues.send_message(QueueUrl=stack.output("WorkQueueUrl"), MessageBody=json.dumps(answer))
    deadline = time.monotonic() + 20
    while _depth(stack, "WorkQueueUrl"):
        assert time.monotonic() < deadline, "the message was neither deleted nor given up"
        time.sleep(0.05)
    return _depth(stack, "DeadLettersUrl") > before


MALFORMED = {"batchItemFailures": [{"itemIdentifier": ""}]}


def test_the_gap_the_pinned_emulator_deletes_the_messages_of_a_malformed_answer(bare: Tiny) -> None:
    assert not _is_dead_letter(bare, MALFORMED)


def test_the_messages_of_a_malformed_answer_become_dead_letters(tiny: Tiny) -> None:
    assert _is_dead_letter(tiny, MALFORMED)


def test_the_messages_of_an_empty_answer_are_deleted(tiny: Tiny) -> None:
    assert not _is_dead_letter(tiny, {"batchItemFailures": []})


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"batchItemFailures": None},
        {"batchItemFailures": []},
        {"batchItemFailures": [{"itemIdentifier": "a"}]},
    ],
)
def test_a_well_formed_answer(body: Any) -> None:
    assert batch_rules.is_well_formed(body, frozenset({"a", "b"}))


@pytest.mark.parametrize(
    "body",
    [
        "text",
        ["a"],
        {"batchItemFailures": "a"},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": "of another batch"}]},
        {"batchItemFailures": [{"identifier": "a"}]},
    ],
)
def test_a_malformed_answer(body: Any) -> None:
    assert not batch_rules.is_well_formed(body, frozenset({"a", "b"}))
