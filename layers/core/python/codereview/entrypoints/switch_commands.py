"""The switches that an operator throws at night, as commands of the maintenance function.

It is the one function that operators may invoke, so their documents in AWS's console end here: in the same use cases as
the API and the command line, and in the same audit log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from codereview.control_ports import Flags
from codereview.domain.control.audit import Request
from codereview.domain.control.flags import AgentFlag, AgentMode
from codereview.domain.control.tenants import parse_tenant_id
from codereview.domain.review import TenantId
from codereview.entrypoints.maintenance import Command, Parameters
from codereview.errors import RejectedError
from codereview.use_cases.control.block_tenant import BlockTenant
from codereview.use_cases.control.change_settings import ChangeFlags


class FlagsWanted(Parameters):
    """What is to be switched, of the deployment or of a tenant; what is left out stays as it is."""

    tenant: str | None = None
    agents: dict[str, AgentMode] = Field(default_factory=dict)
    posting: bool | None = None
    models: bool | None = None


class TenantWanted(Parameters):
    """A tenant, by id."""

    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The use cases behind the commands."""

    flags: Flags
    change_flags: ChangeFlags
    block_tenant: BlockTenant

    def commands(self) -> Mapping[str, Command[Any]]:
        """Name them; each is audited by its use case."""
        return {
            "flags set": Command(parameters=FlagsWanted, run=lambda p, request, _: self._set(p, request)),
            "tenant block": Command(
                parameters=TenantWanted, run=lambda p, request, _: self._block(p, request, is_blocked=True)
            ),
            "tenant unblock": Command(
                parameters=TenantWanted, run=lambda p, request, _: self._block(p, request, is_blocked=False)
            ),
        }

    def _set(self, wanted: FlagsWanted, request: Request) -> dict[str, Any]:
        """Write over what was just read; raises StaleVersionError where somebody was faster."""
        before = self.flags.load(_tenant(wanted.tenant) if wanted.tenant is not None else None)
        after = replace(
            before,
            agents={**before.agents, **{name: AgentFlag(mode=mode) for name, mode in wanted.agents.items()}},
            posting=before.posting if wanted.posting is None else wanted.posting,
            models=before.models if wanted.models is None else wanted.models,
        )
        saved = self.change_flags(after, request=request)
        agents = {name: flag.mode for name, flag in saved.agents.items()}
        return {"agents": agents, "posting": saved.posting, "models": saved.models, "version": saved.version}

    def _block(self, wanted: TenantWanted, request: Request, *, is_blocked: bool) -> dict[str, Any]:
        tenant = self.block_tenant(_tenant(wanted.tenant), is_blocked=is_blocked, request=request)
        return {"tenant": str(tenant.id), "is_blocked": tenant.is_blocked}


def _tenant(text: str) -> TenantId:
    tenant = parse_tenant_id(text)
    if tenant is None:
        raise RejectedError("a tenant is written HOST:ACCOUNT, for example github.com:9919")
    return tenant
