"""The audit chain tells whatever was done to it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.audit import (
    DEPLOYMENT,
    GENESIS,
    AuditRecord,
    Head,
    Problem,
    chained,
    digest,
    storable_json,
    verify,
)
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, AuditOutcome
from codereview.domain.review import TenantId

TENANT = TenantId("github.com:1")
NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


def entry(number: int, **more: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "id": UUID(int=number),
        "tenant": TENANT,
        "actor": Actor(kind=ActorKind.KEY, id="k1", address="192.0.2.1"),
        "action": "flags.change",
        "target": f"flag/{number}",
        "before": None,
        "after": {"state": "on", "percent": 5},
        "at": NOW + timedelta(seconds=number),
        "request_id": f"r{number}",
    }
    return AuditEntry(**(values | more))


def chain(length: int, start: Head = GENESIS) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    for number in range(1, length + 1):
        records.append(chained(entry(number), records[-1].head if records else start))
    return records


def problems(records: list[AuditRecord], **more: Any) -> set[Problem]:
    return {fault.problem for fault in verify(records, **more)}


def rechained(records: list[AuditRecord]) -> list[AuditRecord]:
    """Write a chain anew, as somebody does who may write everything and knows how."""
    head, done = GENESIS, []
    for record in records:
        new = replace(record, seq=head.seq + 1, prev_hash=head.hash)
        done.append(replace(new, hash=digest(new)))
        head = done[-1].head
    return done


def test_a_chain_that_nobody_touched_is_whole() -> None:
    records = chain(5)
    assert [record.seq for record in records] == [1, 2, 3, 4, 5]
    assert verify(records, anchors=[records[2].head, records[4].head]) == ()
    assert verify([]) == ()


def test_a_part_is_verified_from_the_head_before_it() -> None:
    records = chain(5)
    assert verify(records[2:], start=records[1].head, anchors=[records[0].head, records[4].head]) == ()
    assert problems(records[2:], start=records[0].head) == {Problem.GAP, Problem.UNLINKED}


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "change",
    [
        {"tenant": TenantId("github.com:2")},
        {"entry_id": UUID(int=99)},
        {"at": NOW},
        {"actor": "key:k2"},
        {"action": "flags.chang"},
        {"target": "flag/x"},
        {"details": {}},
        {"prev_hash": bytes(31) + b"\x01"},
        {"hash": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_edited_entry_is_found_where_it_is(place: int, change: dict[str, Any]) -> None:
    records = chain(5)
    records[place] = replace(records[place], **change)
    faults = verify(records)
    assert faults[0].seq == place + 1
    assert Problem.ALTERED in {fault.problem for fault in faults}


@pytest.mark.parametrize("place", range(4))
def test_a_deleted_entry_is_found(place: int) -> None:
    records = chain(5)
    del records[place]
    assert problems(records) == {Problem.GAP, Problem.UNLINKED}


@pytest.mark.parametrize("place", range(5))
def test_a_deleted_entry_is_found_though_the_rest_was_numbered_anew(place: int) -> None:
    records = chain(6)
    del records[place]
    renumbered = [replace(record, seq=number) for number, record in enumerate(records, 1)]
    assert problems(renumbered) >= {Problem.ALTERED, Problem.UNLINKED}


@pytest.mark.parametrize("place", range(1, 5))
def test_an_inserted_entry_is_found(place: int) -> None:
    records = chain(5)
    records.insert(place, chained(entry(77), records[place - 1].head))
    assert problems(records) == {Problem.GAP, Problem.UNLINKED}


@pytest.mark.parametrize("place", range(4))
def test_two_swapped_entries_are_found(place: int) -> None:
    records = chain(5)
    records[place], records[place + 1] = records[place + 1], records[place]
    assert Problem.UNLINKED in problems(records)
    swapped = chain(5)
    one, other = swapped[place], swapped[place + 1]
    swapped[place : place + 2] = [replace(other, seq=one.seq), replace(one, seq=other.seq)]
    assert Problem.ALTERED in problems(swapped)


@pytest.mark.parametrize("left", range(5))
def test_a_chain_that_was_cut_off_is_found_by_its_anchor_only(left: int) -> None:
    records = chain(5)
    assert verify(records[:left]) == ()
    assert problems(records[:left], anchors=[records[4].head]) == {Problem.CUT_OFF}


@pytest.mark.parametrize("place", range(5))
def test_a_chain_that_was_written_anew_is_found_by_its_anchor_only(place: int) -> None:
    records = chain(5)
    forged = list(records)
    forged[place] = replace(forged[place], target="flag/forged")
    forged = rechained(forged)
    assert verify(forged) == ()
    assert problems(forged, anchors=[records[4].head]) == {Problem.REWRITTEN}


def test_entries_of_another_tenants_chain_do_not_fit() -> None:
    other = [replace(record, tenant=TenantId("github.com:2")) for record in chain(3)]
    assert problems(other) == {Problem.ALTERED}


def test_a_thoroughly_broken_chain_is_not_listed_without_end() -> None:
    assert len(verify([replace(record, target="x") for record in chain(300)])) == 100


def test_the_deployments_own_entries_have_a_chain_of_their_own() -> None:
    assert chained(entry(1, tenant=None), GENESIS).tenant == DEPLOYMENT


def test_a_record_says_who_from_where_and_how_it_ended() -> None:
    record = chained(entry(1, outcome=AuditOutcome.REFUSED), GENESIS)
    assert record.actor == "key:k1"
    assert record.details == {
        "address": "192.0.2.1",
        "before": None,
        "after": {"state": "on", "percent": 5},
        "request_id": "r1",
        "outcome": "refused",
    }


def test_the_same_moment_in_another_zone_is_the_same_entry() -> None:
    elsewhere = entry(1, at=(NOW + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=5))))
    assert chained(elsewhere, GENESIS) == chained(entry(1), GENESIS)


def test_letters_cannot_move_from_one_field_to_the_next() -> None:
    record = chain(1)[0]
    one = digest(replace(record, action="ab", target="c"))
    assert one != digest(replace(record, action="a", target="bc"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANYTHING)
def test_b27_whatever_is_audited_can_be_stored_and_is_the_same_when_stored_again(value: Any) -> None:
    once = storable_json(value)
    assert storable_json(once) == once
    assert "\\u0000" not in json.dumps(once, allow_nan=False)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.data())
def test_any_one_change_of_any_chain_is_found(numbers: list[int], data: st.DataObject) -> None:
    records: list[AuditRecord] = []
    for number in numbers:
        records.append(chained(entry(number), records[-1].head if records else GENESIS))
    anchor = records[-1].head
    place = data.draw(st.integers(0, len(records) - 1))
    match data.draw(st.sampled_from(["delete", "duplicate", "edit", "rewrite"])):
        case "delete":
            del records[place]
        case "duplicate":
            records.insert(place, records[place])
        case "edit":
            records[place] = replace(records[place], details={"forged": True})
        case _:
            records[place] = replace(records[place], details={"forged": True})
            records = rechained(records)
    assert verify(records, anchors=[anchor]) != ()
