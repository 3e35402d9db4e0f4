"""What GitHub is asked to deliver again: what its log says never arrived, ever less often, and at last not any more.

The log is read once, from the latest attempt back to where the last reading began, in as many runs as that takes. What
never arrived is remembered from then on, and how often it was asked for: no reading has to go further back for it, and
nothing begins anew when the first attempts fall out of the log.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

# GitHub redelivers what is not older than 3 days:
# https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
DELIVERIES_KEPT: Final = timedelta(days=3)
_FIRST_PAUSE: Final = timedelta(minutes=10)

# With the pauses between them the last one comes 41 hours after the first, well within what GitHub keeps.
MAX_ASKED: Final = 8

# The log is dated by GitHub's clock, the mark by ours, and a delivery may appear there some minutes after its date.
# Each reading goes back so much further than the last one's beginning; to see a delivery twice is harmless.
CLOCKS_APART: Final = timedelta(minutes=15)

# What is remembered is stored in one item of at most 400 kB, 100 bytes for each of these. A reading that finds more
# stops there until there is room again.
MOST_MISSING: Final = 3_000
_MOST_ARRIVED: Final = 1_000  # one that is forgotten is delivered twice, which is the same review

# Too large for us now is too large the next time. The sweep of open heads finds what these were about.
_TOO_LARGE: Final = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt of GitHub to deliver a webhook; all attempts of one webhook share the `guid`."""

    id: int
    guid: str
    delivered_at: datetime
    is_ok: bool
    status_code: int = 0
    is_redelivery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """A page of GitHub's log, the latest attempt first; `next` leads to older ones, None: there are none."""

    deliveries: tuple[Delivery, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A webhook that has not arrived: GitHub's own attempt, and how often and when last we asked for another one."""

    guid: str
    attempt: int
    first_at: datetime
    asked: int = 0
    asked_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be asked for: at once, then ever less often, and then no more."""
        if self.asked_at is None:
            return True
        return self.asked < MAX_ASKED and self.asked_at + _FIRST_PAUSE * (2**self.asked - 1) <= now

    def is_hopeless(self, now: datetime) -> bool:
        """Whether GitHub does not repeat it any more, or has in vain often enough; the last answer is waited for."""
        has_had_all = self.asked_at is not None and self.asked >= MAX_ASKED and now - self.asked_at > CLOCKS_APART
        return has_had_all or now - self.first_at > DELIVERIES_KEPT


@dataclass(slots=True, kw_only=True)
class Backlog:
    """What has not arrived, and a reading of the log that has not come to its end: it began at `began_at`.

    `next` is the page that the reading goes on with. `looked_at` is up to when the log was last looked at for what has
    arrived, and `arrived` what did by being asked for, in case its first attempt comes further back in the log.
    """

    missing: dict[str, Missing] = field(default_factory=dict)
    arrived: dict[str, None] = field(default_factory=dict)
    began_at: datetime | None = None
    looked_at: datetime | None = None
    next: str | None = None
    given_up: int = 0  # since it was restored
    _ended: set[str] = field(default_factory=set)

    def begin(self, now: datetime) -> datetime:
        """Begin a reading, if none is under way; returns how far back the one after it will have to go."""
        if self.began_at is None:
            self.began_at = self.looked_at = now
        return self.began_at - CLOCKS_APART

    def end(self) -> None:
        """End the reading, wherever it is: the next one begins with the latest attempts."""
        self.began_at = self.looked_at = self.next = None
        self.arrived = {}

    @property
    def is_waiting(self) -> bool:
        """Whether something was asked for and has not arrived."""
        return any(each.asked for each in self.missing.values())

    def note_ends(self, deliveries: Sequence[Delivery]) -> None:
        """Take out what has arrived, and what never can."""
        for each in deliveries:
            if each.is_ok or each.status_code == _TOO_LARGE:
                was_missing = self.missing.pop(each.guid, None) is not None
                self.given_up += not each.is_ok and (was_missing or not each.is_redelivery)
                self._ended.add(each.guid)
            if each.is_ok and each.is_redelivery and len(self.arrived) < _MOST_ARRIVED:
                self.arrived[each.guid] = None

    def take(self, deliveries: Sequence[Delivery], *, now: datetime, most: int) -> bool:
        """Note a page of the reading; False if more is missing than there is room for, and it has to be read again.

        A redelivery is news about what is missing already. Any other has its first attempt further back, where it is
        found or was given up.
        """
        self.note_ends(deliveries)
        found = {
            each.guid: Missing(guid=each.guid, attempt=each.id, first_at=each.delivered_at)
            for each in deliveries
            if not each.is_ok and not each.is_redelivery and not self._knows(each.guid)
        }
        if found and len(self.missing) + len(found) > most:
            return False
        self.missing |= found
        self.give_up(now)
        return True

    def _knows(self, guid: str) -> bool:
        return guid in self._ended or guid in self.arrived or guid in self.missing

    def give_up(self, now: datetime) -> None:
        """Forget what no repetition will help."""
        hopeless = [guid for guid, each in self.missing.items() if each.is_hopeless(now)]
        for guid in hopeless:
            del self.missing[guid]
        self.given_up += len(hopeless)

    def due(self, now: datetime) -> list[Missing]:
        """Return what is to be asked for now, the oldest first."""
        found = [each for each in self.missing.values() if each.is_due(now)]
        return sorted(found, key=lambda each: (each.first_at, each.attempt))

    def ask(self, missing: Missing, *, now: datetime) -> None:
        """Note that a webhook is asked for."""
        self.missing[missing.guid] = replace(missing, asked=missing.asked + 1, asked_at=now)


def stored(backlog: Backlog) -> str:
    """Write down what the next run has to know."""
    return json.dumps(
        {
            "reading": [_seconds(backlog.began_at), _seconds(backlog.looked_at), backlog.next],
            "arrived": list(backlog.arrived),
            "missing": [
                [each.guid, each.attempt, _seconds(each.first_at), each.asked, _seconds(each.asked_at)]
                for each in backlog.missing.values()
            ],
        },
        separators=(",", ":"),
    )


def restored(text: str | None) -> Backlog:
    """Read it back; what releases before this one stored has none of it."""
    if not text:
        return Backlog()
    values = json.loads(text)
    began, looked, following = values["reading"]
    return Backlog(
        missing={
            guid: Missing(guid=guid, attempt=attempt, first_at=_moment(first), asked=asked, asked_at=_maybe(last))
            for guid, attempt, first, asked, last in values["missing"]
        },
        arrived=dict.fromkeys(values["arrived"]),
        began_at=_maybe(began),
        looked_at=_maybe(looked),
        next=following,
    )


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment is not None else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _maybe(seconds: int | None) -> datetime | None:
    return _moment(seconds) if seconds is not None else None
