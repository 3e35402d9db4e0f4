"""Which agents run, who may post, and whether language models are asked at all.

Two sets decide together: the deployment's and the tenant's. A switch that either has thrown is thrown: a tenant can
stop more than the operator did, and never less.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from codereview.domain.review import TenantId

_NAMESPACE = UUID("1d8d2f68-4a0d-4b6f-9d3c-6d9a4c2b7e10")
_BUCKETS: Final = 100


class AgentMode(StrEnum):
    """How an agent takes part in reviews."""

    OFF = "off"
    SHADOW = "shadow"  # runs and is recorded, and nothing of it is posted
    CANARY = "canary"  # ON for some per cent of the reviews, OFF for the others
    ON = "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFlag:
    """An agent's setting; `percent` is meant for CANARY, 0 to 100."""

    mode: AgentMode
    percent: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= _BUCKETS:
            raise ValueError("a share is between 0 and 100 per cent")

    def for_review(self, agent: str, review_id: UUID) -> AgentMode:
        """Decide the canary for one review: the same for every retry, and independent between agents."""
        if self.mode is not AgentMode.CANARY:
            return self.mode
        bucket = uuid5(_NAMESPACE, f"{agent}\n{review_id}").int % _BUCKETS
        return AgentMode.ON if bucket < self.percent else AgentMode.OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSet:
    """The switches of a tenant, or of the deployment (`tenant` None); `version` is what If-Match speaks of."""

    tenant: TenantId | None
    agents: Mapping[str, AgentFlag] = field(default_factory=dict)  # an agent that is not named is left to the next set
    posting: bool = True  # False is the kill switch: nothing is posted
    models: bool = True  # False is the kill switch: language models are bypassed, analyzers only
    mock_models: bool = False  # demonstrations: the deterministic model, its findings posted and marked
    version: int = 0  # 0: never changed


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSnapshot:
    """What holds for one review, taken once when it begins."""

    agents: Mapping[str, AgentMode]
    posting: bool
    models: bool
    mock_models: bool


def snapshot(deployment: FlagSet, tenant: FlagSet, *, agents: Mapping[str, AgentMode], review_id: UUID) -> FlagSnapshot:
    """Decide for one review; `agents` names all there are, with their modes where no set says anything.

    An agent that the deployment has OFF stays off; otherwise the tenant's word counts before the deployment's.
    """
    modes = {}
    for agent, usual in agents.items():
        general, own = deployment.agents.get(agent), tenant.agents.get(agent)
        flag = own or general or AgentFlag(mode=usual)
        is_off = general is not None and general.mode is AgentMode.OFF
        modes[agent] = AgentMode.OFF if is_off else flag.for_review(agent, review_id)
    return FlagSnapshot(
        agents=modes,
        posting=deployment.posting and tenant.posting,
        models=deployment.models and tenant.models,
        mock_models=deployment.mock_models or tenant.mock_models,
    )
