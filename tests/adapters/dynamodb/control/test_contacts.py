"""Tenants' mail addresses on the control table, and that each notice is mailed once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.control.contacts import DynamoContacts, DynamoMailLog
from codereview.adapters.dynamodb.control.deployments import DynamoDeployLogs
from codereview.adapters.dynamodb.control.workers import DynamoScalingNotes
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request, audited
from codereview.domain.control.contacts import Contacts
from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.deployments import noted
from codereview.domain.review import TenantId
from codereview.domain.workers import ScalingNote, WorkerKind
from codereview.errors import StaleVersionError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
MINE, THEIRS = TenantId("github.com:1"), TenantId("github.com:2")


def entry(name: str) -> AuditEntry:
    request = Request(actor=Actor(kind=ActorKind.OPERATOR, id="ann"), id=name, at=NOW)
    return audited(request, tenant=None, action="tests.change", target="test")


def test_addresses_are_kept_by_tenant_and_listed(dynamodb: "DynamoDBClient", table: str) -> None:
    store = DynamoContacts(dynamodb, table)
    assert store.load(MINE) == Contacts(tenant=MINE)
    store.save(Contacts(tenant=MINE, generation=2, addresses=("ann@example.com",)), audit=entry("a"))
    store.save(Contacts(tenant=THEIRS, addresses=("bob@example.com", "cleo@example.com")), audit=entry("b"))
    found = store.load(MINE)
    assert (found.addresses, found.generation, found.version) == (("ann@example.com",), 2, 1)
    assert sorted(each.tenant for each in store.all()) == [MINE, THEIRS]
    with pytest.raises(StaleVersionError):
        store.save(Contacts(tenant=MINE), audit=entry("c"))
    store.remove(found, audit=entry("d"))
    assert [each.tenant for each in store.all()] == [THEIRS]


def test_a_notice_is_claimed_once_for_each_tenant_until_it_is_given_back(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    log = DynamoMailLog(dynamodb, table)
    notice = Notice(
        id=UUID(int=1),
        tenant=None,
        level=NoticeLevel.INCIDENT,
        text="text",
        created_at=NOW,
        until=NOW + timedelta(hours=1),
    )
    assert log.claim(notice, MINE, now=NOW)
    assert not log.claim(replace(notice, until=NOW + timedelta(hours=9)), MINE, now=NOW)
    assert log.claim(notice, THEIRS, now=NOW)
    assert log.claim(replace(notice, created_at=NOW + timedelta(days=1)), MINE, now=NOW)
    log.give_back(notice, MINE)
    assert log.claim(notice, MINE, now=NOW)


def test_of_two_operators_who_scale_at_once_one_hears_of_the_other(dynamodb: "DynamoDBClient", table: str) -> None:
    notes, kind = DynamoScalingNotes(dynamodb, table), WorkerKind.REVIEW
    assert notes.load(kind) is None
    notes.save(ScalingNote(kind=kind, original=10), audit=entry("a"))
    with pytest.raises(StaleVersionError):
        notes.save(ScalingNote(kind=kind, original=40), audit=entry("b"))
    note = notes.load(kind)
    assert note == ScalingNote(kind=kind, original=10, version=1)
    assert note is not None
    notes.remove(note, audit=entry("c"))
    assert notes.load(kind) is None


def test_of_two_deploys_at_once_one_hears_of_the_other(dynamodb: "DynamoDBClient", table: str) -> None:
    logs = DynamoDeployLogs(dynamodb, table)
    empty = logs.load()
    logs.save(noted(empty, {"s-api": "1"}, at=NOW, by="ann"), audit=entry("a"))
    with pytest.raises(StaleVersionError):
        logs.save(noted(empty, {"s-api": "2"}, at=NOW, by="bob"), audit=entry("b"))
    (kept,) = logs.load().entries
    assert (kept.number, kept.versions, kept.at) == (1, {"s-api": "1"}, NOW)
