"""What GitHub is asked to deliver again: when, how often, and through whatever goes wrong on the way."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest

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
from codereview.errors import PermanentError, RetryableError
from codereview.ports import JobState
from codereview.use_cases.reconcile.by_hand import AtOnce
from codereview.use_cases.reconcile.redeliver import Redelivered, RedeliverFailed
from tests.scenarios.events import NOW
from tests.scenarios.fake_jobs import Log, MemoryJobs, delivery
from tests.scenarios.fake_stores import Clock
from tests.scenarios.faults import Death, Mode, Outage
from tests.scenarios.test_life_of_a_review import expect_one_review
from tests.scenarios.world import World

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


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
