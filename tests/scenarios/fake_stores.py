"""The control table, S3, the queues and a clock, in memory."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from codereview.domain.envelope import Envelope
from codereview.domain.envelope_codec import decode, encode
from codereview.domain.parking import Held, held_id
from codereview.domain.reconciling import Due, fair_order
from codereview.domain.record import ReviewRecorded
from codereview.errors import LostLeaseError
from codereview.ports import Busy, Lease, PullRequestKey, ReviewItem, StoredObject

if TYPE_CHECKING:
    from tests.scenarios.world import World


@dataclass
class Clock:
    world: "World"

    def now(self) -> datetime:
        return self.world.now

    def sleep(self, duration: timedelta) -> None:
        self.world.now += duration


@dataclass
class Ids:
    world: "World"

    def new(self) -> UUID:
        return UUID(int=self.world.next_id())


@dataclass
class Store:
    world: "World"

    def acquire(self, pull_request: PullRequestKey, *, owner: UUID, now: datetime, until: datetime) -> Lease | Busy:
        return self.world.call("store.acquire", lambda: self._acquire(pull_request, owner, now, until))

    def _acquire(self, pull_request: PullRequestKey, owner: UUID, now: datetime, until: datetime) -> Lease | Busy:
        fence, holder, ends = self.world.leases.get(pull_request, (0, None, now))
        if holder not in (None, owner) and ends > now:
            return Busy(until=ends)
        self.world.leases[pull_request] = (fence + 1, owner, until)
        return Lease(pull_request=pull_request, owner=owner, fence=fence + 1, until=until)

    def release(self, lease: Lease, *, looked_at: datetime | None = None) -> None:
        self.world.call("store.release", lambda: self._release(lease, looked_at))

    def _release(self, lease: Lease, looked_at: datetime | None = None) -> None:
        if self._holds(lease):
            self.world.leases[lease.pull_request] = (lease.fence, None, lease.until)
            if looked_at is not None:
                self.world.looks[lease.pull_request] = looked_at

    def looked_at(self, pull_request: PullRequestKey) -> datetime | None:
        return self.world.call("store.looked_at", lambda: self.world.looks.get(pull_request))

    def _holds(self, lease: Lease) -> bool:
        fence, holder, _ = self.world.leases[lease.pull_request]
        return (fence, holder) == (lease.fence, lease.owner)

    def load(self, review_id: UUID) -> ReviewItem | None:
        return self.world.call("store.load", lambda: self.world.items.get(review_id))

    def save(self, lease: Lease, item: ReviewItem, *, now: datetime) -> None:
        self.world.call("store.save", lambda: self._save(lease, item.remembering(now=now)))

    def _save(self, lease: Lease, item: ReviewItem) -> None:
        if not self._holds(lease):
            self.world.refused_writes += 1
            raise LostLeaseError("a newer lease exists")
        latest, _, _ = self.world.leases[lease.pull_request]
        self.world.stale_writes += lease.fence < latest
        self.world.items[item.key.review_id] = item


@dataclass
class Agenda:
    world: "World"

    def hold(self, held: Held) -> None:
        def put() -> None:
            self.world.held[f"held#{held.id}"] = held

        self.world.call("agenda.hold", put)

    def due(self, *, now: datetime, limit: int, most_of_a_tenant: int) -> list[Due]:
        return self.world.call("agenda.due", lambda: fair_order(self._due(now), most=most_of_a_tenant)[:limit])

    def _due(self, now: datetime) -> list[Due]:
        held = [
            Due(id=name, tenant=entry.tenant, due_at=entry.due_at, is_held=True, has_begun=entry.has_begun)
            for name, entry in self.world.held.items()
        ]
        reviews = [
            Due(id=str(item.key.review_id), tenant=item.key.tenant, due_at=item.due_at, is_held=False)
            for item in self.world.items.values()
            if item.due_at is not None
        ]
        return sorted((entry for entry in held + reviews if entry.due_at <= now), key=lambda entry: entry.due_at)

    def envelope_of(self, entry: Due) -> Envelope | None:
        return self.world.call("agenda.envelope_of", lambda: self._envelope_of(entry))

    def _envelope_of(self, entry: Due) -> Envelope | None:
        if entry.is_held:
            held = self.world.held.get(entry.id)
            return held.envelope if held is not None and held.due_at == entry.due_at else None
        item = self.world.items[UUID(entry.id)]
        return item.envelope if item.due_at == entry.due_at else None

    def move_on(self, entry: Due, *, until: datetime) -> None:
        def move() -> None:
            item = self.world.items[UUID(entry.id)]
            if item.due_at == entry.due_at:
                self.world.items[UUID(entry.id)] = replace(item, due_at=until)

        self.world.call("agenda.move_on", move)

    def drop(self, entry: Due) -> None:
        def forget() -> None:
            if self._envelope_of(entry) is not None:
                del self.world.held[entry.id]

        self.world.call("agenda.drop", forget)

    def holds(self, envelope: Envelope) -> bool:
        return self.world.call("agenda.holds", lambda: f"held#{held_id(envelope)}" in self.world.held)


@dataclass
class ReviewQueue:
    world: "World"

    def send(self, envelope: Envelope, *, delay: timedelta = timedelta()) -> None:
        # As the codec would: what cannot be sent must not seem to be.
        self.world.call("review_queue.send", lambda: self.world.queue.append(decode(encode(envelope))))


@dataclass
class Objects:
    world: "World"

    def put(self, key: str, data: bytes) -> StoredObject:
        return self.world.call("objects.put", lambda: self._put(key, data))

    def _put(self, key: str, data: bytes) -> StoredObject:
        self.world.objects[key] = data
        return StoredObject(key=key, sha256=hashlib.sha256(data).hexdigest())

    def get(self, key: str) -> bytes | None:
        return self.world.call("objects.get", lambda: self.world.objects.get(key))


@dataclass
class RecordQueue:
    world: "World"

    def send(self, message: ReviewRecorded) -> None:
        self.world.call("record_queue.send", lambda: self.world.recorded.append(message))
