"""What was deployed when, and the way back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, AuditOutcome, Request
from codereview.domain.deployments import Deployed, DeployLog, Move, live_entry, noted, way_back
from codereview.errors import ConflictError, NotFoundError, PermanentError, RetryableError
from codereview.use_cases.operate_releases import OperateReleases

AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = {"s-webhook": "1", "s-reviewer": "1", "s-migrations": "1"}
SECOND = {"s-webhook": "2", "s-reviewer": "1", "s-migrations": "2"}
THIRD = {"s-webhook": "3", "s-reviewer": "2", "s-migrations": "3"}


def log(*versions: Mapping[str, str]) -> DeployLog:
    found = DeployLog()
    for number, each in enumerate(versions):
        found = noted(found, each, at=AT + timedelta(days=number), by="ann")
    return found


class Account:
    """A stack with three functions, its table and its audit log; Lambda refuses what it is told to."""

    def __init__(self) -> None:
        self.live = dict(FIRST)
        self.log = DeployLog()
        self.entries: list[AuditEntry] = []
        self.refuses: str | None = None
        self.operate = OperateReleases(aliases=self, logs=self, outbox=self, migrations="s-migrations")

    def deploy(self, versions: Mapping[str, str], *, commit: str | None = None) -> Deployed:
        self.live = dict(versions)
        return self.operate.record(request=self.request(str(len(self.log.entries))), commit=commit)

    def request(self, name: str) -> Request:
        return Request(actor=Actor(kind=ActorKind.OPERATOR, id="ann"), id=name, at=AT)

    def versions(self) -> Mapping[str, str]:
        return dict(self.live)

    def move(self, move: Move) -> None:
        if move.function == self.refuses:
            raise RetryableError("Lambda answered ServiceException")
        assert self.live[move.function] == move.before
        self.live[move.function] = move.after

    def load(self) -> DeployLog:
        return self.log

    def save(self, log: DeployLog, *, audit: AuditEntry) -> None:
        self.log = log
        self.entries.append(audit)

    def put(self, entry: AuditEntry) -> bool:
        self.entries.append(entry)
        return True

    def unsent(self, *, now: datetime, limit: int) -> list[AuditEntry]:
        return self.entries

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        self.entries.remove(entry)


def test_a_release_is_noted_once_and_the_oldest_are_forgotten() -> None:
    assert [entry.number for entry in log(FIRST, FIRST, SECOND).entries] == [1, 2]
    many = log(*({"s-webhook": str(version)} for version in range(1, 31)))
    assert [entry.number for entry in many.entries] == list(range(11, 31))


def test_what_a_deploy_did_not_change_is_not_moved_and_the_migrations_stay() -> None:
    entry, moves = way_back(log(FIRST, SECOND), SECOND, to=None, left_alone="s-migrations")
    assert (entry.number, moves) == (1, (Move(function="s-webhook", before="2", after="1"),))


def test_after_a_rollback_the_next_one_goes_one_further() -> None:
    account = Account()
    for versions in (FIRST, SECOND, THIRD):
        account.deploy(versions)
    for expected in (2, 1):
        entry, moves = account.operate.plan(None)
        assert entry.number == expected
        account.operate.roll_back(entry, moves, request=account.request(f"back {expected}"))
    assert account.live == FIRST | {"s-migrations": "3"}
    with pytest.raises(ConflictError, match="no earlier release"):
        account.operate.plan(None)


def test_a_release_can_be_gone_forward_to_again() -> None:
    account = Account()
    for versions in (FIRST, SECOND):
        account.deploy(versions)
    account.operate.roll_back(*account.operate.plan(None), request=account.request("back"))
    account.operate.roll_back(*account.operate.plan(2), request=account.request("forth"))
    assert account.live == SECOND
    with pytest.raises(NotFoundError, match="no release 7"):
        account.operate.plan(7)


def test_a_function_that_was_resized_runs_the_release_all_the_same() -> None:
    live = live_entry(log(FIRST, SECOND), SECOND | {"s-reviewer": "9"})
    assert live is not None
    assert live.number == 2


def test_functions_that_came_or_went_since_are_left_alone() -> None:
    found = log({"s-webhook": "1", "s-gone": "4"}, {"s-webhook": "2"})
    _, moves = way_back(found, {"s-webhook": "2", "s-new": "1"}, to=None, left_alone="")
    assert moves == (Move(function="s-webhook", before="2", after="1"),)


def test_nothing_was_noted_yet() -> None:
    with pytest.raises(ConflictError):
        way_back(DeployLog(), FIRST, to=None, left_alone="")


def test_a_rollback_that_stops_halfway_says_how_to_go_on_and_is_audited_as_refused() -> None:
    account = Account()
    for versions in (FIRST, THIRD):
        account.deploy(versions)
    account.refuses = "s-webhook"
    with pytest.raises(PermanentError, match="--to 1"):
        account.operate.roll_back(*account.operate.plan(None), request=account.request("back"))
    assert [entry.outcome for entry in account.entries[-2:]] == [AuditOutcome.DONE, AuditOutcome.REFUSED]
    account.refuses = None
    account.operate.roll_back(*account.operate.plan(1), request=account.request("again"))
    assert account.live == FIRST | {"s-migrations": "3"}


def test_a_release_names_the_commit_that_it_was_built_from() -> None:
    account = Account()
    assert account.deploy(FIRST, commit="a" * 40).commit == "a" * 40
    assert account.deploy(SECOND).commit is None
    entries, live = account.operate.list()
    assert [entry.commit for entry in entries] == ["a" * 40, None]
    assert live == entries[-1]
    assert account.entries[0].after == {**FIRST, "commit": "a" * 40}
