"""The sweep of open heads: what nobody was told of is found, within a tenth of GitHub's limit, whatever breaks."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.parking import Held, Park
from codereview.domain.review import ReviewKey, ReviewState, SkipReason, TenantId, tenant_of
from codereview.domain.sweeping import (
    ETAG_LIFE,
    REQUESTS_AN_HOUR,
    Installed,
    OpenHead,
    Round,
    Seen,
    allowance,
    horizon,
    is_lost,
)
from codereview.errors import ForbiddenError, RetryableError, ThrottledError
from codereview.github_ports import RepositoryIdentity
from codereview.ports import JobState, ReviewItem
from codereview.sweep_ports import HeadsPage
from codereview.use_cases.reconcile.sweep_heads import SweepHeads, Swept
from tests.scenarios.events import HEAD_A, HEAD_B, NOW, command_event, pull_request_event
from tests.scenarios.fake_jobs import MemoryJobs
from tests.scenarios.fake_stores import Agenda, Clock, Ids, ReviewQueue, Store
from tests.scenarios.faults import Blackout, Death, Mode, Outage
from tests.scenarios.test_life_of_a_review import expect_one_review
from tests.scenarios.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAGE = 100
FIVE_THOUSAND = 5_000  # requests an hour, GitHub's limit for the smallest installation


@dataclass
class Lists:
    """GitHub's lists; a request takes a tenth of a second, unless it is said otherwise."""

    world: World
    installed: list[Installed] = field(default_factory=list)
    repositories_of: dict[int, list[int]] = field(default_factory=dict)
    open_of: dict[int, list[OpenHead]] = field(default_factory=dict)
    requests: list[tuple[int, datetime]] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    troubles: dict[int, Exception] = field(default_factory=dict)  # by repository or installation
    takes: timedelta = timedelta(milliseconds=100)

    def _ask(self, name: str, installation: int) -> None:
        self.requests.append((installation, self.world.now))
        self.answered[name] += 1
        self.world.now += self.takes

    def installations(self, page: int) -> tuple[Sequence[Installed], bool]:
        def answer() -> tuple[Sequence[Installed], bool]:
            self._ask("installations", 0)
            return self.installed[(page - 1) * PAGE : page * PAGE], page * PAGE >= len(self.installed)

        return self.world.call("lists.installations", answer)

    def repositories(self, installation_id: int, page: int) -> tuple[Sequence[RepositoryIdentity], bool]:
        def answer() -> tuple[Sequence[RepositoryIdentity], bool]:
            self._ask("repositories", installation_id)
            if installation_id in self.troubles:
                raise self.troubles[installation_id]
            numbers = self.repositories_of[installation_id]
            found = [
                RepositoryIdentity(id=number, owner_id=self.world.account, owner="o", name=f"r{number}")
                for number in numbers[(page - 1) * PAGE : page * PAGE]
            ]
            return found, page * PAGE >= len(numbers)

        return self.world.call("lists.repositories", answer)

    def heads(
        self, installation_id: int, repository: RepositoryIdentity, *, page: int, etag: str | None
    ) -> HeadsPage | None:
        def answer() -> HeadsPage | None:
            self._ask("heads", installation_id)
            if repository.id in self.troubles:
                raise self.troubles[repository.id]
            latest_first = sorted(self.open_of.get(repository.id, []), key=lambda head: head.updated_at, reverse=True)
            heads = tuple(latest_first[(page - 1) * PAGE : page * PAGE])
            tag = str(hash(heads))
            if tag == etag:
                self.answered["unchanged"] += 1
                return None
            return HeadsPage(heads=heads, etag=tag, is_last=page * PAGE >= len(latest_first))

        return self.world.call("lists.heads", answer)


@dataclass
class Memory:
    """The control table's items of the sweep."""

    world: World
    rounds: dict[int, Round] = field(default_factory=dict)
    repositories: dict[tuple[int, int], Seen] = field(default_factory=dict)

    def round(self, installation_id: int) -> Round:
        return self.world.call("memory.round", lambda: self.rounds.get(installation_id, Round()))

    def keep_round(self, installation_id: int, state: Round) -> None:
        self.world.call("memory.keep_round", lambda: self.rounds.update({installation_id: state}))

    def seen(self, installation_id: int, repository_id: int) -> Seen | None:
        return self.world.call("memory.seen", lambda: self.repositories.get((installation_id, repository_id)))

    def keep_seen(self, installation_id: int, repository_id: int, seen: Seen) -> None:
        self.world.call("memory.keep_seen", lambda: self.repositories.update({(installation_id, repository_id): seen}))


