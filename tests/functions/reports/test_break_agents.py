"""An agent that is certainly wrong too often goes into the shadow, once, with a notice and an audit entry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from codereview.adapters.dynamodb.control.notices import DynamoNotices
from codereview.adapters.dynamodb.control.settings import DynamoFlags
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.adapters.postgres.reports import PostgresReports
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.control.flags import AgentFlag, AgentMode
from codereview.domain.review import TenantId
from codereview.errors import RetryableError
from codereview.use_cases.control.change_settings import ChangeFlags, ChangeNotices
from codereview.use_cases.maintain.break_agents import BreakAgents
from tests.adapters.postgres.conftest import Connect
from tests.adapters.postgres.upkeep_world import Doomed, Killed, Plan, write
from tests.functions.reports.conftest import OTHERS, OURS, Record


def night(record: Record, number: int = 1) -> Request:
    return Request(
        actor=Actor(kind=ActorKind.SYSTEM, id="maintenance"), id=f"night-{number}", at=record.world.clock.now()
    )


def breaker(record: Record, connect: Connect, plan: Plan | None = None) -> BreakAgents:
    client: Any = record.world.aws.client("dynamodb")
    table, clock = record.world.settings.control_table, record.world.clock
    chosen = plan or Plan()
    flags: Any = Doomed(DynamoFlags(client, table), chosen)
    notices: Any = Doomed(DynamoNotices(client, table), chosen)
    jobs: Any = Doomed(DynamoJobs(client, table), chosen)
    return BreakAgents(
        clock=clock,
        tenants=DynamoTenants(client, table),
        flags=flags,
        notices=notices,
        jobs=jobs,
        precision=PostgresReports(connect("codereview_maintenance"), clock),
        change_flags=ChangeFlags(flags=flags, agents=frozenset({"correctness", "security"})),
        change_notices=ChangeNotices(notices=notices),
    )


def run(record: Record, connect: Connect, number: int = 1, plan: Plan | None = None) -> tuple[str, ...]:
    deadline = record.world.clock.now() + timedelta(minutes=1)
    return breaker(record, connect, plan)(request=night(record, number), deadline=deadline)


def dismissed(
    connect: Connect, superuser: psycopg.Connection, tenant: TenantId, moment: datetime, *, count: int = 40
) -> None:
    """Record findings that somebody said to be wrong."""
    write(connect, tenant, moment, *(f"{moment} {number}" for number in range(count)), number=moment.day)
    superuser.execute("UPDATE finding_identity SET status = 'dismissed' WHERE tenant_id = %s", [tenant])


def mode(record: Record, tenant: TenantId = OURS) -> AgentMode | None:
    flag = record.world.app.services.flags.load(tenant).agents.get("correctness")
    return flag.mode if flag else None


def notices(record: Record) -> list[str]:
    return [notice.text for notice in record.world.app.services.notices.page(OURS, limit=10).items]


def actions(record: Record) -> list[str]:
    entries = record.world.app.services.outbox.unsent(now=record.world.clock.now() + timedelta(days=1), limit=100)
    return sorted(entry.action for entry in entries if entry.actor.id == "maintenance")


FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def test_an_agent_below_its_floor_goes_into_the_shadow(
    record: Record, connect: Connect, superuser: psycopg.Connection
) -> None:
    dismissed(connect, superuser, OURS, FIRST)
    write(connect, OTHERS, datetime(2026, 3, 10, tzinfo=UTC), *map(str, range(40)))
    assert run(record, connect) == (f"{OURS} correctness",)
    assert (mode(record), mode(record, OTHERS)) == (AgentMode.SHADOW, None)
    (text,) = notices(record)
    assert text.startswith("The agent correctness posts nothing for now: of its last 40 findings that people answered")
    assert actions(record) == ["flags.change", "notices.save"]
    assert run(record, connect, 2) == ()
    assert actions(record) == ["flags.change", "notices.save"]


@pytest.mark.parametrize("given", [AgentMode.OFF, AgentMode.SHADOW])
def test_an_agent_without_a_voice_is_left_alone(
    record: Record, connect: Connect, superuser: psycopg.Connection, given: AgentMode
) -> None:
    dismissed(connect, superuser, OURS, FIRST)
    switch(record, given)
    assert run(record, connect) == ()
    assert mode(record) is given


def switch(record: Record, given: AgentMode) -> None:
    services = record.world.app.services
    flags = services.flags.load(OURS)
    services.change_flags(
        replace(flags, agents={"correctness": AgentFlag(mode=given, percent=100)}), request=record.world.request()
    )


def test_an_agent_that_is_switched_on_again_has_a_new_chance(
    record: Record, connect: Connect, superuser: psycopg.Connection
) -> None:
    dismissed(connect, superuser, OURS, FIRST)
    run(record, connect)
    switch(record, AgentMode.ON)
    record.world.clock.time += timedelta(days=1)
    assert run(record, connect, 2) == ()
    assert mode(record) is AgentMode.ON
    # It wastes that one too.
    dismissed(connect, superuser, OURS, record.world.clock.now() + timedelta(hours=1))
    record.world.clock.time += timedelta(days=1)
    assert run(record, connect, 3) == (f"{OURS} correctness",)
    assert len(notices(record)) == 2


def test_too_few_answers_break_nothing(record: Record, connect: Connect, superuser: psycopg.Connection) -> None:
    dismissed(connect, superuser, OURS, FIRST, count=10)
    assert run(record, connect) == ()
    assert mode(record) is None


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(("error", "before"), marks=pytest.mark.long),
        pytest.param(("error", "after"), marks=pytest.mark.long),
        ("death", "before"),
        ("death", "after"),
    ],
)
def test_a_break_that_is_interrupted_is_told_once_and_done_the_next_night(
    record: Record, connect: Connect, superuser: psycopg.Connection, how: tuple[str, str]
) -> None:
    dismissed(connect, superuser, OURS, FIRST)
    fatal, is_struck = 0, True
    while is_struck:
        fatal += 1
        plan = Plan(fatal=fatal, how=how)
        try:
            run(record, connect, fatal * 2, plan)
        except (RetryableError, Killed):
            assert plan.is_struck
        is_struck = plan.is_struck
        run(record, connect, fatal * 2 + 1)
        assert mode(record) is AgentMode.SHADOW
        assert len(notices(record)) == 1
        _forget(record)
    assert fatal > 5


def _forget(record: Record) -> None:
    """Take back what the breaker did."""
    pks = {pk for pk in record.world.pks() if pk.startswith(("flag#", "notice#", "job#", "audit#"))}
    record.world.forget(pks)
