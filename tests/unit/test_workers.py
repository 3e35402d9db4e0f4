"""What an operator does to workers: decided first, audited, then made."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, AuditOutcome, Request
from codereview.domain.workers import ScalingNote, WorkerKind, Workers, resized, scaled
from codereview.errors import CodeReviewError, ConflictError, RejectedError, RetryableError
from codereview.use_cases.operate_workers import OperateWorkers

WORKERS = Workers(
    function="acme-reviewer",
    version="3",
    memory_mb=512,
    is_enabled=True,
    state="Enabled",
    concurrency=10,
    told=10,
)


class Account:
    """An account with workers in it; its table, its audit log, and Lambda when it is in the mood."""

    def __init__(self) -> None:
        self.workers = WORKERS
        self.note: ScalingNote | None = None
        self.entries: list[AuditEntry] = []
        self.trouble: CodeReviewError | None = None
        self.operate = OperateWorkers(kind=WorkerKind.REVIEW, pool=self, notes=self, outbox=self)

    def read(self) -> Workers:
        return self.workers

    def _set(self, **changes: Any) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.workers = replace(self.workers, **changes)

    def set_concurrency(self, count: int | None) -> None:
        self._set(concurrency=count, told=count)

    def set_enabled(self, *, is_enabled: bool) -> None:
        self._set(is_enabled=is_enabled)

    def set_memory(self, memory_mb: int) -> None:
        self._set(memory_mb=memory_mb, version=str(int(self.workers.version) + 1))

    def load(self, kind: WorkerKind) -> ScalingNote | None:
        return self.note

    def save(self, note: ScalingNote, *, audit: AuditEntry) -> None:
        self.note = note
        self.entries.append(audit)

    def remove(self, note: ScalingNote, *, audit: AuditEntry) -> None:
        self.note = None
        self.entries.append(audit)

    def put(self, entry: AuditEntry) -> bool:
        self.entries.append(entry)
        return True

    def unsent(self, *, now: datetime, limit: int) -> list[AuditEntry]:
        return self.entries

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        self.entries.remove(entry)


def request(name: str) -> Request:
    actor = Actor(kind=ActorKind.OPERATOR, id="arn:aws:iam::111122223333:user/ann")
    return Request(actor=actor, id=name, at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def account() -> Account:
    return Account()


def test_the_number_before_the_first_scaling_is_put_back(account: Account) -> None:
    for name, count in (("first", 40), ("second", 80)):
        account.operate.apply(account.operate.scale(count), request=request(name))
    assert (account.workers.concurrency, account.workers.told) == (80, 80)
    account.operate.apply(account.operate.restore(), request=request("third"))
    assert account.workers == WORKERS
    with pytest.raises(ConflictError, match="not scaled"):
        account.operate.restore()


def test_nothing_changes_until_a_change_is_applied(account: Account) -> None:
    account.operate.scale(40)
    account.operate.pause()
    account.operate.resize(1024)
    assert (account.workers, account.note, account.entries) == (WORKERS, None, [])


def test_workers_that_were_scaled_and_paused_go_on_where_they_were(account: Account) -> None:
    account.operate.apply(account.operate.scale(40), request=request("first"))
    account.operate.apply(account.operate.pause(), request=request("second"))
    assert not account.workers.is_enabled
    account.operate.apply(account.operate.resume(), request=request("third"))
    assert account.workers == replace(WORKERS, concurrency=40, told=40)


def test_every_change_is_audited_with_what_was_and_what_shall_be(account: Account) -> None:
    account.operate.apply(account.operate.resize(1024), request=request("first"))
    (entry,) = account.entries
    assert (entry.action, entry.target, entry.tenant) == ("workers.resize", "workers/review", None)
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["memory_mb"], entry.after["memory_mb"]) == (512, 1024)


def test_a_change_that_failed_says_so_in_the_audit_log_and_can_be_made_again(account: Account) -> None:
    account.trouble = RetryableError("Lambda answered ServiceException")
    with pytest.raises(RetryableError):
        account.operate.apply(account.operate.scale(40), request=request("first"))
    assert [entry.outcome for entry in account.entries] == [AuditOutcome.DONE, AuditOutcome.REFUSED]
    assert len({entry.id for entry in account.entries}) == 2
    account.trouble = None
    account.operate.apply(account.operate.scale(40), request=request("second"))
    assert account.note == ScalingNote(kind=WorkerKind.REVIEW, original=10)


def test_what_lambda_would_refuse_is_refused_before(account: Account) -> None:
    for count in (0, 1, 1001):
        with pytest.raises(RejectedError, match="2 to 1000"):
            scaled(WORKERS, count)
    for megabytes in (127, 10_241):
        with pytest.raises(RejectedError, match="128 to 10240"):
            resized(WORKERS, megabytes)


def test_workers_of_a_queue_that_divides_nothing_are_told_nothing() -> None:
    recorder = replace(WORKERS, told=None, concurrency=2)
    assert scaled(recorder, 5).after == replace(recorder, concurrency=5)


def test_a_change_to_what_is_there_already_is_not_needed() -> None:
    assert not scaled(WORKERS, 10).is_needed
    assert not resized(WORKERS, 512).is_needed