@dataclass
class Accounts:
    """The one account that there is, blocked or not."""

    world: World

    def load(self, tenant: TenantId) -> Tenant | None:
        return self.world.call("accounts.load", lambda: self._load(tenant))

    def _load(self, tenant: TenantId) -> Tenant:
        return Tenant(
            host="github.com",
            account_id=int(tenant.rpartition(":")[2]),
            login="o",
            installation_id=5,
            status=TenantStatus.ACTIVE,
            generation=1,
            proven_at=NOW,
            began_at=NOW,
            is_blocked=self.world.holding(self.world.now) is SkipReason.BLOCKED,
        )


@dataclass
class Sweep:
    """The job in its world, run every minute."""

    world: World = field(default_factory=World)
    runs: list[Swept] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lists, self.memory, self.jobs = Lists(self.world), Memory(self.world), MemoryJobs(self.world)

    def install(self, number: int, *, repositories: Sequence[int], since: timedelta = 30 * DAY) -> None:
        account = self.world.account
        self.lists.installed.append(
            Installed(id=number, account_id=account, login="o", created_at=NOW - since, is_suspended=False)
        )
        self.lists.repositories_of[number] = list(repositories)

    def run(self) -> Swept | None:
        self.world.is_dead = False
        job = SweepHeads(
            clock=Clock(self.world),
            ids=Ids(self.world),
            jobs=self.jobs,
            github=self.lists,
            memory=self.memory,
            tenants=Accounts(self.world),
            store=Store(self.world),
            agenda=Agenda(self.world),
            queue=ReviewQueue(self.world),
            host="github.com",
        )
        started = self.world.now
        swept: Swept | None = None
        with suppress(RetryableError, Death):
            swept = job(deadline=started + timedelta(seconds=52))
            self.runs += [swept] if swept is not None else []
        self.world.now = max(self.world.now, started + MINUTE)
        return swept

    def run_for(self, duration: timedelta) -> None:
        ends_at = self.world.now + duration
        while self.world.now < ends_at:
            self.run()


def head(number: int = 3, sha: str = HEAD_A, *, ago: timedelta = HOUR, is_draft: bool = False) -> OpenHead:
    return OpenHead(number=number, head_sha=sha, is_draft=is_draft, is_author_bot=False, updated_at=NOW - ago)


def swept_world(*heads: OpenHead) -> Sweep:
    sweep = Sweep()
    sweep.install(5, repositories=[2])
    sweep.lists.open_of[2] = list(heads)
    return sweep


def test_f5_f6_a_head_whose_webhook_never_came_is_reviewed() -> None:
    sweep = swept_world(head())
    sweep.run()
    assert [(sent.number, sent.head_sha, sent.installation_id) for sent in sweep.world.queue] == [(3, HEAD_A, 5)]
    sweep.world.settle()
    expect_one_review(sweep.world)


def test_a_head_that_has_a_review_is_left_alone() -> None:
    sweep = swept_world(head())
    sweep.world.deliver(pull_request_event())
    sweep.run_for(DAY)
    assert sum(run.sent for run in sweep.runs) == 0


def test_f5_a_push_after_a_review_whose_webhook_never_came_is_found() -> None:
    sweep = swept_world(head())
    sweep.world.deliver(pull_request_event())
    sweep.run_for(HOUR)
    sweep.world.head = HEAD_B
    sweep.lists.open_of[2] = [replace(head(sha=HEAD_B), updated_at=sweep.world.now)]
    sweep.run_for(2 * HOUR)
    assert {sent.head_sha for sent in sweep.world.queue} == {HEAD_B}
    sweep.world.settle()
    assert [review.commit_id for review, _ in sweep.world.reviews] == [HEAD_A, HEAD_B]


def test_what_has_just_changed_is_left_to_its_webhook_and_looked_at_again() -> None:
    sweep = swept_world(head(ago=MINUTE))
    sweep.run()
    assert sweep.world.queue == []
    sweep.run_for(2 * HOUR)
    assert len(sweep.world.queue) == 1


