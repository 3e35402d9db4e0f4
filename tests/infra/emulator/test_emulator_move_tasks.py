"""Redrive works as on AWS: message move tasks and the source queues of a dead-letter queue."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.emulator.conftest import Tiny


class Queues:
    """Two source queues and their dead-letter queue, with messages in it."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.dead_url, self.dead = self._create(f"{name}-dead")
        policy = f'{{"deadLetterTargetArn": "{self.dead}", "maxReceiveCount": 1}}'
        self.first_url, self.first = self._create(f"{name}-first", RedrivePolicy=policy, VisibilityTimeout="0")
        self.second_url, self.second = self._create(f"{name}-second", RedrivePolicy=policy, VisibilityTimeout="0")

    def _create(self, name: str, **attributes: str) -> tuple[str, str]:
        url = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, answer["Attributes"]["QueueArn"]

    def fail(self, url: str, body: str) -> None:
        """Send a message and receive it until it is a dead letter."""
        self.client.send_message(QueueUrl=url, MessageBody=body)
        for _ in range(2):
            self.client.receive_message(QueueUrl=url, VisibilityTimeout=0, WaitTimeSeconds=0)

    def depth(self, url: str) -> int:
        name = "ApproximateNumberOfMessages"
        return int(self.client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])

    def last_task(self) -> Any:
        return self.client.list_message_move_tasks(SourceArn=self.dead)["Results"][0]


@pytest.fixture
def queues(tiny: Tiny, request: pytest.FixtureRequest) -> Iterator[Queues]:
    made = Queues(tiny.client("sqs"), f"q{abs(hash(request.node.name))}")
    yield made
    for url in (made.first_url, made.second_url, made.dead_url):
        made.client.delete_queue(QueueUrl=url)


def _until(is_true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("start_message_move_task", {"SourceArn": "arn:aws:sqs:us-east-1:111122223333:any"}),
        ("list_message_move_tasks", {"SourceArn": "arn:aws:sqs:us-east-1:111122223333:any"}),
        ("cancel_message_move_task", {"TaskHandle": "any"}),
        ("list_dead_letter_source_queues", {"QueueUrl": "http://127.0.0.1/111122223333/any"}),
    ],
)
def test_the_gap_the_pinned_emulator_does_not_know_the_call(bare: Tiny, call: str, arguments: dict[str, str]) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(bare.client("sqs"), call)(**arguments)
    assert refused.value.response["Error"]["Code"].endswith(
        ("InvalidAction", "UnsupportedOperation", "UnknownOperation")
    )


def test_dead_letters_go_back_to_the_queue_that_each_came_from(queues: Queues) -> None:
    queues.fail(queues.first_url, "one")
    queues.fail(queues.second_url, "two")
    assert queues.depth(queues.dead_url) == 2
    queues.client.start_message_move_task(SourceArn=queues.dead)
    _until(lambda: queues.last_task()["Status"] == "COMPLETED")
    assert [queues.depth(url) for url in (queues.dead_url, queues.first_url, queues.second_url)] == [0, 1, 1]
    received = queues.client.receive_message(QueueUrl=queues.first_url, AttributeNames=["All"])["Messages"][0]
    assert (received["Body"], received["Attributes"]["ApproximateReceiveCount"]) == ("one", "1")


def test_dead_letters_go_to_the_destination_that_is_named(queues: Queues) -> None:
    queues.fail(queues.first_url, "one")
    queues.client.start_message_move_task(SourceArn=queues.dead, DestinationArn=queues.second)
    _until(lambda: queues.depth(queues.second_url) == 1)
    assert queues.last_task()["DestinationArn"] == queues.second


def test_a_running_task_shows_its_handle_keeps_its_rate_and_can_be_cancelled(queues: Queues) -> None:
    for number in range(4):
        queues.fail(queues.first_url, str(number))
    handle = queues.client.start_message_move_task(SourceArn=queues.dead, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    assert queues.last_task()["TaskHandle"] == handle
    with pytest.raises(ClientError, match="already a task running"):
        queues.client.start_message_move_task(SourceArn=queues.dead)
    moved = queues.client.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    assert moved <= 2
    _until(lambda: queues.last_task()["Status"] == "CANCELLED")
    assert "TaskHandle" not in queues.last_task()
    assert queues.depth(queues.dead_url) >= 2


def test_only_a_dead_letter_queue_can_be_the_source(queues: Queues) -> None:
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        queues.client.start_message_move_task(SourceArn=queues.first)


def test_the_source_queues_of_a_dead_letter_queue_are_listed(queues: Queues) -> None:
    listed = queues.client.list_dead_letter_source_queues(QueueUrl=queues.dead_url)["queueUrls"]
    assert sorted(listed) == sorted([queues.first_url, queues.second_url])
