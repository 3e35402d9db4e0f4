"""The switches of an operator at night, through the maintenance function and into the audit log."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.control.settings import DynamoFlags
from codereview.adapters.dynamodb.control.tenants import DynamoTenants
from codereview.agents.registry import AGENTS
from codereview.domain.control.flags import AgentMode
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.maintenance import MaintenanceApp
from codereview.entrypoints.switch_commands import Switches
from codereview.use_cases.control.block_tenant import BlockTenant
from codereview.use_cases.control.change_settings import ChangeFlags
from tests.functions.api.world import MINE, World, tenant_path

TENANT = f"github.com:{MINE}"
_requests = count(1)


@dataclass
class Nobody:
    """The record's audit and its single flight, which these commands have no use for."""

    entries: list[Any] = field(default_factory=list)

    def append(self, entries: Any) -> None:
        self.entries += entries

    def hold(self) -> Any:
        raise AssertionError("none of these needs to be alone")


@dataclass
class Context:
    """Lambda's."""

    aws_request_id: str = field(default_factory=lambda: str(UUID(int=next(_requests))))

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass
class Function:
    """The maintenance function over the world's table."""

    world: World

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        table, client = self.world.settings.control_table, self.world.aws.client("dynamodb")
        flags = DynamoFlags(client, table)
        switches = Switches(
            flags=flags,
            change_flags=ChangeFlags(flags=flags, agents=frozenset(agent.name for agent in AGENTS)),
            block_tenant=BlockTenant(tenants=DynamoTenants(client, table)),
        )
        app = MaintenanceApp(
            clock=self.world.clock,
            commands=switches.commands(),
            flight=Nobody(),
            audit=Nobody(),
            logger=function_logger("maintenance", level="CRITICAL"),
        )
        event = {"action": action, "parameters": parameters, "actor_kind": "operator", "actor": "set-flag"}
        context: Any = Context()
        return app.process(event, context)


@pytest.fixture
def function(world: World) -> Function:
    return Function(world)


def test_models_are_bypassed_and_asked_again_by_words_as_a_document_has_them(function: Function) -> None:
    assert function.call("flags set", models="off") == {
        "ok": True,
        "result": {"agents": {}, "posting": True, "models": False, "version": 1},
    }
    assert function.call("flags set", models="on")["result"]["models"] is True


def test_an_agent_is_switched_and_all_others_stay_as_they_were(function: Function) -> None:
    function.call("flags set", agents={"ruff": "shadow"}, posting=False)
    result = function.call("flags set", agents={"security": "off"})["result"]
    assert result == {
        "agents": {"ruff": AgentMode.SHADOW, "security": AgentMode.OFF},
        "posting": False,
        "models": True,
        "version": 2,
    }


def test_a_tenants_own_switches_are_not_the_deployments(function: Function) -> None:
    assert function.call("flags set", tenant=TENANT, posting=False)["result"]["posting"] is False
    assert function.call("flags set", agents={"ruff": "on"})["result"]["posting"] is True


def test_a_tenant_is_blocked_at_the_door_and_served_again(function: Function, world: World) -> None:
    key = world.key()
    assert world.call("GET", tenant_path(MINE), key).status == 200
    assert function.call("tenant block", tenant=TENANT)["result"] == {"tenant": TENANT, "is_blocked": True}
    assert function.call("tenant block", tenant=TENANT)["ok"]
    assert world.call("GET", tenant_path(MINE), key).status == 401
    assert function.call("tenant unblock", tenant=TENANT)["result"] == {"tenant": TENANT, "is_blocked": False}


def test_every_switch_is_in_the_audit_log_under_who_threw_it(function: Function, world: World) -> None:
    world.tenant(MINE)
    function.call("flags set", models=False)
    function.call("tenant block", tenant=TENANT)
    written = world.items()
    for word in ("flags.change", "tenants.block", "set-flag"):
        assert word in written


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("flags set", {"agents": {"no_such_agent": "off"}}),
        ("flags set", {"agents": {"ruff": "loud"}}),
        ("flags set", {"mock_models": True}),
        ("flags set", {"models": "maybe"}),
        ("flags set", {"tenant": "nobody"}),
        ("tenant block", {"tenant": "github.com:999"}),
        ("tenant block", {}),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    function: Function, world: World, action: str, parameters: dict[str, Any]
) -> None:
    before = world.items()
    assert function.call(action, **parameters)["ok"] is False
    assert world.items() == before