def test_old_pull_requests_are_not_reviewed_on_the_day_of_the_installation() -> None:
    old = [head(number, ago=10 * DAY) for number in range(1, 500)]
    sweep = Sweep()
    sweep.install(5, repositories=[2], since=HOUR)
    sweep.install(6, repositories=[7])  # an old installation with a repository that is new to it
    sweep.lists.open_of |= {2: old, 7: old}
    sweep.run_for(DAY)
    assert sweep.world.queue == []


def test_what_nobody_touched_for_a_year_is_not_taken_for_lost_when_its_review_is_forgotten() -> None:
    installed = Installed(id=5, account_id=1, login="o", created_at=NOW - 900 * DAY, is_suspended=False)
    assert horizon(installed, Seen(first_at=NOW - 800 * DAY), now=NOW) == NOW - 365 * DAY
    assert horizon(installed, Seen(first_at=NOW - 10 * DAY), now=NOW) == NOW - 13 * DAY


@pytest.mark.parametrize(
    ("state", "reason", "wanted"),
    [
        (None, None, True),
        (ReviewState.SUPERSEDED, HEAD_B, True),
        (ReviewState.SKIPPED, SkipReason.DRAFT, True),
        (ReviewState.SKIPPED, SkipReason.CLOSED, True),
        (ReviewState.SKIPPED, SkipReason.INSTALLATION_GONE, True),
        (ReviewState.SKIPPED, SkipReason.BLOCKED, True),
        (ReviewState.SKIPPED, SkipReason.BOT_AUTHOR, False),
        (ReviewState.SKIPPED, "a reason of a later release", False),
        (ReviewState.QUEUED, None, False),
        (ReviewState.RUNNING, None, False),
        (ReviewState.PARKED, "an outage", False),
        (ReviewState.ANSWERED, None, False),
        (ReviewState.POSTED, None, False),
        (ReviewState.FAILED, "poison", False),
    ],
)
def test_only_what_nobody_else_takes_up_is_lost(state: ReviewState | None, reason: str | None, *, wanted: bool) -> None:
    assert is_lost(head(), state, reason) is wanted
    assert not is_lost(head(is_draft=True), state, reason)
    assert not is_lost(replace(head(), is_author_bot=True), state, reason)


def test_f50_what_was_skipped_while_the_installation_was_suspended_is_taken_up_afterwards() -> None:
    sweep = swept_world(head())
    key = ReviewKey(tenant=tenant_of("github.com", 1), repository_id=2, number=3, head_sha=HEAD_A)
    sweep.world.items[key.review_id] = ReviewItem(
        key=key, state=ReviewState.SKIPPED, reason=SkipReason.INSTALLATION_GONE.value, is_recorded=True
    )
    sweep.run()
    sweep.world.settle()
    assert sweep.world.items[key.review_id].state is ReviewState.POSTED


def test_the_heads_of_a_blocked_tenant_are_passed_by_and_taken_up_when_it_is_unblocked() -> None:
    sweep = swept_world(head())
    sweep.world.holding = lambda _: SkipReason.BLOCKED
    sweep.world.deliver(pull_request_event())
    sweep.run_for(DAY)
    assert {item.reason for item in sweep.world.items.values()} == {SkipReason.BLOCKED}
    assert (sweep.world.queue, sweep.lists.answered["repositories"]) == ([], 0)
    sweep.world.holding = lambda _: None
    sweep.run()
    sweep.world.settle()
    assert [review.commit_id for review, _ in sweep.world.reviews] == [HEAD_A]


@pytest.mark.parametrize("is_parked", [True, False], ids=["while it waits", "while its message is in the queue"])
def test_a_head_that_was_seen_before_its_tenant_was_blocked_is_taken_up_although_its_list_has_not_changed(
    *, is_parked: bool
) -> None:
    sweep = swept_world(head())
    if is_parked:
        sweep.world.holding = lambda now: Park(reason="a pause", until=now + 9 * HOUR)
        sweep.world.receive(pull_request_event())
    sweep.run_for(2 * HOUR)
    sweep.world.holding = lambda _: SkipReason.BLOCKED
    sweep.world.settle()
    sweep.run_for(2 * HOUR)
    assert {item.reason for item in sweep.world.items.values()} == {SkipReason.BLOCKED}
    sweep.world.holding = lambda _: None
    sweep.run()
    sweep.world.settle()
    assert [review.commit_id for review, _ in sweep.world.reviews] == [HEAD_A]


