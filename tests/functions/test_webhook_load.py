"""The webhook function under load, in counts: thousands of deliveries, and bodies as large as it takes."""

import gc
import sys
import tracemalloc

from codereview.entrypoints.http import MAX_BODY_BYTES
from tests.functions.webhook_world import World, delivery, pull_request

DELIVERIES = 4_000
ROUNDS = 4
LARGE_ONES = 10


def numbered(number: int) -> dict[str, object]:
    payload = pull_request(number=number)
    return payload | {"pull_request": payload["pull_request"] | {"number": number}}


def test_thousands_of_deliveries_are_each_answered_queued_once_and_forgotten() -> None:
    world, sizes = World(), list[int]()
    for begin in range(1, DELIVERIES, DELIVERIES // ROUNDS):
        numbers = range(begin, begin + DELIVERIES // ROUNDS)
        for number in numbers:
            assert world.deliver(numbered(number))["statusCode"] == 202
            world.lines.clear()
        assert [envelope.number for envelope, _ in world.queue.sent] == list(numbers)
        world.queue.sent.clear()
        gc.collect()
        sizes.append(sys.getallocatedblocks())
    assert world.secrets.reads == 1
    assert max(sizes[1:]) <= 1.01 * min(sizes[1:])


def test_the_largest_bodies_take_a_few_times_their_size_and_fail_no_small_one() -> None:
    world = World()
    body = b'{"padding": "' + b"x" * (MAX_BODY_BYTES - 15) + b'"}'
    large = delivery(body=body, event="push", is_base64=True)
    tracemalloc.start()
    try:
        for _ in range(LARGE_ONES):
            world.receive(large)
            assert world.deliver(pull_request())["statusCode"] == 202
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most <= 6 * MAX_BODY_BYTES
    assert kept <= MAX_BODY_BYTES / 10
    assert len(world.queue.sent) == LARGE_ONES
