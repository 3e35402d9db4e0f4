"""Token buckets on DynamoDB: any number of buckets of one owner, decided by one conditional write.

A condition cannot take the greater of two values, so each bucket's part has two forms: from an idle bucket (its time
has passed, and becomes now plus the cost) and from a busy one (its time is ahead, and is moved on by the cost if that
leaves it within the capacity). The form is guessed from what this process saw last. Busy takes do not disturb each
other: any number of callers may add to the same time, and none of them has to know what the others did. A wrong guess
comes back with the whole item, which says for certain whether to refuse, and otherwise which form is right.

A bucket whose time has passed is full, and so is one that is not there. What a write has shown to have passed, the next
write removes, on condition that it still has: an item holds no more buckets than were used of late, whatever number of
keys a tenant makes in its life.

Races that are handled here: any number of takers of the last units (the condition is checked by the store), and a
bucket that is taken from while somebody removes it (the condition again, and the removal waits for another write). Not
handled: callers' clocks. Each caller decides by its own `now`; one that runs ahead by d is let in d too early, once. A
write whose answer was lost is repeated by the SDK and may charge twice; it never lets in twice.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.adapters.dynamodb.items import marshal, unmarshal
from codereview.domain.limits import LONGEST_MEMORY, Decision, Refused, Take, advanced, decide, granted
from codereview.errors import ThrottledError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BUCKET = "b#"  # before the name of each bucket's attribute

# At one `now` a time only grows, so each bucket can turn out to be idle once and busy once after the first guess.
_TRIES_FOR_EACH_BUCKET = 2

# A refused write costs as much as any other, and what was read a moment ago can only have become worse.
_REFUSAL_KEPT = 1_000_000  # microseconds
_MOST_OWNERS_KNOWN = 1_024

# A caller's clock that runs ahead must not remove what is busy by the others'. An item has room for 10,000 buckets, and
# no owner's rate lets it use so many within a minute.
_LEFT_ALONE = 60_000_000  # microseconds
_MOST_REMOVED = 20  # at once; a take adds one, so that it shrinks quickly


@dataclass(frozen=True, slots=True)
class _Known:
    """What this process saw last of an owner's buckets, all of them: the least that their times can be."""

    tats: dict[str, int]
    seen_at: int


class DynamoBuckets:
    """The `limit#` items; one instance for a process, from any of its threads."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = Lock()

    def take(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision:
        """Take from all buckets or from none.

        A refusal by the table has the exact time to come back at. For a second it is repeated from memory, where that
        time may be too short by what others took meanwhile.
        """
        moment = (now - _EPOCH) // _MICROSECOND
        known = self._known.get(owner)
        tats = known.tats if known else {}
        expected = decide(takes, tats, now=moment)
        if isinstance(expected, Refused):
            never_fits = expected.retry_after is None
            is_fresh = known is not None and 0 <= moment - known.seen_at <= _REFUSAL_KEPT
            if never_fits or is_fresh:
                return expected
        passed = _passed(takes, tats, moment)
        for _ in range(1 + _TRIES_FOR_EACH_BUCKET * len(takes)):
            is_taken, tats = self._try(owner, _write(takes, tats, moment, passed))
            self._remember(owner, tats, moment)
            passed = []  # what holds up a take is not tried again with it
            if is_taken:
                return granted(takes, tats, now=moment)
            decision = decide(takes, tats, now=moment)
            if isinstance(decision, Refused):
                return decision
        raise ThrottledError("control table: a bucket changes faster than it can be read")

    def look(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision:
        """Read the buckets, and decide over them."""
        moment = (now - _EPOCH) // _MICROSECOND
        try:
            found = self._client.get_item(
                TableName=self._table, Key=marshal({"pk": f"limit#{owner}"}), ConsistentRead=True
            )
        except (BotoCoreError, ClientError) as error:
            raise translated(error) from error
        tats = _times(found.get("Item", {}))
        self._remember(owner, tats, moment)
        return decide(takes, tats, now=moment)

    def _remember(self, owner: str, tats: Mapping[str, int], moment: int) -> None:
        with self._lock:
            self._known.pop(owner, None)
            # A new value each time: another thread may be deciding by the old one.
            self._known[owner] = _Known(tats=dict(tats), seen_at=moment)
            if len(self._known) > _MOST_OWNERS_KNOWN:
                self._known.popitem(last=False)

    def _try(self, owner: str, write: Mapping[str, Any]) -> tuple[bool, dict[str, int]]:
        """Return whether the write worked, and the times of all the owner's buckets as they are now."""
        try:
            answer: Any = self._client.update_item(
                TableName=self._table,
                Key=marshal({"pk": f"limit#{owner}"}),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **write,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise translated(error) from error
            refusal: Any = error.response
            return False, _times(refusal.get("Item", {}))
        except BotoCoreError as error:
            raise translated(error) from error
        return True, _times(answer["Attributes"])


def _passed(takes: Sequence[Take], tats: Mapping[str, int], moment: int) -> list[str]:
    """Name the buckets that are good for nothing any more, those that passed first."""
    taken = {take.name for take in takes}
    old = [name for name, tat in tats.items() if tat <= moment - _LEFT_ALONE and name not in taken]
    return sorted(old, key=lambda name: tats[name])[:_MOST_REMOVED]


def _write(takes: Sequence[Take], tats: Mapping[str, int], moment: int, passed: Sequence[str]) -> dict[str, Any]:
    """Spell out the conditional update, which removes the buckets that passed."""
    memory = LONGEST_MEMORY // _MICROSECOND
    names = {"#end": "expires_at"}
    values = {":now": moment, ":end": (moment + memory) // 1_000_000 + 1}
    changes, conditions = ["#end = :end"], list[str]()
    for number, take in enumerate(takes):
        tat, cost = f"#tat{number}", take.cost * take.rate.interval
        names[tat] = _BUCKET + take.name
        if tats.get(take.name, moment) <= moment:
            values[f":tat{number}"] = advanced(take, moment, moment)
            changes.append(f"{tat} = :tat{number}")
            conditions.append(f"(attribute_not_exists({tat}) OR {tat} <= :now)")
        else:
            values |= {f":cost{number}": cost, f":most{number}": moment + take.rate.capacity - cost}
            changes.append(f"{tat} = {tat} + :cost{number}")
            conditions.append(f"{tat} > :now AND {tat} <= :most{number}")
    for number, name in enumerate(passed):
        names[f"#old{number}"] = _BUCKET + name
        values[":past"] = moment - _LEFT_ALONE
        # Another process may have removed it before.
        conditions.append(f"(attribute_not_exists(#old{number}) OR #old{number} <= :past)")
    removals = f" REMOVE {', '.join(f'#old{number}' for number in range(len(passed)))}" if passed else ""
    return {
        "UpdateExpression": f"SET {', '.join(changes)}{removals}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": marshal(values),
    }


def _times(item: Mapping[str, Any]) -> dict[str, int]:
    return {
        name.removeprefix(_BUCKET): int(value) for name, value in unmarshal(item).items() if name.startswith(_BUCKET)
    }
