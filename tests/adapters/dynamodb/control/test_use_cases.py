"""What people and programs do to the control plane, on the table that it is kept in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.pauses import DynamoPauses
from codereview.adapters.dynamodb.items import marshal
from codereview.domain.control.callers import KeyCaller, PersonCaller
from codereview.domain.control.describing import described
from codereview.domain.control.flags import AgentFlag, AgentMode, FlagSet
from codereview.domain.control.pauses import Pause, PauseTarget
from codereview.domain.control.people import Role
from codereview.domain.control.quotas import Budgets, QuotaSet
from codereview.domain.control.scopes import ADMINISTRATING, EDITING, OPERATING, READING, Scope
from codereview.domain.control.tenants import TenantStatus
from codereview.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    RetryableError,
    StaleVersionError,
)
from codereview.use_cases.control.cached_settings import CachedSettings
from codereview.use_cases.control.change_settings import ChangeFlags, ChangePauses, ChangeQuotas
from codereview.use_cases.control.manage_keys import MOST_TEXTS
from codereview.use_cases.send_outbox import SendOutbox
from tests.adapters.dynamodb.control.control_world import ANN, BOB, MONTH, ROOT, World
from tests.adapters.dynamodb.control.samples import ACTOR, MINE, NOW, THEIRS, entry, waiting

KEYS_TOO = READING | {Scope.KEYS_WRITE}


def reason_of(pause: Mapping[str, Any] | None) -> object:
    return pause["reason"] if pause is not None else None


# --- tenants ---------------------------------------------------------------------------------------------------------


def test_an_installation_that_github_does_not_know_makes_no_tenant(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.tenants.bind(101, request=world.request())
    assert waiting(world.client, world.table) == []


def test_a_tenant_is_whoever_github_says_and_binding_again_changes_nothing(world: World) -> None:
    tenant = world.tenant()
    assert (tenant.id, tenant.generation, tenant.is_served) == (MINE, 1, True)
    world.moment += timedelta(hours=1)
    assert world.tenant() == tenant
    assert waiting(world.client, world.table) == ["tenants.bind"]


def test_b101_a_renamed_account_stays_the_same_tenant(world: World) -> None:
    tenant = world.tenant()
    world.installed[101] = replace(world.installed[101], login="renamed")
    renamed = world.tenants.bind(101, request=world.request())
    assert (renamed.id, renamed.login, renamed.generation) == (tenant.id, "renamed", 1)


def test_b103_a_tenant_that_comes_back_has_nothing_of_its_past(world: World) -> None:
    tenant = world.tenant()
    token = world.issue(tenant).token.text
    world.people.set_role(tenant, ANN, login="ann", role=Role.ADMIN, held=ADMINISTRATING, request=world.request())
    session = world.sign_in.begin(ANN, login="ann", request=world.request()).text
    world.flags.save(FlagSet(tenant=MINE, posting=False), audit=entry())
    world.quotas.save(QuotaSet(tenant=MINE, budgets=Budgets(review=1)), audit=entry())
    pauses = DynamoPauses(world.client, world.table)
    pauses.pause(Pause(target=PauseTarget(tenant=MINE), reason="x", by=ACTOR, since=NOW), audit=entry())
    world.uninstall()
    assert world.scopes(token) is None
    world.moment += timedelta(days=1)
    again = world.tenant()
    assert (again.generation, again.began_at) == (2, world.moment)
    assert world.verify(token) is None
    assert world.scopes(session) is None
    assert world.keys.page(again, limit=10).items == ()
    assert world.people.page(again, limit=10).items == ()
    assert world.flags.load(MINE) == FlagSet(tenant=MINE, version=2)
    assert world.quotas.load(MINE) == QuotaSet(tenant=MINE, version=2)
    assert pauses.page(MINE, limit=10).items == ()
    # What was taken back can be read in the log.
    resets = {each.action: (each.before, each.after) for each in world.audited() if each.action.endswith(".reset")}
    before, after = resets["flags.reset"]
    assert (before, after) == (
        described(FlagSet(tenant=MINE, posting=False, version=1)),
        described(world.flags.load(MINE)),
    )
    before, after = resets["limits.reset"]
    assert before == described(QuotaSet(tenant=MINE, budgets=Budgets(review=1), version=1))
    assert after == described(world.quotas.load(MINE))
    before, after = resets["pauses.reset"]
    assert (reason_of(before), after) == ("x", None)


def test_a_tenant_that_is_blocked_or_suspended_is_refused_at_once_and_an_operator_still_sees_it(
    world: World,
) -> None:
    tenant = world.tenant()
    token = world.issue(tenant).token.text
    operator = world.sign_in.begin(ROOT, login="root", request=world.request()).text
    assert world.scopes(token) == READING
    world.tenants.block(MINE, request=world.request())
    assert world.verify(token) is None
    assert world.scopes(operator) == OPERATING
    # Neither GitHub's word nor a new installation undoes what an operator did.
    world.uninstall()
    assert not world.tenant().is_served
    world.tenants.unblock(MINE, request=world.request())
    world.install(1, is_suspended=True)
    suspended = world.tenants.bind(101, request=world.request())
    assert suspended.status is TenantStatus.SUSPENDED
    assert not suspended.is_served


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_good_until_it_ends_and_only_with_its_own_secret(world: World) -> None:
    issued = world.issue(world.tenant())
    assert world.verify(issued.token.text) == KeyCaller(key=issued.key)
    other = world.issue(world.tenant(2))
    forged = issued.token.text[:36] + other.token.text[36:]
    assert world.verify(forged) is None
    world.moment += MONTH - timedelta(microseconds=1)
    assert world.verify(issued.token.text) is not None
    world.moment += timedelta(microseconds=1)
    assert world.verify(issued.token.text) is None


def test_b59_a_key_that_cannot_be_one_is_refused_without_asking_the_table(world: World) -> None:
    asked: list[object] = []

    def count(**_: object) -> None:
        asked.append(None)

    text = world.issue(world.tenant()).token.text
    world.client.meta.events.register("before-send.dynamodb", count)
    for wrong in (text[:-1] + ("0" if text[-1] != "0" else "1"), text.replace("test", "prod"), "", "x" * 10_000):
        assert world.verify(wrong) is None
    assert asked == []
    assert world.verify(text) is not None
    world.client.meta.events.unregister("before-send.dynamodb", count)
    assert len(asked) == 2


def test_b64_another_tenants_key_does_not_exist(world: World) -> None:
    mine, theirs = world.tenant(), world.tenant(2)
    issued = world.issue(theirs)
    assert world.scopes(issued.token.text, THEIRS) == READING
    assert world.scopes(issued.token.text, MINE) is None
    for act in (world.keys.find, lambda tenant, key: world.keys.revoke(tenant, key, request=world.request())):
        with pytest.raises(NotFoundError, match="no such key"):
            act(mine, issued.key.id)
        with pytest.raises(NotFoundError, match="no such key"):
            act(mine, "nobody")


@pytest.mark.parametrize("scopes", [frozenset({Scope.PEOPLE_WRITE}), frozenset({Scope.TENANTS_WRITE}), OPERATING])
def test_b66_a_key_makes_no_key_that_may_do_more(world: World, scopes: frozenset[Scope]) -> None:
    tenant = world.tenant()
    parent = world.issue(tenant, scopes=KEYS_TOO).key
    with pytest.raises(ForbiddenError):
        world.issue(tenant, scopes=scopes, parent=parent)


def test_b66_not_even_an_operator_makes_a_key_that_reaches_past_its_tenant(world: World) -> None:
    with pytest.raises(ForbiddenError):
        world.keys.issue(
            world.tenant(),
            name="all",
            scopes=frozenset({Scope.LIMITS_WRITE}),
            expires_at=NOW + MONTH,
            held=OPERATING,
            request=world.request(),
        )


@pytest.mark.parametrize("life", [timedelta(), -MONTH, timedelta(days=367)])
def test_b70_a_key_ends_in_the_future_and_within_a_year(world: World, life: timedelta) -> None:
    with pytest.raises(RejectedError):
        world.issue(world.tenant(), life=life)


def test_who_revokes_a_key_revokes_what_was_made_with_it_at_once(world: World) -> None:
    tenant = world.tenant()
    parent = world.issue(tenant, scopes=KEYS_TOO)
    child = world.issue(tenant, scopes=KEYS_TOO, parent=parent.key)
    grandchild = world.issue(tenant, parent=child.key)
    assert world.verify(grandchild.token.text) is not None
    revoked = world.keys.revoke(tenant, parent.key.id, request=world.request())
    assert revoked.revoked_at == NOW
    assert world.keys.revoke(tenant, parent.key.id, request=world.request()) == revoked
    assert [world.verify(each.token.text) for each in (parent, child, grandchild)] == [None, None, None]
    assert waiting(world.client, world.table).count("keys.revoke") == 1


def test_keys_make_keys_only_so_deep_and_none_outlives_its_maker(world: World) -> None:
    tenant = world.tenant()
    key = world.issue(tenant, scopes=KEYS_TOO).key
    with pytest.raises(RejectedError, match="outlive"):
        world.issue(tenant, parent=key, life=MONTH + timedelta(seconds=1))
    for _ in range(3):
        issued = world.issue(tenant, scopes=KEYS_TOO, parent=key)
        assert world.verify(issued.token.text) is not None
        key = issued.key
    with pytest.raises(ForbiddenError, match="deep"):
        world.issue(tenant, parent=key)


def test_rotation_leaves_both_texts_good_for_the_overlap(world: World) -> None:
    tenant = world.tenant()
    old = world.issue(tenant)
    new = world.rotate(tenant, old.key, overlap=timedelta(hours=1))
    assert (new.token.id, new.key.expires_at) == (old.token.id, old.key.expires_at)
    assert new.token.text != old.token.text
    assert world.verify(old.token.text) is not None
    world.moment += timedelta(hours=1)
    assert world.verify(old.token.text) is None
    assert world.verify(new.token.text) is not None
    with pytest.raises(RejectedError):
        world.rotate(tenant, new.key, overlap=timedelta(days=8))
    world.keys.revoke(tenant, new.key.id, request=world.request())
    with pytest.raises(ConflictError):
        world.rotate(tenant, new.key)


def test_a_rotation_ends_every_earlier_text_with_its_own_overlap(world: World) -> None:
    tenant = world.tenant()
    texts = [world.issue(tenant)]
    for overlap in (timedelta(hours=2), timedelta(hours=4)):
        texts.append(world.rotate(tenant, texts[0].key, overlap=overlap))
    assert [world.verify(each.token.text) is not None for each in texts] == [True, True, True]
    world.moment += timedelta(hours=2)
    assert [world.verify(each.token.text) is not None for each in texts] == [False, True, True]
    texts.append(world.rotate(tenant, texts[0].key))
    assert [world.verify(each.token.text) is not None for each in texts] == [False, False, False, True]


def test_a_key_has_only_so_many_texts_at_once(world: World) -> None:
    tenant = world.tenant()
    key = world.issue(tenant).key
    for _ in range(MOST_TEXTS - 1):
        world.rotate(tenant, key, overlap=timedelta(days=1))
    with pytest.raises(ConflictError, match="too many texts"):
        world.rotate(tenant, key, overlap=timedelta(days=1))
    assert world.verify(world.rotate(tenant, key).token.text) is not None


def test_a_rotation_is_one_change_with_one_entry(world: World) -> None:
    tenant = world.tenant()
    key = world.issue(tenant).key
    before = waiting(world.client, world.table)
    world.rotate(tenant, key, overlap=timedelta(hours=1))
    assert sorted(waiting(world.client, world.table)) == sorted([*before, "keys.rotate"])
    assert [each.id for each in world.keys.page(tenant, limit=10).items] == [key.id]


def test_a_key_rotates_itself_and_what_it_made_and_no_other(world: World) -> None:
    tenant = world.tenant()
    key = world.issue(tenant, scopes=KEYS_TOO).key
    child = world.issue(tenant, scopes=KEYS_TOO, parent=key).key
    grandchild = world.issue(tenant, parent=child).key
    for own in (key, child, grandchild):
        assert world.verify(world.rotate(tenant, own, caller=key).token.text) is not None
    longer_lived = world.issue(tenant, life=300 * timedelta(days=1))
    for other, caller in ((longer_lived.key, key), (key, child), (child, grandchild)):
        with pytest.raises(ForbiddenError):
            world.rotate(tenant, other, caller=caller)
    assert world.verify(longer_lived.token.text) is not None


def test_who_revokes_a_key_ends_all_that_it_was_given_by_rotation(world: World) -> None:
    tenant = world.tenant()
    first = world.issue(tenant, scopes=KEYS_TOO)
    child = world.issue(tenant, parent=first.key)
    second = world.rotate(tenant, first.key, overlap=timedelta(days=1), caller=first.key)
    third = world.rotate(tenant, first.key, overlap=timedelta(days=1), caller=second.key)
    childs = world.rotate(tenant, child.key, overlap=timedelta(days=1), caller=third.key)
    texts = [each.token.text for each in (first, second, third, child, childs)]
    assert None not in [world.verify(text) for text in texts]
    world.keys.revoke(tenant, first.key.id, request=world.request())
    assert {world.verify(text) for text in texts} == {None}


def test_what_a_key_made_goes_on_when_the_key_is_rotated(world: World) -> None:
    tenant = world.tenant()
    parent = world.issue(tenant, scopes=KEYS_TOO)
    child = world.issue(tenant, parent=parent.key)
    world.rotate(tenant, parent.key)
    assert world.verify(parent.token.text) is None
    assert world.verify(child.token.text) is not None
    world.keys.revoke(tenant, parent.key.id, request=world.request())
    assert world.verify(child.token.text) is None


def test_no_audit_entry_holds_a_secret_or_its_hash(world: World) -> None:
    tenant = world.tenant()
    old = world.issue(tenant)
    issued = world.rotate(tenant, old.key, overlap=timedelta(hours=1))
    session = world.sign_in.begin(ANN, login="ann", request=world.request())
    outbox = DynamoAuditOutbox(world.client, world.table)
    text = str(outbox.unsent(now=NOW, limit=100))
    for secret in (old.token.text, old.token.hash, issued.token.text, issued.token.hash, session.text, session.hash):
        assert secret not in text
    stored = str(world.client.scan(TableName=world.table)["Items"])
    assert issued.token.text not in stored
    assert session.text not in stored


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_person_may_do_what_their_role_in_the_tenant_says_until_they_lose_it(world: World) -> None:
    tenant, theirs = world.tenant(), world.tenant(2)
    session = world.sign_in.begin(BOB, login="bob", request=world.request()).text
    assert world.verify(session) == PersonCaller(
        session_id=session.split("_")[2], person=BOB, login="bob", is_operator=False
    )
    assert world.scopes(session) is None
    give = world.people.set_role
    give(tenant, ANN, login="ann", role=Role.ADMIN, held=ADMINISTRATING, request=world.request())
    give(tenant, BOB, login="bob", role=Role.EDITOR, held=ADMINISTRATING, request=world.request())
    assert world.scopes(session) == EDITING
    assert world.scopes(session, theirs.id) is None
    world.people.remove(tenant, BOB, held=ADMINISTRATING, request=world.request())
    assert world.scopes(session) is None


def test_a_session_ends_by_itself_or_by_word(world: World) -> None:
    first, second = (world.sign_in.begin(ANN, login="ann", request=world.request()) for _ in range(2))
    world.sign_in.end(first.id, ANN, request=world.request())
    assert world.verify(first.text) is None
    assert world.verify(second.text) is not None
    world.moment += timedelta(hours=12)
    assert world.verify(second.text) is None


def test_b63_a_session_is_no_key_and_a_key_no_session(world: World) -> None:
    issued = world.issue(world.tenant())
    session = world.sign_in.begin(ANN, login="ann", request=world.request())
    assert issued.token.id != session.id
    assert isinstance(world.verify(issued.token.text), KeyCaller)
    assert isinstance(world.verify(session.text), PersonCaller)


def test_b66_an_editor_gives_nobody_a_role_and_takes_none_from_an_admin(world: World) -> None:
    tenant = world.tenant()
    give = world.people.set_role
    give(tenant, ANN, login="ann", role=Role.ADMIN, held=ADMINISTRATING, request=world.request())
    with pytest.raises(ForbiddenError):
        give(tenant, BOB, login="bob", role=Role.ADMIN, held=EDITING, request=world.request())
    with pytest.raises(ForbiddenError):
        give(tenant, ANN, login="ann", role=Role.VIEWER, held=EDITING, request=world.request())
    with pytest.raises(ForbiddenError):
        world.people.remove(tenant, ANN, held=EDITING, request=world.request())
    with pytest.raises(ConflictError):
        world.people.remove(tenant, ANN, held=ADMINISTRATING, request=world.request())
    with pytest.raises(StaleVersionError):
        give(tenant, ANN, login="ann", role=Role.ADMIN, held=OPERATING, request=world.request(), version=9)


# --- settings --------------------------------------------------------------------------------------------------------


def test_b75_a_flag_of_an_agent_that_does_not_exist_is_not_set(world: World) -> None:
    change = ChangeFlags(flags=world.flags, agents=frozenset({"security"}))
    off = AgentFlag(mode=AgentMode.OFF)
    with pytest.raises(NotFoundError):
        change(FlagSet(tenant=MINE, agents={"nobody": off}), request=world.request())
    changed = change(FlagSet(tenant=MINE, agents={"security": off}), request=world.request())
    with pytest.raises(StaleVersionError):
        change(FlagSet(tenant=MINE), request=world.request())
    assert world.flags.load(MINE) == changed


def test_an_audit_entry_says_what_was_before_and_after(world: World) -> None:
    change = ChangeQuotas(quotas=world.quotas)
    change(QuotaSet(tenant=MINE, budgets=Budgets(review=5)), request=world.request())
    (found,) = DynamoAuditOutbox(world.client, world.table).unsent(now=NOW, limit=10)
    assert found.before is not None
    assert found.after is not None
    assert (found.before["budgets"]["review"], found.after["budgets"]["review"]) == (None, 5)
    assert (found.before["version"], found.after["version"]) == (0, 1)
    assert (found.actor, found.tenant, found.action) == (ACTOR, MINE, "limits.change")


def test_a_kill_switch_works_within_a_minute_in_a_process_that_had_read_the_flags(world: World) -> None:
    settings = CachedSettings(world, world.flags, world.quotas)
    assert settings.flags(None).posting
    world.flags.save(FlagSet(tenant=None, posting=False), audit=entry(tenant=None))
    world.moment += timedelta(seconds=29)
    assert settings.flags(None).posting
    world.moment += timedelta(seconds=1)
    assert not settings.flags(None).posting


def test_f63_settings_that_cannot_be_read_are_the_last_good_ones_for_a_minute(world: World) -> None:
    settings = CachedSettings(world, world.flags, world.quotas)
    world.flags.save(FlagSet(tenant=None, models=False), audit=entry(tenant=None))
    before = settings.flags(None)
    broken = {"pk": "flag#deployment", "value": '{"posting": "perhaps"}', "version": 2}
    world.client.put_item(TableName=world.table, Item=marshal(broken))
    world.moment += timedelta(seconds=59)
    assert settings.flags(None) == before
    world.moment += timedelta(seconds=1)
    with pytest.raises(RetryableError):
        settings.flags(None)
    with pytest.raises(RetryableError):
        CachedSettings(world, world.flags, world.quotas).flags(None)


def test_one_tenants_settings_are_never_anothers(world: World) -> None:
    settings = CachedSettings(world, world.flags, world.quotas)
    world.flags.save(FlagSet(tenant=MINE, models=False), audit=entry())
    assert [settings.flags(tenant).models for tenant in (MINE, THEIRS, MINE)] == [False, True, False]


def test_pauses_are_audited_and_taken_back(world: World) -> None:
    pauses = DynamoPauses(world.client, world.table)
    change, target = ChangePauses(pauses=pauses), PauseTarget(tenant=MINE, repository_id=2)
    first, second = (Pause(target=target, reason=reason, by=ACTOR, since=NOW) for reason in ("freeze", "thaw"))
    for pause in (first, second):
        change.pause(pause, request=world.request())
        world.moment += timedelta(seconds=1)
    change.resume(target, request=world.request())
    change.resume(target, request=world.request())  # there is none any more: nothing changes, and nothing is audited
    assert pauses.holding(target, now=NOW) is None
    assert [(each.action, reason_of(each.before), reason_of(each.after)) for each in world.audited()] == [
        ("pauses.pause", None, "freeze"),
        ("pauses.pause", "freeze", "thaw"),
        ("pauses.resume", "thaw", None),
    ]


# --- the outbox ------------------------------------------------------------------------------------------------------


def test_every_entry_is_sent_in_order_and_then_no_more(world: World) -> None:
    outbox = DynamoAuditOutbox(world.client, world.table)
    entries = [entry(f"action-{number}", at=NOW + timedelta(seconds=number)) for number in range(8)]
    for each in reversed(entries):
        outbox.put(each)
    world.moment += timedelta(minutes=1)
    send = SendOutbox(clock=world, outbox=outbox, queue=world)
    first = send(deadline=world.moment + timedelta(minutes=1))
    assert (first.sent, first.left, first.oldest_at) == (8, 0, NOW)
    assert world.sent == entries
    assert send(deadline=world.moment + timedelta(minutes=1)).sent == 0


def test_f64_an_entry_whose_send_was_lost_is_sent_by_the_next_run(world: World) -> None:
    outbox, lost = DynamoAuditOutbox(world.client, world.table), entry()
    outbox.put(lost)
    send = SendOutbox(clock=world, outbox=outbox, queue=world)
    world.queue_is_down = True
    with pytest.raises(RetryableError):
        send(deadline=NOW + timedelta(minutes=1))
    world.queue_is_down = False
    send(deadline=NOW + timedelta(minutes=1))
    assert world.sent == [lost]


def test_a_run_ends_in_time_and_says_what_is_left(world: World) -> None:
    outbox = DynamoAuditOutbox(world.client, world.table)
    outbox.put(entry())
    result = SendOutbox(clock=world, outbox=outbox, queue=world)(deadline=NOW + timedelta(seconds=1))
    assert (result.sent, result.left) == (0, 1)
