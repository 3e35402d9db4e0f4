"""No tenant slows another: ten reviewers, a tenant with ten thousand pull requests, and others with one each.

The queue is a model of SQS's fair queues, which nothing on one machine can be: it hands out the messages of the tenant
that has the fewest in flight first. Everything else is our own code, on a clock of its own.
"""

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.envelope import Envelope
from codereview.domain.parking import Held
from codereview.domain.reconciling import Due, fair_order
from codereview.domain.review import LEASE, Outcome, Posted, tenant_of
from codereview.domain.turns import ABOUT, RELEASES_FOR_EACH_REVIEWER, Turn, Turns, give_back, share, take
from codereview.errors import RetryableError
from codereview.use_cases.reconcile.release_due import ReleaseDue
from codereview.use_cases.take_turns import TakeTurns
from tests.scenarios.events import NOW, pull_request_event

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
REVIEWERS = 10
LOOKING = timedelta(milliseconds=50)  # what it takes to find that a share is taken


@dataclass
class Table:
    """The control table's item."""

    turns: Turns = field(default_factory=Turns)
    forestalled: int = 0  # writes that somebody else gets in before
    is_away: bool = False

    def load(self) -> Turns:
        if self.is_away:
            raise RetryableError("away")
        return self.turns

    def save(self, turns: Turns) -> bool:
        if self.forestalled > 0:
            self.forestalled -= 1
            return False
        assert turns.version == self.turns.version
        self.turns = replace(turns, version=turns.version + 1)
        return True


@dataclass
class Deployment:
    """Ten reviewers over a fair queue, and the reconciler every minute."""

    seconds_of: Callable[[], float] = lambda: 20.0
    now: datetime = NOW
    table: Table = field(default_factory=Table)
    held: dict[str, Held] = field(default_factory=dict)
    queues: dict[str, deque[Envelope]] = field(default_factory=lambda: defaultdict(deque))
    in_flight: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    free: int = REVIEWERS
    events: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    numbers: Any = field(default_factory=count)
    started: dict[tuple[str, int], datetime] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    doubles: int = 0

    # --- the ports

    def sleep(self, duration: timedelta) -> None:
        self.now += duration

    def new(self) -> UUID:
        return UUID(int=next(self.numbers))

    def hold(self, held: Held) -> None:
        self.held[str(held.id)] = held

    def due(self, *, now: datetime, limit: int, most_of_a_tenant: int) -> Sequence[Due]:
        waiting = defaultdict[str, list[Due]](list)
        for name, each in self.held.items():
            if each.due_at <= now:
                waiting[each.tenant].append(Due(id=name, tenant=each.tenant, due_at=each.due_at, is_held=True))
        # In the order of tenants, as the table has it: nobody may count on another one.
        return [
            due
            for _, theirs in sorted(waiting.items())
            for due in heapq.nsmallest(most_of_a_tenant, theirs, key=lambda due: due.due_at)
        ][:limit]

    def envelope_of(self, entry: Due) -> Envelope | None:
        return self.held[entry.id].envelope

    def move_on(self, entry: Due, *, until: datetime) -> None:
        raise NotImplementedError

    def drop(self, entry: Due) -> None:
        del self.held[entry.id]

    def holds(self, envelope: Envelope) -> bool:
        raise NotImplementedError

    def send(self, envelope: Envelope, *, delay: timedelta = timedelta()) -> None:
        self.at(self.now + delay, lambda: self.arrive(envelope))

    # --- what happens

    def at(self, moment: datetime, event: Callable[[], None]) -> None:
        heapq.heappush(self.events, (moment, next(self.numbers), event))

    def arrive(self, envelope: Envelope) -> None:
        self.queues[tenant_of(envelope.host, envelope.owner_id)].append(envelope)

    def reconcile(self) -> None:
        now = self.now
        ReleaseDue(
            clock=Frozen(self), agenda=self, queue=self, most_of_a_tenant=REVIEWERS * RELEASES_FOR_EACH_REVIEWER
        )(deadline=now + MINUTE)
        self.at(now + MINUTE, self.reconcile)

    def work(self) -> None:
        """Give free reviewers their messages, the quietest tenant's first."""
        while self.free and any(self.queues.values()):
            tenant = min(
                (name for name, queue in self.queues.items() if queue), key=lambda name: (self.in_flight[name], name)
            )
            self._begin(tenant, self.queues[tenant].popleft())

    def _begin(self, tenant: str, envelope: Envelope) -> None:
        self.free -= 1
        self.in_flight[tenant] += 1
        owner = str(self.new())
        turns = self.turns()
        if turns.begin(envelope, owner):
            key = (tenant, envelope.number or 0)
            self.doubles += key in self.started
            self.started[key] = self.now
            self.most[tenant] = max(self.most[tenant], self.in_flight[tenant])
            took = timedelta(seconds=self.seconds_of())
        else:
            turns._hold(envelope)
            took = LOOKING

        def end() -> None:
            turns.end(owner)
            self.free += 1
            self.in_flight[tenant] -= 1

        self.at(self.now + took, end)

    def turns(self) -> TakeTurns:
        return TakeTurns(
            clock=Frozen(self),
            ids=self,
            table=self.table,
            agenda=self,
            review=Nothing(),
            reviewers=REVIEWERS,
            jitter=lambda: 0.5,
        )

    def run(self, until: Callable[[], bool]) -> None:
        self.at(self.now, self.reconcile)
        while not until():
            moment, _, event = heapq.heappop(self.events)
            self.now = max(self.now, moment)
            event()
            self.work()