def test_a_head_that_was_sent_is_not_sent_again_while_its_message_waits() -> None:
    sweep = swept_world(head())
    sweep.run_for(22 * HOUR)
    assert len(sweep.world.queue) == 1
    sweep.lists.open_of[2] = [replace(head(sha=HEAD_B), updated_at=sweep.world.now)]
    sweep.run_for(2 * HOUR)
    assert [sent.head_sha for sent in sweep.world.queue] == [HEAD_A, HEAD_B]


def test_f5_f50_a_head_whose_message_came_to_nothing_is_found_in_a_list_that_did_not_change() -> None:
    sweep = swept_world(head())
    sweep.run()
    sweep.world.is_suspended = True
    sweep.world.settle()
    assert sweep.world.items == {}
    sweep.world.is_suspended = False
    sweep.run_for(DAY)
    sweep.world.settle()
    expect_one_review(sweep.world)


def test_f50_a_review_that_waited_when_it_was_swept_and_ended_by_a_suspension_is_taken_up_afterwards() -> None:
    sweep = swept_world(head())
    sweep.world.blackouts.append(Blackout(prefix="model", until=NOW + HOUR))
    sweep.world.receive(pull_request_event())
    sweep.run()
    sweep.world.is_suspended = True
    sweep.world.settle()
    sweep.world.is_suspended = False
    sweep.run_for(3 * HOUR)
    sweep.world.settle()
    assert [item.state for item in sweep.world.items.values()] == [ReviewState.POSTED]


def test_a_list_that_has_not_changed_is_not_read_again() -> None:
    sweep = swept_world(head())
    sweep.world.deliver(pull_request_event())
    sweep.run_for(DAY)
    assert sweep.lists.answered["unchanged"] == sweep.lists.answered["heads"] - 1
    assert sweep.lists.answered["heads"] > 20
    sweep.run_for(ETAG_LIFE)
    assert sweep.lists.answered["unchanged"] < sweep.lists.answered["heads"] - 1  # and believed for a week


@pytest.mark.parametrize("mode", list(Mode))
def test_f7_whatever_goes_wrong_once_in_the_sweep_the_lost_head_is_reviewed_once(mode: Mode) -> None:
    for number in count():
        outage = Outage(at=number, mode=mode)
        sweep = Sweep(World(outages=[outage]))
        sweep.install(5, repositories=[1, 2, 9])
        sweep.lists.open_of[2] = [head()]
        sweep.run_for(10 * MINUTE)
        if not outage.has_fired:
            break
        sweep.world.settle()
        expect_one_review(sweep.world)
    assert number > 20


@pytest.mark.parametrize("error", [ThrottledError("limit"), RetryableError("502"), ForbiddenError("suspended")])
def test_one_installations_trouble_is_no_others(error: Exception) -> None:
    sweep = swept_world(head())
    sweep.install(6, repositories=[8])
    sweep.lists.installed.reverse()
    sweep.lists.troubles[6] = error
    assert sweep.run() is not None
    assert len(sweep.world.queue) == 1


def test_a_repository_that_cannot_be_read_does_not_stop_the_others() -> None:
    sweep = Sweep()
    sweep.install(5, repositories=[1, 2])
    sweep.lists.open_of[2] = [head()]
    sweep.lists.troubles[1] = ForbiddenError("access blocked")
    sweep.run()
    assert len(sweep.world.queue) == 1


def test_f5_six_thousand_repositories_are_swept_in_a_day_with_a_tenth_of_the_limit() -> None:
    sweep = Sweep()
    numbers = range(1, 6_001)
    sweep.install(5, repositories=numbers)
    for number in numbers:
        sweep.lists.open_of[number] = [head(number, f"{number:040x}")]
    sweep.run_for(DAY)
    assert {sent.repository_id for sent in sweep.world.queue} == set(numbers)
    times = [at for installation, at in sweep.lists.requests if installation == 5]
    most, oldest = 0, 0
    for newest, at in enumerate(times):
        while at - times[oldest] >= HOUR:
            oldest += 1
        most = max(most, newest - oldest + 1)
    assert most <= FIVE_THOUSAND / 10


