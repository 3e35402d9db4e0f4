"""A process of clients that race for whatever the table keeps: `python clients.py ENDPOINT TABLE THREADS`.

Each line on standard input is a round, in JSON; each thread has a connection and a memory of its own. The answer is a
line with what each thread was told. All take at once: no thread begins before all are ready.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

from codereview.adapters.dynamodb.control.buckets import DynamoBuckets
from codereview.adapters.dynamodb.control.ledger import DynamoBudgetLedger
from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.settings import DynamoFlags
from codereview.adapters.system import RandomIds
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request, audited
from codereview.domain.control.budgets import Shortage, Spender, month_of
from codereview.domain.control.people import PersonId
from codereview.domain.control.quotas import Budgets
from codereview.domain.limits import Granted, Rate, Take
from codereview.domain.review import ReviewKey, TenantId
from codereview.errors import ConflictError, NotFoundError, StaleVersionError, ThrottledError
from local.aws import Aws

_KEY = "the updated item's key"
_EPOCH = datetime.fromisoformat("2026-03-15T12:00:00+00:00")


class Client:
    """One client, which counts its requests to the table."""

    def __init__(self, endpoint_url: str, table: str) -> None:
        client = Aws(endpoint_url=endpoint_url).new_client("dynamodb")
        client.meta.events.register("before-send.dynamodb", self._count)
        client.meta.events.register("provide-client-params.dynamodb.UpdateItem", _remember_key)
        client.meta.events.register("after-call.dynamodb.UpdateItem", self._fill_in)
        self._client, self._table = client, table
        self.requests = 0
        self.buckets = DynamoBuckets(client, table)
        self.ledger = DynamoBudgetLedger(client, table)
        self.flags = DynamoFlags(client, table)
        self.people = DynamoPeople(client, table)

    def _count(self, **_: Any) -> None:
        self.requests += 1

    def _fill_in(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Be ALL_OLD where a store does not know it: what is read after a refusal is no older than what refused."""
        if parsed.get("Error", {}).get("Code") == "ConditionalCheckFailedException" and "Item" not in parsed:
            found = self._client.get_item(TableName=self._table, Key=context[_KEY], ConsistentRead=True)
            parsed["Item"] = found.get("Item", {})

    def play(self, barrier: Barrier, asked: dict[str, Any], number: int) -> dict[str, Any]:
        """Play the round's game."""
        match asked.get("game"):
            case "flags":
                return self._change(barrier, asked)
            case "leave":
                return self._leave(barrier, asked, number)
            case "reserve":
                return self._reserve(barrier, asked, number)
            case _:
                return self._take(barrier, asked)

    def _change(self, barrier: Barrier, asked: dict[str, Any]) -> dict[str, Any]:
        """Read the tenant's flags and change them, over and over."""
        done = stale = 0
        barrier.wait()
        for _ in range(asked["attempts"]):
            try:
                until_free(partial(self.flags.save, self.flags.load(TenantId(asked["owner"])), audit=own_entry()))
                done += 1
            except StaleVersionError:
                stale += 1
        return {"done": done, "stale": stale}

    def _leave(self, barrier: Barrier, asked: dict[str, Any], number: int) -> dict[str, Any]:
        """Be an admin, and leave when all are."""
        person = PersonId(host="github.com", user_id=asked["process"] * 100 + number + 1)
        me = self.people.load(TenantId(asked["owner"]), person)
        if me is None:
            raise NotFoundError(str(person))
        barrier.wait()
        try:
            until_free(partial(self.people.remove, me, audit=own_entry()))
        except ConflictError:
            return {"left": 0}
        return {"left": 1}

    def _reserve(self, barrier: Barrier, asked: dict[str, Any], number: int) -> dict[str, Any]:
        """Reserve for reviews of its own, and spend and settle every other one."""
        now, budgets = datetime.fromisoformat(asked["now"]), Budgets(tenant_month=asked["budget"])
        held = spent = 0
        barrier.wait()
        for attempt in range(asked["attempts"]):
            sha = f"{asked['process']:02}{number:02}{attempt:036}"
            key = ReviewKey(tenant=TenantId(asked["owner"]), repository_id=2, number=number + 1, head_sha=sha)
            spender = Spender(key=key, month=month_of(now))
            got = until_free(partial(self.ledger.reserve, spender, budgets, amount=10, until=now))
            if isinstance(got, Shortage):
                continue
            if attempt % 2:
                until_free(partial(self.ledger.spend, got, call="correctness/1", amount=7))
                until_free(partial(self.ledger.settle, got))
                spent += 7
            else:
                held += 10
        return {"held": held, "spent": spent}

    def _take(self, barrier: Barrier, asked: dict[str, Any]) -> dict[str, Any]:
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


def _remember_key(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_KEY] = params["Key"]


def own_entry() -> AuditEntry:
    """Describe a change that no other client makes."""
    request = Request(actor=Actor(kind=ActorKind.SYSTEM, id="client"), id=str(RandomIds().new()), at=_EPOCH)
    return audited(request, tenant=None, action="race", target="table")


def until_free[T](call: Callable[[], T]) -> T:
    """Ask again while too many others write the same item."""
    while True:
        with suppress(ThrottledError):
            return call()


def main(endpoint_url: str, table: str, threads: int) -> None:
    """Play rounds until the input ends."""
    clients = [Client(endpoint_url, table) for _ in range(threads)]
    barrier = Barrier(threads)
    with ThreadPoolExecutor(threads) as pool:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            asked = json.loads(line)
            played = [pool.submit(client.play, barrier, asked, n) for n, client in enumerate(clients)]
            sys.stdout.write(json.dumps([each.result() for each in played]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
