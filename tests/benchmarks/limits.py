"""Requests and time that a decision over two buckets takes, for one caller and for several that share a tenant.

No test: the times are the emulator's, so only the requests say something about DynamoDB. Each caller has a connection
and a memory of its own, as each Lambda sandbox has.

A decision takes a second request when the caller took the tenant's bucket for idle and somebody else had just made it
busy, or the other way round. That is rare where little is used of a limit, impossible to tell in advance where half of
it is, and rare again at the limit, where the bucket is always busy. A refusal is repeated from memory for a second. So
1.1 requests a decision are kept over all of these together, and by each but that of sixteen callers at 30 %: DynamoDB's
updates know no maximum, and whoever has no news from the others guesses wrong as often as their takes overlap.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Barrier

from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.system import SystemClock
from codereview.domain.limits import Granted, Rate, Take
from local import aws
from local.processes import Processes, free_ports

_DECISIONS = 480  # of all callers together
_SECOND = timedelta(seconds=1)

# The share of the tenant's limit that all callers together ask for; at the end they ask for more than there is.
_LOADS = {
    0.05: Rate(units=1_000, period=_SECOND, burst=40),
    0.1: Rate(units=1_000, period=_SECOND, burst=40),
    0.3: Rate(units=1_000, period=_SECOND, burst=40),
    4.0: Rate(units=50, period=_SECOND, burst=40),
}


@dataclass
class Caller:
    """One caller and what it saw."""

    buckets: DynamoBuckets
    requests: int = 0
    admitted: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def count(self, **_: object) -> None:
        """Count a request."""
        self.requests += 1

    def ask(self, owner: str, takes: Sequence[Take], pause: float, together: Barrier, *, seed: int) -> None:
        """Ask again and again, with pauses of `pause` seconds on average, spread as chance spreads them."""
        clock, chance = SystemClock(), random.Random(seed)
        together.wait()
        for _ in range(_DECISIONS // together.parties):
            time.sleep(chance.expovariate(1 / pause))
            begin = time.perf_counter()
            decision = self.buckets.take(owner, takes, now=clock.now())
            self.milliseconds.append((time.perf_counter() - begin) * 1000)
            self.admitted += isinstance(decision, Granted)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name, Processes([Path(name) / "tmp"]) as processes:
        (port,) = free_ports(1)
        emulator = aws.start(processes, folder=Path(name), port=port)
        emulator.client("dynamodb").create_table(
            TableName="control",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        _print(f"{'asked for':<14}{'callers':>8}{'decisions':>11}{'admitted':>10}{'requests each':>15}{'p50 ms':>9}")
        requests = [_measure(emulator, share, rate, number) for share, rate in _LOADS.items() for number in (1, 4, 16)]
        _print(f"{'all':<14}{'':>8}{_DECISIONS * len(requests):>11}{'':>10}{sum(requests) / len(requests):>15.3f}")


def _measure(emulator: aws.Aws, share: float, rate: Rate, number: int) -> float:
    """Print what one load took; returns the requests a decision."""
    callers = [_caller(emulator) for _ in range(number)]
    together = Barrier(number)
    owner, pause = f"{share} {number}", number / (rate.units * share)
    with ThreadPoolExecutor(number) as pool:
        asked = [
            pool.submit(
                caller.ask,
                owner,
                [Take(name="tenant", rate=rate), Take(name=f"key#{n}", rate=rate)],
                pause,
                together,
                seed=n,
            )
            for n, caller in enumerate(callers)
        ]
        for each in asked:
            each.result()
    decisions = sum(len(caller.milliseconds) for caller in callers)
    each_took = sum(caller.requests for caller in callers) / decisions
    admitted = sum(caller.admitted for caller in callers) / decisions
    median = statistics.median(taken for caller in callers for taken in caller.milliseconds)
    _print(f"{share:<14.0%}{number:>8}{decisions:>11}{admitted:>10.0%}{each_took:>15.3f}{median:>9.2f}")
    return each_took


def _caller(emulator: aws.Aws) -> Caller:
    client = emulator.new_client("dynamodb")
    caller = Caller(DynamoBuckets(client, "control"))
    client.meta.events.register("before-send.dynamodb", caller.count)
    return caller


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
