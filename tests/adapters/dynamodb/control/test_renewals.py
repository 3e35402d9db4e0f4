"""What happens to an installation reaches its tenant: by GitHub's event at once, and without one within the hour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.domain.control.audit import ActorKind
from codereview.domain.control.scopes import READING
from codereview.domain.control.tenants import InstallationProof, TenantStatus
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.review import Outcome, Parked, Posted, Skipped, SkipReason, tenant_of
from codereview.domain.sweeping import Installed
from codereview.errors import CodeReviewError, PermanentError, RetryableError
from codereview.use_cases.control.renew_tenant import RenewTenant
from codereview.use_cases.follow_installations import FollowInstallations
from codereview.use_cases.reconcile.renew_tenants import Renewed, RenewTenants
from tests.adapters.dynamodb.control.control_world import World
from tests.adapters.dynamodb.control.samples import MINE, NOW, waiting
from tests.scenarios.events import pull_request_event

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ACTIVE, SUSPENDED, REMOVED = TenantStatus.ACTIVE, TenantStatus.SUSPENDED, TenantStatus.REMOVED
HOUR = timedelta(hours=1)


@dataclass
class Hub:
    """GitHub, asked for one installation or for the list, and what was asked; `trouble` is its answer to all."""

    world: World
    asked: list[int] = field(default_factory=list)
    pages: int = 0
    hidden: set[int] = field(default_factory=set)  # by a page that shifted while the list was read
    trouble: CodeReviewError | None = None
    troubles: dict[int, CodeReviewError] = field(default_factory=dict)  # by installation
    before_answer: Callable[[], object] = lambda: None  # what somebody else does meanwhile

    def prove(self, installation_id: int) -> InstallationProof | None:
        self.asked.append(installation_id)
        trouble = self.trouble or self.troubles.get(installation_id)
        if trouble is not None:
            raise trouble
        self.before_answer()
        return self.world.installed.get(installation_id)

    def installations(self, page: int) -> tuple[Sequence[Installed], bool]:
        self.pages += 1
        if self.trouble is not None:
            raise self.trouble
        rows = [
            Installed(
                id=proof.installation_id,
                account_id=proof.account_id,
                login=proof.login,
                created_at=NOW,
                is_suspended=proof.is_suspended,
            )
            for proof in self.world.installed.values()
            if proof.installation_id not in self.hidden
        ]
        return rows[2 * page - 2 : 2 * page], 2 * page >= len(rows)


@dataclass
class Reviews:
    """What comes after the first step."""

    handled: list[Envelope] = field(default_factory=list)

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        self.handled.append(envelope)
        return Posted(github_review_id=1)


@dataclass
class Scene:
    """The reviewer's first step and the reconciler's job, on one table."""

    world: World

    def __post_init__(self) -> None:
        self.hub, self.reviews = Hub(self.world), Reviews()
        self.tenants = DynamoTenants(self.world.client, self.world.table)
        self.agenda = DynamoAgenda(self.world.client, self.world.table)
        self.renew = RenewTenant(installations=self.hub, tenants=self.tenants)

    def hear(self, action: str, *, event: str = "installation", installation: int = 101, account: int = 1) -> Outcome:
        """Take a message as the webhook makes it of such an event."""
        return self.take(
            Envelope(
                delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958",
                event=event,
                action=action,
                host="github.com",
                installation_id=installation,
                owner_id=account,
                trigger=Trigger.INSTALLATION,
                received_at=self.world.moment.isoformat(),
            )
        )

    def take(self, envelope: Envelope) -> Outcome:
        step = FollowInstallations(
            clock=self.world,
            ids=self.world,
            renew=self.renew,
            agenda=self.agenda,
            review=self.reviews,
            jitter=lambda: 0.5,
        )
        return step.handle(envelope, deadline=self.world.moment + timedelta(minutes=5))

    def look(self, *, seconds: int = 50) -> Renewed | None:
        """Run the reconciler's job."""
        job = RenewTenants(
            clock=self.world,
            ids=self.world,
            jobs=DynamoJobs(self.world.client, self.world.table),
            github=self.hub,
            tenants=self.tenants,
            renew=self.renew,
            host="github.com",
        )
        return job(deadline=self.world.moment + timedelta(seconds=seconds))

    def suspend(self, *, is_suspended: bool = True) -> None:
        self.world.installed[101] = replace(self.world.installed[101], is_suspended=is_suspended)

    def status(self, account: int = 1) -> TenantStatus | None:
        tenant = self.tenants.load(tenant_of("github.com", account))
        return tenant.status if tenant else None


@pytest.fixture
def scene(dynamodb: "DynamoDBClient", table: str) -> Scene:
    return Scene(World(dynamodb, table))