@dataclass
class Frozen:
    """The deployment's time, as one event sees it."""

    deployment: Deployment

    def now(self) -> datetime:
        return self.deployment.now

    def sleep(self, duration: timedelta) -> None:
        pass


class Nothing:
    """A review whose time passes elsewhere."""

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        raise NotImplementedError


def event(account: int, number: int) -> Envelope:
    return replace(pull_request_event(), owner_id=account, number=number)


def crowded(
    messages: int, *, quiet_at: Iterable[timedelta], seconds: tuple[int, int], seed: int, is_drained: bool = True
) -> tuple[Deployment, list[timedelta]]:
    """Let one tenant send many, others one each at those times; returns how long the others waited."""
    chance = random.Random(seed)
    deployment = Deployment(seconds_of=lambda: chance.uniform(*seconds))
    for number in range(1, messages + 1):
        deployment.arrive(event(1, number))
    sent = {account: NOW + after for account, after in enumerate(quiet_at, start=2)}
    for account, moment in sent.items():
        deployment.at(moment, lambda account=account: deployment.arrive(event(account, 1)))  # type: ignore[misc]
    ends = messages + len(sent) if is_drained else len(sent)
    noisy = {"github.com:1"} if not is_drained else set[str]()
    deployment.run(lambda: sum(tenant not in noisy for tenant, _ in deployment.started) == ends)
    waits = [deployment.started[f"github.com:{account}", 1] - moment for account, moment in sent.items()]
    return deployment, waits


QUIET_AT = [timedelta(seconds=second) for second in (0, 290, 301, 330, 425, 600, 900, 1_500, 1_799)]


@pytest.mark.parametrize("seed", range(3))
def test_ten_thousand_messages_of_one_tenant_delay_anothers_single_one_by_a_minute_at_most(seed: int) -> None:
    _, waits = crowded(10_000, quiet_at=QUIET_AT, seconds=(100, 280), seed=seed, is_drained=False)
    assert max(waits) <= MINUTE


def test_one_message_due_behind_fifteen_thousand_of_another_tenant_is_released_by_the_next_run() -> None:
    deployment = Deployment()
    for number in range(1, 15_001):
        deployment.hold(Held(envelope=event(1, number), reason="x", due_at=NOW))
    deployment.hold(Held(envelope=event(2, 1), reason="x", due_at=NOW + SECOND))
    deployment.now += MINUTE
    most = REVIEWERS * RELEASES_FOR_EACH_REVIEWER
    release = ReleaseDue(clock=Frozen(deployment), agenda=deployment, queue=deployment, most_of_a_tenant=most)
    assert release(deadline=deployment.now + MINUTE).sent == most + 1
    assert {each.tenant for each in deployment.held.values()} == {"github.com:1"}


def test_the_test_can_see_without_a_share_the_others_wait_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codereview.domain.turns.share", lambda reviewers: reviewers)
    _, waits = crowded(10_000, quiet_at=QUIET_AT, seconds=(280, 281), seed=1, is_drained=False)
    assert max(waits) > MINUTE


def test_a_share_is_kept_busy_and_nothing_is_lost_or_done_twice() -> None:
    others = [MINUTE * number for number in range(90)]
    deployment, _ = crowded(1_500, quiet_at=others, seconds=(10, 30), seed=1)
    assert deployment.doubles == 0
    assert deployment.held == {}
    assert deployment.now - NOW <= max(1.2 * 1_500 * 20 * SECOND / share(REVIEWERS), others[-1] + MINUTE)


def test_while_others_are_about_a_tenant_has_three_quarters_of_the_reviewers_at_most() -> None:
    others = [30 * SECOND * number for number in range(40)]
    deployment, waits = crowded(600, quiet_at=others, seconds=(10, 30), seed=1)
    assert max(waits) < SECOND * 30
    late = Deployment()
    late.arrive(event(2, 1))
    late.run(lambda: len(late.started) == 1)
    for number in range(1, 101):
        late.arrive(event(1, number))
    late.run(lambda: len(late.started) == 101)
    assert late.most["github.com:1"] == share(REVIEWERS) == 7
    assert deployment.most["github.com:1"] >= 7


