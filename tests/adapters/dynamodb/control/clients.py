"""A process of clients that race for buckets: `python clients.py ENDPOINT TABLE THREADS`.

Each line on standard input is a round, in JSON; each thread has a connection and a memory of its own. The answer is a
line with what each thread was told. All take at once: no thread begins before all are ready.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.domain.limits import Granted, Rate, Take
from local.aws import Aws


class Client:
    """One client, which counts its requests to the table."""

    def __init__(self, endpoint_url: str, table: str) -> None:
        client = Aws(endpoint_url=endpoint_url).client("dynamodb")
        client.meta.events.register("before-send.dynamodb", self._count)
        self.requests = 0
        self.buckets = DynamoBuckets(client, table)

    def _count(self, **_: Any) -> None:
        self.requests += 1

    def play(self, barrier: Barrier, asked: dict[str, Any]) -> dict[str, Any]:
        """Take as often as the round says, at the round's time."""
        now = datetime.fromisoformat(asked["now"])
        takes = [
            Take(name=name, rate=Rate(units=units, period=timedelta(seconds=60), burst=burst), cost=asked["cost"])
            for name, units, burst in asked["takes"]
        ]
        self.requests = decided = taken = 0
        waits = []
        barrier.wait()
        for _ in range(asked["attempts"]):
            decision = self.buckets.take(asked["owner"], takes, now=now)
            decided += 1
            if isinstance(decision, Granted):
                taken += 1
            elif decision.retry_after is not None:
                waits.append(decision.retry_after / timedelta(microseconds=1))
        return {"taken": taken, "decided": decided, "requests": self.requests, "waits": waits}


def main(endpoint_url: str, table: str, threads: int) -> None:
    """Play rounds until the input ends."""
    clients = [Client(endpoint_url, table) for _ in range(threads)]
    barrier = Barrier(threads)
    with ThreadPoolExecutor(threads) as pool:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            asked = json.loads(line)
            played = [pool.submit(client.play, barrier, asked) for client in clients]
            sys.stdout.write(json.dumps([each.result() for each in played]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