# --- an event comes


def test_f50_who_uninstalls_the_app_is_refused_at_once(scene: Scene) -> None:
    token = scene.world.issue(scene.world.tenant()).token.text
    assert scene.world.scopes(token) == READING
    del scene.world.installed[101]
    assert scene.hear("deleted") == Skipped(reason=SkipReason.NOTHING_TO_REVIEW)
    assert (scene.status(), scene.world.verify(token)) == (REMOVED, None)
    (removed,) = [each for each in scene.world.audited() if each.action == "tenants.remove"]
    assert (removed.actor.kind, removed.actor.id) == (ActorKind.SYSTEM, "reviewer")
    assert removed.before is not None
    assert removed.after is not None
    assert (removed.before["status"], removed.after["status"]) == ("active", "removed")


def test_f50_a_suspended_installation_is_refused_until_it_is_unsuspended(scene: Scene) -> None:
    token = scene.world.issue(scene.world.tenant()).token.text
    scene.suspend()
    scene.hear("suspend")
    assert (scene.status(), scene.world.verify(token)) == (SUSPENDED, None)
    scene.suspend(is_suspended=False)
    scene.hear("unsuspend")
    assert (scene.status(), scene.world.scopes(token)) == (ACTIVE, READING)


def test_b101_a_renamed_account_is_shown_by_its_new_name(scene: Scene) -> None:
    tenant = scene.world.tenant()
    scene.world.installed[101] = replace(scene.world.installed[101], login="renamed")
    scene.hear("renamed", event="installation_target")
    renamed = scene.tenants.load(MINE)
    assert renamed is not None
    assert (renamed.login, renamed.generation) == ("renamed", tenant.generation)


@pytest.mark.parametrize("action", ["created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"])
def test_an_event_decides_nothing_but_that_github_is_asked(scene: Scene, action: str) -> None:
    scene.world.tenant()
    scene.world.moment += timedelta(minutes=1)
    scene.hear(action, installation=999)
    assert (scene.hub.asked, scene.status()) == ([101], ACTIVE)
    assert waiting(scene.world.client, scene.world.table) == ["tenants.bind"]


@pytest.mark.parametrize("action", ["created", "deleted"])
def test_b29_an_account_that_nobody_bound_stays_unbound_and_leaves_no_trace(scene: Scene, action: str) -> None:
    scene.world.install(1)
    scene.hear(action)
    assert (scene.hub.asked, scene.status()) == ([], None)
    assert waiting(scene.world.client, scene.world.table) == []


def test_b103_who_installs_the_app_anew_is_removed_until_an_operator_binds_it_to_a_new_life(scene: Scene) -> None:
    tenant = scene.world.tenant()
    token = scene.world.issue(tenant).token.text
    del scene.world.installed[101]
    scene.world.install(1, installation=999)
    scene.hear("created", installation=999)  # of its end nobody heard
    scene.hear("unsuspend", installation=999)
    assert (scene.status(), scene.world.verify(token)) == (REMOVED, None)
    bound = scene.world.tenants.bind(999, request=scene.world.request())
    assert (bound.generation, bound.installation_id, scene.world.verify(token)) == (2, 999, None)
    scene.hear("deleted", installation=101)  # late
    assert scene.status() is ACTIVE


def test_b103_no_event_brings_a_removed_tenant_back(scene: Scene) -> None:
    token = scene.world.issue(scene.world.tenant()).token.text
    proof = scene.world.installed.pop(101)
    scene.hear("deleted")
    scene.world.installed[101] = proof
    for action in ("created", "unsuspend"):
        scene.hear(action)
    assert scene.look() == Renewed(tenants=0)
    assert (scene.status(), scene.world.verify(token), scene.hub.asked) == (REMOVED, None, [101])


def test_which_repositories_it_reaches_is_no_reason_to_ask_about_a_tenant(scene: Scene) -> None:
    scene.world.tenant()
    assert scene.hear("removed", event="installation_repositories") == Skipped(reason=SkipReason.NOTHING_TO_REVIEW)
    assert scene.hub.asked == []


def test_while_github_cannot_be_asked_the_event_waits_and_is_made_up_for(scene: Scene) -> None:
    scene.world.tenant()
    del scene.world.installed[101]
    scene.hub.trouble = RetryableError("GitHub answered 502")
    held = scene.hear("deleted")
    assert isinstance(held, Parked)
    assert scene.status() is ACTIVE
    scene.hub.trouble = None
    (entry,) = scene.agenda.due(now=held.until, limit=10, most_of_a_tenant=10)
    envelope = scene.agenda.envelope_of(entry)
    assert envelope is not None
    scene.world.moment = held.until
    scene.take(envelope)
    assert scene.status() is REMOVED


