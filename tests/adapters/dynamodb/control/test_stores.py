"""What the control plane keeps: each change with its audit entry, over the version that was read, listed by owner."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.control.keys import DynamoApiKeys
from codereview.adapters.dynamodb.control.live_reviews import DynamoLiveReviews
from codereview.adapters.dynamodb.control.notices import DynamoNotices
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.pauses import DynamoPauses
from codereview.adapters.dynamodb.control.people import DynamoPeople
from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.dynamodb.control.settings import DynamoFlags, DynamoQuotas
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.items import marshal
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.domain.control.flags import AgentFlag, AgentMode, FlagSet
from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.control.people import PersonId, Role, Session
from codereview.domain.control.quotas import Budgets, QuotaSet
from codereview.domain.limits import Rate
from codereview.domain.review import ReviewKey, ReviewState
from codereview.errors import ConflictError, PermanentError, StaleVersionError
from codereview.ports import Lease, PullRequestKey, ReviewItem
from tests.adapters.dynamodb.control.samples import ACTOR, MINE, NOW, THEIRS, account, api_key, entry, member, waiting

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def test_a_tenant_is_read_back_as_it_was_saved_under_its_next_version(dynamodb: "DynamoDBClient", table: str) -> None:
    tenants = DynamoTenants(dynamodb, table)
    assert tenants.load(MINE) is None
    saved = tenants.save(account(), audit=entry("tenants.bind"))
    assert saved.version == 1
    assert tenants.load(MINE) == saved
    assert waiting(dynamodb, table) == ["tenants.bind"]


def test_b74_a_change_over_a_version_that_is_gone_changes_nothing_and_is_not_audited(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    flags = DynamoFlags(dynamodb, table)
    first = flags.save(FlagSet(tenant=MINE, posting=False), audit=entry("flags.first"))
    for stale in (FlagSet(tenant=MINE), replace(first, version=7)):
        with pytest.raises(StaleVersionError):
            flags.save(stale, audit=entry("flags.stale"))
    assert flags.load(MINE) == first
    assert waiting(dynamodb, table) == ["flags.first"]


def test_f64_where_the_audit_entry_cannot_be_stored_nothing_changes(dynamodb: "DynamoDBClient", table: str) -> None:
    keys, twice = DynamoApiKeys(dynamodb, table), entry()
    DynamoAuditOutbox(dynamodb, table).put(twice)
    with pytest.raises(StaleVersionError, match="already"):
        keys.save(api_key(), audit=twice)
    assert keys.load("k1") is None


def test_sets_that_nobody_changed_say_nothing(dynamodb: "DynamoDBClient", table: str) -> None:
    assert DynamoFlags(dynamodb, table).load(None) == FlagSet(tenant=None)
    assert DynamoQuotas(dynamodb, table).load(MINE) == QuotaSet(tenant=MINE)


def test_flags_and_limits_of_the_deployment_and_of_tenants_are_different_sets(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    flags, quotas = DynamoFlags(dynamodb, table), DynamoQuotas(dynamodb, table)
    canary = FlagSet(tenant=None, agents={"security": AgentFlag(mode=AgentMode.CANARY, percent=5)})
    rate = Rate(units=100, period=timedelta(minutes=1), burst=20)
    own = QuotaSet(tenant=MINE, requests=rate, budgets=Budgets(tenant_month=5_000_000))
    assert flags.save(canary, audit=entry()).version == 1
    assert quotas.save(own, audit=entry()).version == 1
    assert flags.load(None) == replace(canary, version=1)
    assert quotas.load(MINE) == replace(own, version=1)
    assert flags.load(MINE) == FlagSet(tenant=MINE)
    assert quotas.load(None) == QuotaSet(tenant=None)


@pytest.mark.parametrize(
    "value",
    [
        '{"tenant": null, "agents": {"security": "false"}}',
        '{"tenant": null, "agents": {"security": {"mode": "canary", "percent": 101}}}',
        '{"tenant": null, "posting": "perhaps"}',
        "[]",
        "",
    ],
)
def test_f63_a_flag_of_a_wrong_type_is_never_taken_for_a_setting(
    dynamodb: "DynamoDBClient", table: str, value: str
) -> None:
    dynamodb.put_item(TableName=table, Item=marshal({"pk": "flag#deployment", "value": value, "version": 3}))
    with pytest.raises(PermanentError, match="does not fit"):
        DynamoFlags(dynamodb, table).load(None)


def test_a_tenants_keys_are_listed_in_pages_and_no_others(dynamodb: "DynamoDBClient", table: str) -> None:
    keys = DynamoApiKeys(dynamodb, table)
    for number in range(5):
        # Two at the same moment: a page may end between them.
        keys.save(api_key(f"k{number}", created_at=NOW + timedelta(seconds=number // 2)), audit=entry())
    keys.save(api_key("theirs", tenant=THEIRS), audit=entry())
    listed, after = list[str](), None
    while True:
        page = keys.page(MINE, limit=2, after=after)
        assert len(page.items) <= 2
        listed += [key.id for key in page.items]
        after = page.next
        if after is None:
            break
    assert sorted(listed) == ["k0", "k1", "k2", "k3", "k4"]
    assert [key.id for key in keys.page(THEIRS, limit=100).items] == ["theirs"]


def test_the_use_of_a_key_is_remembered_once_an_hour_and_survives_a_change(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    keys = DynamoApiKeys(dynamodb, table)
    keys.save(api_key(), audit=entry())
    keys.touch("k1", now=NOW)
    keys.touch("k1", now=NOW + timedelta(minutes=59))
    keys.touch("nobody", now=NOW)
    key = keys.load("k1")
    assert key is not None
    assert (key.last_used_at, key.version) == (NOW, 1)
    keys.save(replace(key, revoked_at=NOW), audit=entry())
    revoked = keys.load("k1")
    assert revoked is not None
    assert (revoked.last_used_at, revoked.revoked_at) == (NOW, NOW)
    assert keys.load("nobody") is None


def test_nothing_in_the_table_is_a_usable_key(dynamodb: "DynamoDBClient", table: str) -> None:
    DynamoApiKeys(dynamodb, table).save(api_key(), audit=entry("keys.create"))
    (item,) = [item for item in dynamodb.scan(TableName=table)["Items"] if item["pk"]["S"].startswith("key#")]
    assert "acr_" not in json.dumps(item)


def test_a_session_ends_once(dynamodb: "DynamoDBClient", table: str) -> None:
    sessions = DynamoSessions(dynamodb, table)
    person = PersonId(host="github.com", user_id=77)
    session = Session(
        id="s1", hash="cd" * 32, person=person, login="ann", created_at=NOW, expires_at=NOW + timedelta(hours=12)
    )
    sessions.begin(session, audit=entry("sessions.begin"))
    assert sessions.load("s1") == session
    for action in ("sessions.end", "sessions.end again"):
        sessions.end("s1", at=NOW + timedelta(hours=1), audit=entry(action))
    sessions.end("nobody's", at=NOW, audit=entry("sessions.end nobody's"))
    ended = sessions.load("s1")
    assert ended is not None
    assert not ended.is_good(NOW + timedelta(hours=1))
    assert waiting(dynamodb, table) == ["sessions.begin", "sessions.end"]


def test_b66_the_last_admin_can_neither_leave_nor_step_down(dynamodb: "DynamoDBClient", table: str) -> None:
    people = DynamoPeople(dynamodb, table)
    ann, bob = people.save(member(1), audit=entry()), people.save(member(2), audit=entry())
    ann = people.save(replace(ann, role=Role.VIEWER), audit=entry("people.down"))
    with pytest.raises(ConflictError):
        people.remove(bob, audit=entry("people.never"))
    with pytest.raises(ConflictError):
        people.save(replace(bob, role=Role.EDITOR), audit=entry("people.never"))
    people.save(replace(ann, role=Role.ADMIN), audit=entry())
    people.remove(bob, audit=entry())
    assert [each.person.user_id for each in people.page(MINE, limit=10).items] == [1]
    assert "people.never" not in waiting(dynamodb, table)


def test_an_admin_of_an_older_generation_does_not_count(dynamodb: "DynamoDBClient", table: str) -> None:
    people = DynamoPeople(dynamodb, table)
    old = people.save(member(1), audit=entry())
    new = people.save(member(2, generation=2), audit=entry())
    with pytest.raises(ConflictError):
        people.remove(new, audit=entry())
    both = people.save(replace(old, generation=2), audit=entry())
    people.remove(new, audit=entry())
    assert people.load(MINE, both.person) == both


def test_a_person_finds_the_tenants_and_a_tenant_its_people(dynamodb: "DynamoDBClient", table: str) -> None:
    people = DynamoPeople(dynamodb, table)
    for tenant in (MINE, THEIRS):
        people.save(member(1, tenant=tenant), audit=entry(tenant=tenant))
    people.save(member(2, Role.VIEWER), audit=entry())
    ann = PersonId(host="github.com", user_id=1)
    assert [each.tenant for each in people.tenants_of(ann, limit=10).items] == [MINE, THEIRS]
    assert [each.person.user_id for each in people.page(MINE, limit=10).items] == [1, 2]
    bob = people.load(MINE, PersonId(host="github.com", user_id=2))
    assert bob is not None
    people.remove(bob, audit=entry())
    assert people.load(MINE, bob.person) is None
    assert people.tenants_of(bob.person, limit=10).items == ()


def test_a_pause_holds_for_all_that_it_is_around_until_it_runs_out(dynamodb: "DynamoDBClient", table: str) -> None:
    pauses = DynamoPauses(dynamodb, table)
    pull, repository = (
        PauseTarget(tenant=MINE, repository_id=2, number=3),
        PauseTarget(tenant=MINE, repository_id=2),
    )
    assert pauses.holding(pull, now=NOW) is None
    hour = NOW + timedelta(hours=1)
    pauses.pause(Pause(target=repository, reason="freeze", by=ACTOR, since=NOW, until=hour), audit=entry())
    held = pauses.holding(pull, now=NOW)
    assert held is not None
    assert held.reason == "freeze"
    assert pauses.holding(pull, now=hour) is None
    assert pauses.holding(PauseTarget(tenant=MINE, repository_id=22, number=3), now=NOW) is None
    assert pauses.holding(PauseTarget(tenant=THEIRS, repository_id=2, number=3), now=NOW) is None
    everything = Pause(target=PauseTarget(tenant=MINE), reason="all", by=ACTOR, since=NOW)
    pauses.pause(everything, audit=entry())
    for stale in (everything, replace(everything, version=2)):
        with pytest.raises(StaleVersionError):
            pauses.pause(stale, audit=entry())
    pauses.pause(replace(everything, reason="all of it", version=1), audit=entry())
    latest = replace(everything, reason="all of it", version=2)
    assert pauses.load(everything.target) == pauses.holding(pull, now=hour) == latest
    assert latest in pauses.page(MINE, limit=10).items
    assert len(pauses.page(MINE, limit=10).items) == 2
    with pytest.raises(StaleVersionError):
        pauses.resume(everything, audit=entry("pauses.resume"))
    pauses.resume(latest, audit=entry("pauses.resume"))
    assert (pauses.load(everything.target), pauses.holding(pull, now=hour)) == (None, None)


def test_notices_to_all_and_to_one_tenant_are_different_lists(dynamodb: "DynamoDBClient", table: str) -> None:
    notices = DynamoNotices(dynamodb, table)
    text = "<img src=x onerror=alert(1)>"  # stored as it is; escaping is for whoever shows it
    notice = Notice(
        id=UUID(int=1), tenant=None, level=NoticeLevel.INCIDENT, text=text, created_at=NOW, until=NOW + timedelta(1)
    )
    saved = notices.save(notice, audit=entry(tenant=None))
    assert notices.page(None, limit=10).items == (saved,)
    assert notices.page(MINE, limit=10).items == ()
    assert notices.load(UUID(int=1)) == saved
    notices.remove(saved, audit=entry(tenant=None))
    assert notices.load(UUID(int=1)) is None


def test_live_reviews_are_the_tenants_own_of_this_generation_the_latest_first(
    dynamodb: "DynamoDBClient", table: str, reviews: DynamoReviews
) -> None:
    saved = []
    for number, tenant in enumerate((MINE, MINE, MINE, THEIRS)):
        place = PullRequestKey(tenant=tenant, repository_id=2, number=number)
        lease = reviews.acquire(place, owner=UUID(int=1), now=NOW, until=NOW + timedelta(minutes=6))
        assert isinstance(lease, Lease)
        key = ReviewKey(tenant=tenant, repository_id=2, number=number, head_sha="a" * 40)
        state = ReviewState.POSTED if number else ReviewState.RUNNING
        reviews.save(lease, ReviewItem(key=key, state=state), now=NOW + timedelta(seconds=number))
        saved.append(key)
    live = DynamoLiveReviews(dynamodb, table)
    page = live.page(MINE, since=NOW, limit=10)
    assert [item.key for item in page.items] == [saved[2], saved[1], saved[0]]
    posted = frozenset({ReviewState.POSTED})
    later = live.page(MINE, since=NOW + timedelta(seconds=2), limit=10, states=posted)
    assert [item.key for item in later.items] == [saved[2]]
    first = live.page(MINE, since=NOW, limit=1)
    assert [item.key for item in live.page(MINE, since=NOW, limit=1, after=first.next).items] == [saved[1]]
    assert live.load(MINE, saved[0].review_id) is not None
    assert live.load(MINE, saved[3].review_id) is None
    assert live.load(MINE, UUID(int=9)) is None
