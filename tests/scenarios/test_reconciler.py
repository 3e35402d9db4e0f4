"""The reconciler's jobs: what they decide, in what order they act, and that a death in any of them is made good."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

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
from codereview.domain.review import ReviewState
from codereview.use_cases.reconcile.release_due import ReleaseDue
from tests.scenarios.events import NOW, pull_request_event
from tests.scenarios.fake_stores import Agenda, Clock, ReviewQueue
from tests.scenarios.faults import Blackout, Death
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