def test_an_installation_that_github_still_names_when_it_says_it_was_deleted_is_asked_about_again(scene: Scene) -> None:
    scene.world.tenant()
    held = scene.hear("deleted")
    assert isinstance(held, Parked)
    assert held.until - scene.world.moment < timedelta(minutes=2)
    (entry,) = scene.agenda.due(now=held.until, limit=10, most_of_a_tenant=10)
    envelope = scene.agenda.envelope_of(entry)
    assert envelope is not None
    scene.world.moment += timedelta(minutes=5)
    assert scene.take(envelope) == Skipped(reason=SkipReason.NOTHING_TO_REVIEW)


def test_who_changes_the_tenant_meanwhile_is_not_overwritten(scene: Scene) -> None:
    scene.world.tenant()
    scene.suspend()
    scene.hub.before_answer = lambda: scene.world.tenants.block(MINE, request=scene.world.request())
    assert isinstance(scene.hear("suspend"), Parked)
    scene.hub.before_answer = lambda: None
    scene.hear("suspend")
    tenant = scene.tenants.load(MINE)
    assert tenant is not None
    assert (tenant.status, tenant.is_blocked) == (SUSPENDED, True)


def test_everything_else_goes_on_to_the_review(scene: Scene) -> None:
    event = pull_request_event()
    assert scene.take(event) == Posted(github_review_id=1)
    assert (scene.reviews.handled, scene.hub.asked) == ([event], [])


# --- no event comes


def test_f50_what_no_event_told_is_noticed_within_the_hour_by_asking_about_those_alone(scene: Scene) -> None:
    world = scene.world
    for account in range(1, 6):
        world.tenant(account)
    assert scene.look() == Renewed(tenants=5)
    assert scene.hub.asked == []
    scene.suspend()
    del world.installed[102]
    del world.installed[103]
    world.install(3, installation=999)
    world.moment += HOUR - timedelta(seconds=1)
    assert scene.look() is None
    world.moment += timedelta(seconds=1)
    assert scene.look() == Renewed(tenants=5, asked=3, changed=3)
    assert sorted(scene.hub.asked) == [101, 102, 103]
    assert [scene.status(account) for account in range(1, 6)] == [SUSPENDED, REMOVED, REMOVED, ACTIVE, ACTIVE]
    scene.suspend(is_suspended=False)
    world.moment += HOUR
    assert scene.look() == Renewed(tenants=3, asked=1, changed=1)
    assert scene.status() is ACTIVE


def test_a_tenant_that_only_the_list_misses_stays(scene: Scene) -> None:
    scene.world.tenant(1)
    scene.world.tenant(2)
    scene.hub.hidden = {101}
    assert scene.look() == Renewed(tenants=2, asked=1)
    assert scene.status() is ACTIVE


def test_an_installation_that_is_anothers_now_removes_the_tenant(scene: Scene) -> None:
    scene.world.tenant(1)
    scene.world.tenant(2)
    scene.world.installed[101] = replace(scene.world.installed[101], account_id=3)
    assert scene.look() == Renewed(tenants=2, asked=1, changed=1)
    assert scene.status() is REMOVED


def test_another_apps_list_removes_nobody(scene: Scene) -> None:
    scene.world.tenant(1)
    scene.world.tenant(2)
    scene.world.installed.clear()
    scene.world.install(7)
    with pytest.raises(PermanentError, match="the same App"):
        scene.look()
    assert (scene.status(1), scene.status(2)) == (ACTIVE, ACTIVE)


def test_a_list_that_cannot_be_read_in_time_says_so_and_removes_nobody(scene: Scene) -> None:
    scene.world.tenant()
    with pytest.raises(RetryableError, match="in time"):
        scene.look(seconds=5)
    assert scene.status() is ACTIVE


def test_one_run_asks_about_fifty_and_the_next_minutes_goes_on(scene: Scene) -> None:
    for account in range(1, 54):
        scene.world.tenant(account)
        if account > 1:
            del scene.world.installed[100 + account]
    assert scene.look() == Renewed(tenants=53, asked=50, changed=50, left=2)
    scene.world.moment += timedelta(minutes=1)
    assert scene.look() == Renewed(tenants=3, asked=2, changed=2)


def test_one_tenants_trouble_is_no_others(scene: Scene) -> None:
    for account in (1, 2, 3):
        scene.world.tenant(account)
    del scene.world.installed[101]
    del scene.world.installed[102]
    scene.hub.troubles = {101: RetryableError("GitHub answered 502")}
    assert scene.look() == Renewed(tenants=3, asked=2, changed=1, troubles=1)
    assert [scene.status(account) for account in (1, 2, 3)] == [ACTIVE, REMOVED, ACTIVE]