def test_a_tenant_alone_has_all_reviewers() -> None:
    deployment, _ = crowded(200, quiet_at=[], seconds=(10, 30), seed=1)
    assert deployment.most["github.com:1"] == REVIEWERS
    assert deployment.held == {}


def test_what_is_refused_is_held_and_neither_failed_nor_received_again() -> None:
    deployment = Deployment()
    deployment.arrive(event(2, 1))
    for number in range(1, 21):
        deployment.arrive(event(1, number))
    deployment.run(lambda: len(deployment.held) == 13)
    assert {each.reason for each in deployment.held.values()} == {"the tenant's share of the reviewers is taken"}
    deployment.run(lambda: len(deployment.started) == 21)
    assert (deployment.doubles, deployment.held) == (0, {})


def turn(tenant: str, *, ends: timedelta = MINUTE) -> Turn:
    return Turn(tenant=tenant, until=NOW + ends)


def test_f28_the_turn_of_a_dead_reviewer_runs_out_with_its_lease() -> None:
    turns = Turns(seen={"b": NOW})
    for number in range(share(REVIEWERS)):
        turns, is_taken = take(turns, str(number), turn("a", ends=LEASE), reviewers=REVIEWERS, now=NOW)
        assert is_taken
    last = NOW + LEASE - SECOND
    assert not take(turns, "x", turn("a"), reviewers=REVIEWERS, now=last)[1]
    assert take(turns, "x", turn("b"), reviewers=REVIEWERS, now=last)[1]
    assert take(turns, "x", turn("a"), reviewers=REVIEWERS, now=NOW + LEASE)[1]
    assert take(give_back(turns, "0"), "x", turn("a"), reviewers=REVIEWERS, now=last)[1]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 90)), max_size=60),
    st.integers(1, 12),
)
def test_no_order_of_events_gives_a_tenant_more_than_its_share_while_others_were_seen(
    events: list[tuple[str, bool, int]], reviewers: int
) -> None:
    turns, now, seen = Turns(), NOW, dict[str, datetime]()
    for number, (tenant, is_end, seconds) in enumerate(events):
        now += SECOND * seconds
        if is_end:
            turns = give_back(turns, next(iter(turns.turns), ""))
            continue
        before = {name for name, each in turns.turns.items() if each.until > now and each.tenant == tenant}
        until = now + LEASE
        turns, is_taken = take(turns, str(number), Turn(tenant=tenant, until=until), reviewers=reviewers, now=now)
        others = any(name != tenant and now - at < ABOUT - MINUTE for name, at in seen.items())
        seen[tenant] = now
        if others and is_taken:
            assert len(before) < share(reviewers)
        assert is_taken or len(before) >= share(reviewers)
        assert len(turns.seen) <= 2


def test_a_table_that_cannot_answer_keeps_nobody_from_working() -> None:
    deployment = Deployment(table=Table(is_away=True))
    turns = deployment.turns()
    assert turns.begin(event(1, 1), "a")
    turns.end("a")


def test_of_many_that_want_a_turn_at_once_each_gets_an_answer() -> None:
    deployment = Deployment(table=Table(forestalled=5))
    assert deployment.turns().begin(event(1, 1), "a")
    deployment.table.forestalled = 1_000
    assert not deployment.turns().begin(event(1, 2), "b")
    deployment.table.forestalled = 3
    deployment.turns().end("a")
    assert deployment.table.turns.turns == {}


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_turn_is_given_back_however_the_review_ends(*, is_broken: bool) -> None:
    deployment = Deployment()

    class Reviewing:
        def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
            assert len(deployment.table.turns.turns) == 1
            if is_broken:
                raise ZeroDivisionError
            return Posted(github_review_id=1)

    turns = replace(deployment.turns(), review=Reviewing())
    if is_broken:
        with pytest.raises(ZeroDivisionError):
            turns.handle(event(1, 1), deadline=NOW)
    else:
        assert turns.handle(event(1, 1), deadline=NOW) == Posted(github_review_id=1)
    assert deployment.table.turns.turns == {}


def test_a_run_takes_no_more_of_one_tenant_than_its_reviewers_can_do() -> None:
    entries = [Due(id=str(number), tenant="a", due_at=NOW + SECOND * number, is_held=True) for number in range(9)]
    other = Due(id="x", tenant="b", due_at=NOW + MINUTE, is_held=True)
    assert [due.id for due in fair_order([*entries, other], most=3)] == ["0", "x", "1", "2"]
