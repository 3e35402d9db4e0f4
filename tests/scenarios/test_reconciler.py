"""The reconciler's jobs: what they decide, in what order they act, and that a death in any of them is made good."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.parking import Held
from codereview.domain.reconciling import (
    FIRST_MOVE_PAUSE,
    MAX_MOVES,
    POISON_ROUND,
    DeadLetters,
    Due,
    decide_move,
    fair_order,
)
from codereview.domain.redelivering import (
    CLOCKS_APART,
    DELIVERIES_KEPT,
    MAX_ASKED,
    MOST_MISSING,
    Backlog,
    Delivery,
    DeliveryPage,
    Missing,
    restored,
    stored,
)
from codereview.domain.review import ReviewState
from codereview.errors import PermanentError, RetryableError
from codereview.ports import JobState
from codereview.use_cases.reconcile.by_hand import AtOnce
from codereview.use_cases.reconcile.redeliver import Redelivered, RedeliverFailed
from codereview.use_cases.reconcile.release_due import ReleaseDue
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.fake_stores import Agenda, Clock, ReviewQueue
from tests.scenarios.faults import Blackout, Death, Mode, Outage
from tests.scenarios.test_life_of_a_review import expect_one_review
from tests.scenarios.world import World

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAGE = 100


# --- a fair order


def entry(tenant: str, number: int, *, minutes: int = 0, is_held: bool = False) -> Due:
    return Due(id=f"{tenant}-{number}", tenant=tenant, due_at=NOW + MINUTE * minutes, is_held=is_held)


def test_a_tenant_with_one_entry_never_waits_for_one_with_thousands() -> None:
    noisy = [entry("noisy", number) for number in range(10_000)]
    ordered = fair_order([*noisy, entry("quiet", 1, minutes=5)])
    assert [due.tenant for due in ordered[:3]] == ["noisy", "quiet", "noisy"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=30))
def test_a_fair_order_loses_nothing_and_keeps_each_tenants_own_order(pairs: list[tuple[str, int]]) -> None:
    entries = [entry(tenant, number, minutes=minutes) for number, (tenant, minutes) in enumerate(pairs)]
    ordered = fair_order(entries)
    assert sorted(ordered, key=lambda due: due.id) == sorted(entries, key=lambda due: due.id)
    for tenant in "abc":
        times = [due.due_at for due in ordered if due.tenant == tenant]
        assert times == sorted(times)
    # In every beginning of the order, no tenant is more than one ahead of another that still waits.
    for end in range(len(ordered)):
        waiting = {due.tenant for due in ordered[end:]}
        taken = [sum(due.tenant == tenant for due in ordered[:end]) for tenant in waiting]
        assert not taken or max(taken) - min(taken) <= 1


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 9)), max_size=60),
    st.integers(2, 12),
)
def test_of_a_tenants_lanes_neither_starves_the_other_and_none_leaves_room_unused(
    triples: list[tuple[str, bool, int]], most: int
) -> None:
    entries = [
        entry(tenant, number, minutes=minutes, is_held=is_held)
        for number, (tenant, is_held, minutes) in enumerate(triples)
    ]
    ordered = fair_order(entries, most=most)
    assert len({due.id for due in ordered}) == len(ordered)
    assert set(ordered) <= set(entries)
    for tenant in "abc":
        lanes = {
            is_held: sorted(
                (due for due in entries if (due.tenant, due.is_held) == (tenant, is_held)),
                key=lambda due: (due.due_at, due.id),
            )
            for is_held in (True, False)
        }
        taken = {
            is_held: [due for due in ordered if due.tenant == tenant and due in lanes[is_held]] for is_held in lanes
        }
        assert all(taken[is_held] == lanes[is_held][: len(taken[is_held])] for is_held in lanes)
        assert len(taken[True]) + len(taken[False]) == min(most, len(lanes[True]) + len(lanes[False]))
        assert len(taken[True]) >= min(len(lanes[True]), max(most // 4, 1))
        assert len(taken[False]) >= min(len(lanes[False]), most // 2)
    # The first turn of everybody comes before anybody's second one, and so on.
    rounds, seen = list[int](), Counter[str]()
    for due in ordered:
        rounds.append(seen[due.tenant])
        seen[due.tenant] += 1
    assert rounds == sorted(rounds)


def test_a_quarter_of_a_run_stays_for_held_messages_and_the_rest_for_reviews() -> None:
    reviews = [entry("a", number) for number in range(100)]
    held = [entry("a", number, is_held=True, minutes=-90) for number in range(100, 200)]
    for few, helds in ((0, 40), (1, 39), (29, 11), (100, 10)):
        assert sum(due.is_held for due in fair_order([*reviews[:few], *held], most=40)) == helds
    assert sum(due.is_held for due in fair_order([*reviews, *held[:3]], most=40)) == 3


# --- sending what is due


def test_a_review_that_is_due_behind_three_thousand_held_messages_of_its_tenant_is_sent_by_the_next_run() -> None:
    world = parked()
    world.now += 5 * MINUTE
    (item,) = world.items.values()
    for number in range(1_000, 4_000):
        held = Held(envelope=replace(pull_request_event(), number=number), reason="a crowd", due_at=NOW - HOUR)
        world.held[f"held#{held.id}"] = held
        assert held.tenant == item.key.tenant
    release = ReleaseDue(clock=Clock(world), agenda=Agenda(world), queue=ReviewQueue(world), most_of_a_tenant=40)
    assert release(deadline=world.now + MINUTE).sent == 40
    assert str(item.key.review_id) in {envelope.review_id for envelope in world.queue}
    assert len(world.held) == 3_000 - 39


def test_f21_a_review_that_is_not_claimed_is_sent_again_half_an_hour_later_and_not_before() -> None:
    world = parked()
    sent_at = list[datetime]()
    for _ in range(100):
        world.now += MINUTE
        world.reconcile()
        sent_at += [world.now] * len(world.queue)
        world.queue.clear()  # the queue loses it
    gaps = {later - earlier for earlier, later in pairwise(sent_at)}
    assert len(sent_at) == 4
    assert gaps == {timedelta(minutes=30)}
    world.settle()
    expect_one_review(world)


def test_a_message_that_is_sent_again_names_its_review() -> None:
    world = parked()
    world.now += 2 * MINUTE
    world.reconcile()
    (envelope,) = world.queue
    (item,) = world.items.values()
    assert envelope.review_id == str(item.key.review_id)
    assert (envelope.head_sha, envelope.number) == (item.key.head_sha, item.key.number)


def test_a_queue_that_takes_nothing_leaves_everything_due() -> None:
    world = parked()
    world.blackouts.append(Blackout(prefix="review_queue", until=world.now + HOUR))
    world.now += 5 * MINUTE
    before = world.due_times
    world.reconcile()
    assert world.due_times == before


def test_a_run_stops_when_its_time_is_up_and_says_what_is_left() -> None:
    world = parked()
    world.now += 5 * MINUTE
    release = ReleaseDue(clock=Clock(world), agenda=Agenda(world), queue=ReviewQueue(world))
    released = release(deadline=world.now)
    assert (released.sent, released.left) == (0, 1)
    assert world.queue == []


def test_a_review_whose_worker_died_is_taken_up_without_its_message() -> None:
    world = World()
    world.before["model.answer"] = lambda: world.kill("model.answer")
    with suppress(Death):
        world.worker().handle(pull_request_event(), deadline=NOW + 5 * MINUTE)
    assert [item.state for item in world.items.values()] == [ReviewState.RUNNING]
    world.settle()
    expect_one_review(world)
    assert world.now - NOW <= timedelta(minutes=15)


def parked() -> World:
    world = World(blackouts=[Blackout(prefix="model", until=NOW + MINUTE)])
    world.receive(pull_request_event())
    return world


# --- GitHub's failed deliveries


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


def read(tries: list[Delivery], *, now: datetime = NOW) -> Backlog:
    backlog = Backlog()
    latest_first = sorted(tries, key=lambda each: each.delivered_at, reverse=True)
    assert backlog.take(latest_first, now=now, most=MOST_MISSING)
    return backlog


@pytest.mark.parametrize(
    ("tries", "wanted"),
    [
        ([delivery(1)], [1]),
        ([delivery(1, is_ok=True)], []),
        ([delivery(1, ago=2 * HOUR), delivery(2, is_ok=True, is_redelivery=True)], []),
        ([delivery(1, ago=2 * HOUR, is_ok=True), delivery(2, is_redelivery=True)], []),
        ([delivery(1, ago=2 * HOUR), delivery(2, is_redelivery=True)], [1]),
        ([delivery(1, "a"), delivery(2, "b", is_ok=True), delivery(3, "c", ago=2 * HOUR)], [3, 1]),
        ([delivery(1, status=413)], []),
        ([delivery(1, ago=DELIVERIES_KEPT + HOUR)], []),
        ([delivery(9, is_redelivery=True)], []),
        ([], []),
    ],
    ids=[
        "failed", "arrived", "repeated with success", "F8 one of several arrived", "failed twice",
        "several webhooks, oldest first", "F6 too large", "too old", "its first attempt was given up", "nothing",
    ],
)  # fmt: skip
def test_f8_what_never_arrived_is_asked_for_again(tries: list[Delivery], wanted: list[int]) -> None:
    assert [each.attempt for each in read(tries).due(NOW)] == wanted


def test_what_is_asked_for_in_vain_is_so_ever_less_often_and_not_after_two_days() -> None:
    backlog, asked, minutes = read([delivery(1, ago=timedelta())]), list[datetime](), range(0, 5 * 24 * 60, 5)
    for now in (NOW + MINUTE * minute for minute in minutes):
        backlog.give_up(now)
        for each in backlog.due(now):
            backlog.ask(each, now=now)
            asked.append(now)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert len(asked) == MAX_ASKED
    assert pauses == sorted(pauses)
    assert asked[-1] - NOW < timedelta(days=2)
    assert (backlog.missing, backlog.given_up) == ({}, 1)


def test_what_was_given_up_counts_once_and_what_is_missing_too_however_often_it_was_tried() -> None:
    tried = [delivery(1, ago=3 * HOUR), *(delivery(n, ago=HOUR / n, is_redelivery=True) for n in (2, 3))]
    assert (len(read(tried).missing), read(tried).given_up) == (1, 0)
    large = [delivery(1, status=413), delivery(2, ago=MINUTE, status=413, is_redelivery=True)]
    assert (len(read(large).missing), read(large).given_up) == (0, 1)


def test_what_is_remembered_comes_back_as_it_was_stored_and_fits_into_an_item() -> None:
    assert restored(None) == restored("") == Backlog()
    backlog = Backlog(began_at=NOW, looked_at=NOW + MINUTE, next="https://api.github.com/app/hook/deliveries?cursor=v1")
    for number in range(MOST_MISSING):
        guid = f"72d3162e-cc78-11e3-81ab-{number:012}"
        backlog.missing[guid] = Missing(
            guid=guid, attempt=10**19 + number, first_at=NOW, asked=number % 2, asked_at=NOW if number % 2 else None
        )
    late = [delivery(1, f"82d3162e-cc78-11e3-81ab-{n:012}", is_ok=True, is_redelivery=True) for n in range(5_000)]
    kept = replace(backlog, arrived={})
    kept.note_ends(late)
    assert len(kept.arrived) == 1_000
    assert restored(stored(kept)) == replace(kept, _ended=set())
    assert len(stored(kept)) < 390_000


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


def run_for(world: World, job: RedeliverFailed, duration: timedelta) -> None:
    ends_at = world.now + duration
    while world.now < ends_at:
        world.is_dead = False
        with suppress(RetryableError, Death):
            job(deadline=world.now + 52 * timedelta(seconds=1))
        world.now += MINUTE


@pytest.mark.parametrize("mode", list(Mode))
def test_f1_f3_f7_a_failed_delivery_arrives_whatever_goes_wrong_once_in_the_job(mode: Mode) -> None:
    for number in count():
        outage = Outage(at=number, mode=mode)
        world = World(outages=[outage])
        log = Log(world, [delivery(1)], works_from=NOW + 20 * MINUTE)
        job = RedeliverFailed(clock=Clock(world), jobs=MemoryJobs(world), log=log)
        run_for(world, job, 3 * HOUR)
        if not outage.has_fired:
            assert number > 10
            return
        assert log.attempts[-1].is_ok, world.calls[number]
        world.settle()
        expect_one_review(world)


@pytest.mark.parametrize("lag", [0, 9], ids=["at once", "late"])
@pytest.mark.parametrize("skew", [-5, 0, 5], ids=["behind", "same", "ahead"])
def test_a_delivery_that_fails_at_any_minute_is_repeated_whatever_githubs_clock_says(skew: int, lag: int) -> None:
    for minute in range(16):
        world = World()
        log = Log(world, skew=MINUTE * skew, lag=MINUTE * lag)
        job = RedeliverFailed(clock=Clock(world), jobs=MemoryJobs(world), log=log)
        run_for(world, job, MINUTE * minute)
        log.attempts.append(delivery(1, ago=NOW - world.now - log.skew, status=503))
        run_for(world, job, HOUR)
        assert [entry.is_ok for entry in log.attempts] == [False, True], minute


def test_a_delivery_that_github_will_not_repeat_does_not_stop_the_others() -> None:
    world = World()
    log = Log(world, [delivery(1, "a"), delivery(2, "b")], refused={1})
    RedeliverFailed(clock=Clock(world), jobs=MemoryJobs(world), log=log)(deadline=NOW + HOUR)
    assert [entry.guid for entry in log.attempts if entry.is_ok] == ["b"]


def test_what_was_not_reached_in_time_is_asked_for_in_the_next_minute() -> None:
    world = World()
    log = Log(world, [delivery(number, str(number)) for number in range(1, 101)])
    job = RedeliverFailed(clock=Clock(world), jobs=MemoryJobs(world), log=log)
    first = job(deadline=world.now + timedelta(seconds=52))
    assert first is not None
    assert (first.asked + first.left, first.left > 0) == (100, True)
    run_for(world, job, 5 * MINUTE)
    assert {entry.guid for entry in log.attempts if entry.is_ok} == {str(number) for number in range(1, 101)}
    assert len(log.attempts) == 200  # each once


@dataclass
class BusyLog(Log):
    """A log of the last three days in which everything stands in the order of its time."""

    def _in_order(self) -> list[Delivery]:
        return self.attempts


def busy(world: World, *, per_hour: int, days: int = 3) -> BusyLog:
    """Make a log with one failure in each hour."""
    pause, log = HOUR / per_hour, BusyLog(world, takes=timedelta(milliseconds=300))
    for number in range(24 * days * per_hour):
        ago = DAY * days - HOUR / 2 - pause * number
        log.attempts.append(delivery(number + 1, f"g{number}", ago=ago, is_ok=number % per_hour != 0))
    return log


def test_a_long_log_is_read_in_pieces_and_no_run_exceeds_its_time() -> None:
    world = World()
    log, jobs = busy(world, per_hour=1_000), MemoryJobs(world)
    failed = {entry.guid for entry in log.attempts if not entry.is_ok}
    job, runs, first = RedeliverFailed(clock=Clock(world), jobs=jobs, log=log), 0, len(log.attempts)
    while runs < 30:
        runs += 1
        began = world.now
        done = job(deadline=began + 52 * SECOND)
        assert done is not None
        assert world.now - began <= 52 * SECOND
        if not done.is_behind and done.left == 0:
            break
        world.now = max(world.now, began + MINUTE)
    assert runs < 20
    since = jobs.states["deliveries"].since
    assert since is not None
    assert since > NOW - CLOCKS_APART - MINUTE
    run_for(world, job, HOUR)
    assert len(failed) == 72
    assert sorted(entry.guid for entry in log.attempts[first:]) == sorted(failed)  # each once


def test_a_log_whose_every_delivery_failed_is_worked_off_with_a_bounded_memory() -> None:
    world = World()
    log, jobs = BusyLog(world), MemoryJobs(world)
    log.attempts = [delivery(n + 1, f"g{n}", ago=20 * HOUR - 90 * SECOND * n) for n in range(800)]
    job = RedeliverFailed(clock=Clock(world), jobs=jobs, log=log, most=150)
    ends_at, most = NOW + 2 * HOUR, 0
    while world.now < ends_at:
        job(deadline=world.now + 52 * SECOND)
        most = max(most, len(restored(jobs.states["deliveries"].notes).missing))
        world.now += MINUTE
    assert 100 < most <= 150
    assert sorted(entry.guid for entry in log.attempts if entry.is_ok) == sorted(f"g{n}" for n in range(800))


def test_by_hand_a_log_of_a_hundred_thousand_is_read_at_once() -> None:
    world = World()
    log = busy(world, per_hour=1_400)
    job = RedeliverFailed(clock=Clock(world), jobs=AtOnce(since=NOW - DAY * 3), log=log, most=1_000_000)
    done = job(deadline=NOW + HOUR)
    assert done == Redelivered(missing=72, asked=72, refused=0, left=0, given_up=0)
    assert len(log.attempts) > 100_000


def test_a_webhook_that_always_fails_is_given_up_for_good_and_holds_nothing_back() -> None:
    world = World()
    log, jobs = Log(world, [delivery(1, ago=MINUTE)], works_from=NOW + 365 * DAY), MemoryJobs(world)
    job, made, given_up = RedeliverFailed(clock=Clock(world), jobs=jobs, log=log), 1, 0
    for run in range(60 * 96):
        if run % 96 == 50:  # and others come and go
            log.attempts.append(replace(delivery(10_000 + run, f"o{run}", is_ok=True), delivered_at=world.now))
        log.attempts = [entry for entry in log.attempts if world.now - entry.delivered_at <= DELIVERIES_KEPT]
        done = job(deadline=world.now + 52 * SECOND)
        assert done is not None
        made, given_up = made + done.asked, given_up + done.given_up
        world.now += 15 * MINUTE
    since = jobs.states["deliveries"].since
    assert (made, given_up) == (1 + MAX_ASKED, 1)
    assert since is not None
    assert world.now - since <= HOUR


def test_the_watermark_stays_behind_what_was_not_read() -> None:
    world = World()
    log, jobs = busy(world, per_hour=100), MemoryJobs(world)
    jobs.states["deliveries"] = JobState(since=NOW - 2 * DAY)  # as a release before this one stored it
    job = RedeliverFailed(clock=Clock(world), jobs=jobs, log=log)
    first = job(deadline=NOW + 16 * SECOND)
    assert first is not None
    assert first.is_behind
    assert jobs.states["deliveries"].since == NOW - 2 * DAY
    world.now += MINUTE
    run_for(world, job, 5 * MINUTE)
    since = jobs.states["deliveries"].since
    assert since is not None
    assert since >= NOW - CLOCKS_APART


def test_a_page_that_is_gone_begins_the_reading_anew_and_forgets_nothing() -> None:
    world = World()
    log, jobs = busy(world, per_hour=100), MemoryJobs(world)
    job = RedeliverFailed(clock=Clock(world), jobs=jobs, log=log)
    job(deadline=NOW + 16 * SECOND)
    world.now += MINUTE
    read_page = log._page
    log._page = lambda at: refuse() if at is not None else read_page(at)  # type: ignore[method-assign]
    with pytest.raises(PermanentError):
        job(deadline=world.now + 52 * SECOND)
    log._page = read_page  # type: ignore[method-assign]
    run_for(world, job, HOUR)
    assert len([entry for entry in log.attempts if entry.is_ok and entry.is_redelivery]) == 72


def refuse() -> DeliveryPage:
    raise PermanentError("GitHub answered 422")


def test_b97_a_log_that_goes_round_in_circles_ends() -> None:
    world = World()
    log, jobs = busy(world, per_hour=100), MemoryJobs(world)
    read_page = log._page
    log._page = lambda at: replace(read_page(at), next=read_page(at).next or str(len(log.attempts)))  # type: ignore[method-assign]
    jobs.states["deliveries"] = JobState(since=NOW - 4 * DAY)
    with pytest.raises(PermanentError, match="circles"):
        RedeliverFailed(clock=Clock(world), jobs=jobs, log=log)(deadline=NOW + HOUR)


@pytest.mark.parametrize("mode", list(Mode))
def test_f7_whatever_goes_wrong_once_while_a_long_log_is_read_nothing_is_lost(mode: Mode) -> None:
    for number in count():
        outage = Outage(at=number, mode=mode)
        world = World(outages=[outage])
        log = BusyLog(world, takes=3 * SECOND)
        log.attempts = [delivery(n + 1, f"g{n}", ago=9 * HOUR - MINUTE * n, is_ok=n % 250 != 1) for n in range(500)]
        job = RedeliverFailed(clock=Clock(world), jobs=MemoryJobs(world), log=log)
        ends_at = world.now + 2 * HOUR
        while world.now < ends_at:
            world.is_dead = False
            with suppress(RetryableError, PermanentError, Death):
                job(deadline=world.now + 16 * SECOND)
            world.now += MINUTE
        assert {entry.guid for entry in log.attempts if entry.is_redelivery and entry.is_ok} == {"g1", "g251"}
        if not outage.has_fired:
            assert number > 10
            return


# --- dead letters


def letters(
    count: int,
    *,
    generation: int = 0,
    moved: timedelta | None = None,
    seen: timedelta | None = None,
    is_moving: bool = False,
) -> DeadLetters:
    return DeadLetters(
        count=count,
        is_moving=is_moving,
        generation=generation,
        moved_at=NOW - moved if moved is not None else None,
        seen_at=NOW - seen if seen is not None else None,
    )


AWAY = POISON_ROUND + FIRST_MOVE_PAUSE  # as long as poison at least, and then the look that finds it


@pytest.mark.parametrize(
    ("found", "is_due", "generation"),
    [
        (letters(0), False, 0),
        (letters(0, generation=3, moved=AWAY), False, 3),
        (letters(0, generation=3, moved=26 * HOUR), False, 3),
        (letters(0, generation=3, moved=27 * HOUR), False, 0),
        (letters(0, generation=3, moved=27 * HOUR, seen=AWAY), False, 3),
        (letters(0, generation=MAX_MOVES, moved=300 * HOUR, seen=AWAY), False, MAX_MOVES),
        (letters(1), True, 1),
        (letters(1, generation=1, moved=20 * MINUTE), False, 1),
        (letters(1, generation=1, moved=30 * MINUTE), True, 2),
        (letters(1, generation=3, moved=HOUR), False, 3),
        (letters(1, generation=9, moved=23 * HOUR), False, 9),
        (letters(1, generation=9, moved=24 * HOUR), True, MAX_MOVES),
        (letters(1, generation=MAX_MOVES, moved=24 * HOUR), False, MAX_MOVES),
        (letters(1, generation=1, moved=HOUR, is_moving=True), False, 1),
        (letters(0, generation=1, moved=HOUR, is_moving=True), False, 1),
    ],
    ids=[
        "empty", "poison may be away", "it may be late", "empty for good", "seen since", "moved by hand", "first",
        "too early", "again", "growing", "a day at most", "daily", "never again", "F24 moving", "F25 nearly moved",
    ],
)  # fmt: skip
def test_f24_dead_letters_are_moved_back_with_growing_pauses(
    found: DeadLetters, *, is_due: bool, generation: int
) -> None:
    decision = decide_move(found, now=NOW)
    assert (decision.is_due, decision.generation) == (is_due, generation)
    assert decision.is_given_up == (found.count > 0 and found.generation == MAX_MOVES)
