"""Money on DynamoDB: a counter for each ceiling, and one reservation for each review.

A counter's `committed` is what is spent and what is set aside; a condition on it alone decides, in the same transaction
that writes the reservation, so that no two reviews can take the last dollar. A worker that dies between reserving and
settling leaves its reservation behind with a due time: the reconciler settles it then, and until then the budget is
tighter than it need be, never wider. A retry of the review takes the same reservation over.

Races that are handled here: two attempts of one review (each change names the version of the reservation that it read,
and is made again over a newer one), one call counted twice (its name is kept with the reservation), and the reconciler
settling what a slow worker still spends on (what it spends then is counted all the same).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.control.documents import batch_get
from codereview.adapters.dynamodb.control.transactions import Part, transact
from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import SHARDS, due_text, marshal, shard_of, unmarshal
from codereview.domain.control.budgets import Ceiling, Reservation, Room, Shortage, Spender
from codereview.domain.control.quotas import Budgets
from codereview.domain.review import ReviewKey, TenantId
from codereview.errors import PermanentError, StaleVersionError, ThrottledError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_INDEX = "due"
_KEPT = timedelta(days=100)  # a month's account is looked at for a quarter
_MOST_TRIES = 8


class _ShortError(PermanentError):
    """A ceiling's condition did not hold."""

    def __init__(self, ceiling: Ceiling) -> None:
        super().__init__(f"no room under {ceiling}")
        self.ceiling = ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A reservation as it is stored; version 0: not yet."""

    reservation: Reservation
    version: int
    calls: frozenset[str]


class DynamoBudgetLedger:
    """The `budget#` counters and `reserve#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def room(self, spender: Spender, budgets: Budgets) -> Room:
        """Read the counters and the review's own reservation."""
        held = self._load(spender)
        account = _account(spender, held)
        counters = batch_get(self._client, self._table, list(_counters(account).values()))
        left = {}
        for ceiling, limit in _limits(budgets).items():
            item = unmarshal(counters.get(_counters(account)[ceiling], {}))
            left[ceiling] = max(limit - int(item.get("committed", 0)) + held.reservation.left, 0)
        return Room(left=left)

    def held(self, spender: Spender) -> Reservation | None:
        """Read the review's own reservation."""
        held = self._load(spender)
        return held.reservation if held.version else None

    def reserve(self, spender: Spender, budgets: Budgets, *, amount: int, until: datetime) -> Reservation | Shortage:
        """Set the reservation to `amount`, and every counter by the difference."""
        if amount < 0:
            raise PermanentError("nobody reserves less than nothing")

        def change(held: _Held) -> tuple[Reservation, list[Part]]:
            account = _account(spender, held)
            difference = amount - held.reservation.left
            parts = self._commit(account, difference, spent=0, budgets=budgets) if difference else []
            return Reservation(spender=account, left=amount, spent=held.reservation.spent, until=until), parts

        try:
            return self._change(spender, change)
        except _ShortError as short:
            return Shortage(ceiling=short.ceiling)

    def spend(self, reservation: Reservation, *, call: str, amount: int) -> Reservation:
        """Move the cost from what is left to what is spent; beyond that, commit more."""
        if amount < 0:
            raise PermanentError("a call costs nothing or something")

        def change(held: _Held) -> tuple[Reservation, list[Part]] | None:
            if call in held.calls:
                return None
            now = held.reservation
            covered = min(amount, now.left)
            after = Reservation(spender=now.spender, left=now.left - covered, spent=now.spent + amount, until=now.until)
            return after, self._commit(now.spender, amount - covered, spent=amount)

        return self._change(reservation.spender, change, call=call)

    def settle(self, reservation: Reservation) -> None:
        """Give back what is left."""
        self._settle(reservation.spender, due_by=None)

    def _settle(self, spender: Spender, *, due_by: datetime | None) -> bool:
        """Settle, if it is due by then; return whether there was something to settle."""
        is_settled = False

        def change(held: _Held) -> tuple[Reservation, list[Part]] | None:
            nonlocal is_settled
            now = held.reservation
            is_settled = held.version > 0 and now.left > 0 and (due_by is None or now.until <= due_by)
            if not is_settled:
                return None
            after = Reservation(spender=now.spender, left=0, spent=now.spent, until=now.until)
            return after, self._commit(now.spender, -now.left, spent=0)

        self._change(spender, change)
        return is_settled

    def expire(self, *, now: datetime, limit: int) -> int:
        """Find what is due in each shard of the index, and settle it if it still is."""
        expired = 0
        for shard in range(SHARDS):
            for pk in self._due_in(f"money#{shard}", now, max(limit // SHARDS, 1)):
                item = unmarshal(batch_get(self._client, self._table, [pk]).get(pk, {}))
                if item:
                    expired += self._settle(_held(item).reservation.spender, due_by=now)
        return expired

    def _due_in(self, shard: str, now: datetime, limit: int) -> list[str]:
        try:
            page = self._client.query(
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at <= :now",
                ExpressionAttributeValues=marshal({":shard": shard, ":now": due_text(now)}),
                Limit=limit,
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error
        return [unmarshal(keys)["pk"] for keys in page["Items"]]

    def _load(self, spender: Spender) -> _Held:
        pk = _pk(spender.review_id)
        item = batch_get(self._client, self._table, [pk]).get(pk)
        if item is None:
            nothing = Reservation(spender=spender, left=0, spent=0, until=datetime.max.replace(tzinfo=UTC))
            return _Held(reservation=nothing, version=0, calls=frozenset())
        return _held(unmarshal(item))

    def _change(
        self,
        spender: Spender,
        change: Callable[[_Held], tuple[Reservation, list[Part]] | None],
        *,
        call: str | None = None,
    ) -> Reservation:
        """Write the reservation that `change` makes of the stored one, and its parts; None: leave it as it is."""
        for _ in range(_MOST_TRIES):
            held = self._load(spender)
            changed = change(held)
            if changed is None:
                return held.reservation
            after, parts = changed
            calls = held.calls | ({call} if call else set())
            write = _put(self._table, _Held(reservation=after, version=held.version + 1, calls=calls))
            try:
                # The reservation first: what the counters say counts only for the version that the change was made of.
                transact(self._client, [(write, StaleVersionError("the reservation changed")), *parts])
            except StaleVersionError:
                continue
            return after
        raise ThrottledError("control table: a reservation changes faster than it can be read")

    def _commit(self, account: Spender, amount: int, *, spent: int, budgets: Budgets | None = None) -> list[Part]:
        """Spell out the change of every counter; where there are budgets, more must fit under them."""
        limits = _limits(budgets) if budgets is not None and amount > 0 else {}
        end = int((datetime.fromisoformat(f"{account.month}-28T00:00:00+00:00") + _KEPT).timestamp())
        parts = list[Part]()
        for ceiling, pk in _counters(account).items():
            update: dict[str, Any] = {
                "TableName": self._table,
                "Key": marshal({"pk": pk}),
                "UpdateExpression": "SET expires_at = :end ADD committed :amount, spent :spent",
            }
            values = {":end": end, ":amount": amount, ":spent": spent}
            if ceiling in limits:
                most = limits[ceiling] - amount
                values[":most"] = most
                # An account that nothing was written to yet is empty, which is within every limit but a smaller one.
                empty = "attribute_not_exists(committed) OR " if most >= 0 else ""
                update["ConditionExpression"] = f"{empty}committed <= :most"
            parts.append(({"Update": update | {"ExpressionAttributeValues": marshal(values)}}, _ShortError(ceiling)))
        return parts


def _limits(budgets: Budgets) -> dict[Ceiling, int]:
    limits = {
        Ceiling.TENANT_MONTH: budgets.tenant_month,
        Ceiling.REPOSITORY_MONTH: budgets.repository_month,
        Ceiling.PULL_REQUEST: budgets.pull_request,
        Ceiling.REVIEW: budgets.review,
    }
    return {ceiling: limit for ceiling, limit in limits.items() if limit is not None}


def _counters(account: Spender) -> dict[Ceiling, str]:
    """Name the counters; a pull request's and a review's run over all months."""
    key = account.key
    return {
        Ceiling.TENANT_MONTH: f"budget#{key.tenant}#{account.month}",
        Ceiling.REPOSITORY_MONTH: f"budget#{key.tenant}#{account.month}#{key.repository_id}",
        Ceiling.PULL_REQUEST: f"budget#{key.tenant}#pr#{key.repository_id}#{key.number}",
        Ceiling.REVIEW: f"budget#{key.tenant}#review#{account.review_id}",
    }


def _account(spender: Spender, held: _Held) -> Spender:
    """Return whose account a reservation goes on: where money is set aside already, it stays in its month."""
    return held.reservation.spender if held.reservation.left > 0 else spender


def _pk(review_id: UUID) -> str:
    return f"reserve#{review_id}"


def _put(table: str, held: _Held) -> dict[str, Any]:
    now = held.reservation
    key, pk = now.spender.key, _pk(now.spender.review_id)
    due = {"due_shard": shard_of(pk).replace("work#", "money#"), "due_at": due_text(now.until)} if now.left else {}
    attributes = {
        "pk": pk,
        "tenant": key.tenant,
        "repository_id": key.repository_id,
        "number": key.number,
        "head_sha": key.head_sha,
        "kind": key.kind,
        "month": now.spender.month,
        "left": now.left,
        "spent": now.spent,
        "until": due_text(now.until),
        "version": held.version,
        "calls": set(held.calls) or None,
        "expires_at": int((now.until + _KEPT).timestamp()),
        **due,
    }
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if held.version > 1:
        condition = {
            "ConditionExpression": "#version = :version",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": marshal({":version": held.version - 1}),
        }
    return {"Put": {"TableName": table, "Item": marshal(attributes), **condition}}


def _held(values: Mapping[str, Any]) -> _Held:
    key = ReviewKey(
        tenant=TenantId(values["tenant"]),
        repository_id=int(values["repository_id"]),
        number=int(values["number"]),
        head_sha=values["head_sha"],
        kind=values["kind"],
    )
    reservation = Reservation(
        spender=Spender(key=key, month=values["month"]),
        left=int(values["left"]),
        spent=int(values["spent"]),
        until=datetime.fromisoformat(values["until"]),
    )
    return _Held(reservation=reservation, version=int(values["version"]), calls=frozenset(values.get("calls", ())))
