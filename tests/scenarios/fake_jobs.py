"""What the reconciler's jobs work on: GitHub's log of deliveries, and what the jobs remember, in memory."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from codereview.domain.redelivering import (
    Delivery,
    DeliveryPage,
)
from codereview.errors import PermanentError
from codereview.ports import JobState
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.world import World

HOUR = timedelta(hours=1)
PAGE = 100


def delivery(
    number: int,
    guid: str = "g",
    *,
    ago: timedelta = HOUR,
    is_ok: bool = False,
    status: int = 502,
    is_redelivery: bool = False,
) -> Delivery:
    return Delivery(
        id=number,
        guid=guid,
        delivered_at=NOW - ago,
        is_ok=is_ok,
        status_code=200 if is_ok else status,
        is_redelivery=is_redelivery,
    )


@dataclass
class Log:
    """GitHub's log; a redelivery arrives once GitHub reaches us again."""

    world: World
    attempts: list[Delivery] = field(default_factory=list)
    works_from: datetime = NOW
    refused: set[int] = field(default_factory=set)
    skew: timedelta = timedelta()  # of GitHub's clock, by which it dates what it logs
    lag: timedelta = timedelta()  # after which an attempt can be read
    takes: timedelta = timedelta()  # for a page

    def page(self, at: str | None) -> DeliveryPage:
        return self.world.call("deliveries.page", lambda: self._page(at))

    def _page(self, at: str | None) -> DeliveryPage:
        self.world.now += self.takes
        attempts = self._in_order()
        ends = len(attempts) if at is None else int(at)
        begins = max(ends - PAGE, 0)
        return DeliveryPage(deliveries=tuple(attempts[begins:ends][::-1]), next=str(begins) if begins else None)

    def _in_order(self) -> list[Delivery]:
        shown = [entry for entry in self.attempts if self._shows(entry)]
        return sorted(shown, key=lambda entry: (entry.delivered_at, entry.id))

    def _shows(self, entry: Delivery) -> bool:
        return entry.delivered_at - self.skew + self.lag <= self.world.now

    def redeliver(self, attempt: int) -> None:
        self.world.call("deliveries.redeliver", lambda: self._repeat(attempt))

    def _repeat(self, attempt: int) -> None:
        if attempt in self.refused:
            raise PermanentError("GitHub answered 404")
        (first,) = [entry for entry in self.attempts if entry.id == attempt]
        is_ok = self.world.now >= self.works_from
        number = len(self.attempts) + 1
        at = self.world.now + self.skew
        self.attempts.append(replace(first, id=number, delivered_at=at, is_ok=is_ok, is_redelivery=True))
        if is_ok:
            self.world.queue.append(pull_request_event())


@dataclass
class MemoryJobs:
    world: World
    next_at: dict[str, datetime] = field(default_factory=dict)
    states: dict[str, JobState] = field(default_factory=dict)

    def begin(self, name: str, *, now: datetime, every: timedelta) -> JobState | None:
        return self.world.call("jobs.begin", lambda: self._begin(name, now, every))

    def _begin(self, name: str, now: datetime, every: timedelta) -> JobState | None:
        if self.next_at.get(name, now) > now:
            return None
        self.next_at[name] = now + every
        return self.states.get(name, JobState())

    def finish(self, name: str, state: JobState, *, next_at: datetime | None = None) -> None:
        def store() -> None:
            self.states[name] = state
            self.next_at[name] = next_at or self.next_at[name]

        self.world.call("jobs.finish", store)