def test_f5_a_thousand_installations_are_swept_in_a_day_and_a_large_one_holds_up_no_small_one() -> None:
    sweep = Sweep()
    sweep.install(1, repositories=range(1_000_000, 1_004_000))
    for number in range(2, 1_002):
        sweep.install(number, repositories=[number])
        sweep.lists.open_of[number] = [head(number)]
    sweep.run_for(2 * HOUR)
    assert {sent.installation_id for sent in sweep.world.queue} == set(range(2, 1_002))


def test_many_large_installations_hold_up_no_small_one_and_all_have_their_turns() -> None:
    sweep = Sweep()
    sweep.lists.takes = timedelta(seconds=3)  # so that a few installations use up a run as some dozens do in fact
    large, small = range(1, 41), range(41, 141)
    for number in large:
        sweep.install(number, repositories=range(number * 10_000, number * 10_000 + 200))
    for number in small:
        sweep.install(number, repositories=[number])
    sweep.run_for(5 * HOUR)
    visits = Counter(installation for installation, _ in sweep.lists.requests)
    assert min(visits[number] for number in small) >= 2
    assert min(visits[number] for number in large) * 3 > max(visits[number] for number in large)


def test_an_installation_whose_visit_kills_the_run_holds_up_no_other() -> None:
    sweep = swept_world(head())
    sweep.install(6, repositories=[8])
    sweep.lists.installed.reverse()
    sweep.lists.troubles[6] = Death("out of memory")  # type: ignore[assignment]
    sweep.run_for(3 * MINUTE)
    assert [sent.repository_id for sent in sweep.world.queue] == [2]


def test_what_an_earlier_release_remembers_of_the_sweep_is_gone_on_with() -> None:
    sweep = Sweep()
    for number in range(1, 131):
        sweep.install(number, repositories=[number])
    sweep.jobs.states["sweep"] = JobState(generation=2)
    sweep.run()
    asked = [installation for installation, _ in sweep.lists.requests if installation]
    assert asked[0] == 101
    assert set(asked) == set(range(1, 131))


def test_a_head_whose_message_is_held_back_was_heard_of_and_is_taken_up_when_it_comes_to_nothing() -> None:
    sweep = swept_world(head())
    held = Held(envelope=pull_request_event(), reason="a crowd", due_at=NOW + DAY)
    Agenda(sweep.world).hold(held)
    sweep.run_for(2 * HOUR)
    assert sum(run.sent for run in sweep.runs) == 0
    assert sweep.world.queue == []
    sweep.world.held.clear()
    sweep.run_for(2 * HOUR)
    assert [sent.action for sent in sweep.world.queue] == ["swept"]


def test_another_head_of_the_pull_request_that_waits_speaks_for_its_own_only() -> None:
    sweep = swept_world(head(sha=HEAD_B))
    Agenda(sweep.world).hold(Held(envelope=pull_request_event(HEAD_A), reason="a crowd", due_at=NOW + DAY))
    Agenda(sweep.world).hold(Held(envelope=command_event(), reason="a crowd", due_at=NOW + DAY))
    sweep.run()
    assert [sent.head_sha for sent in sweep.world.queue] == [HEAD_B]


def test_a_repository_with_many_open_pull_requests_is_paid_for_by_waiting() -> None:
    sweep = swept_world(*(head(number, f"{number:040x}") for number in range(1, 950)))
    sweep.run()
    assert len(sweep.world.queue) == 949
    visited_at = sweep.memory.rounds[5].visited_at
    assert visited_at is not None
    assert visited_at > NOW + 30 * timedelta(seconds=1)


def test_an_allowance_grows_with_the_time_up_to_a_bound_and_is_never_negative() -> None:
    assert allowance(None, now=NOW) == REQUESTS_AN_HOUR // 60
    assert allowance(NOW - 15 * MINUTE, now=NOW) == 100
    assert allowance(NOW - DAY, now=NOW) == 100
    assert allowance(NOW + HOUR, now=NOW) == 0
