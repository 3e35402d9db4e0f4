"""Agent flags and kill switches of a tenant, and of the deployment."""

from typing import Annotated

from pydantic import Field

from codereview.domain.control.flags import AgentFlag, AgentMode, FlagSet
from codereview.domain.control.scopes import Scope
from codereview.domain.review import TenantId
from codereview.entrypoints.api.fields import Body, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route, Who
from codereview.entrypoints.api.services import Services

_AgentName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,49}$")]
_Percent = Annotated[int, Field(ge=0, le=100)]


class AgentFlagWanted(Body):
    """An agent's mode; `percent` is the share of reviews in the mode `canary`."""

    mode: AgentMode
    percent: _Percent = 0


class FlagsWanted(Body):
    """The whole set: what is left out is left to the next set, or switched as usual."""

    agents: Annotated[dict[_AgentName, AgentFlagWanted], Field(max_length=50, default_factory=dict)]
    posting: bool = True
    models: bool = True
    mock_models: bool = False


class AgentFlagShown(Shown):
    """An agent's mode."""

    mode: AgentMode
    percent: int


class FlagsShown(Shown):
    """A set of flags."""

    agents: dict[str, AgentFlagShown]
    posting: bool
    models: bool
    mock_models: bool


def _answer(flags: FlagSet) -> Answer:
    agents = {name: AgentFlagShown(mode=flag.mode, percent=flag.percent) for name, flag in sorted(flags.agents.items())}
    shown = FlagsShown(agents=agents, posting=flags.posting, models=flags.models, mock_models=flags.mock_models)
    return Answer(content=shown, version=flags.version)


def _tenant(call: Call) -> TenantId | None:
    return call.bound.id if call.bound else None


def _show(services: Services, call: Call) -> Answer:
    return _answer(services.flags.load(_tenant(call)))


def _change(services: Services, call: Call) -> Answer:
    wanted = call.body_as(FlagsWanted)
    flags = FlagSet(
        tenant=_tenant(call),
        agents={name: AgentFlag(mode=flag.mode, percent=flag.percent) for name, flag in wanted.agents.items()},
        posting=wanted.posting,
        models=wanted.models,
        mock_models=wanted.mock_models,
        version=call.known_version,
    )
    return _answer(services.change_flags(flags, request=call.request))


ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/flags",
        operation="flags.show",
        summary="Show a tenant's flags and switches",
        access=Scope.FLAGS_READ,
        run=_show,
        answer=FlagsShown,
        has_version=True,
    ),
    Route(
        method="PUT",
        path="/v1/tenants/{tenant}/flags",
        operation="flags.change",
        summary="Change a tenant's flags and switches; what the operator has switched off stays off",
        access=Scope.FLAGS_WRITE,
        run=_change,
        answer=FlagsShown,
        body=FlagsWanted,
        needs_version=True,
        has_version=True,
    ),
    Route(
        method="GET",
        path="/v1/deployment/flags",
        operation="deployment_flags.show",
        summary="Show the deployment's flags and switches",
        access=Who.OPERATOR,
        run=_show,
        answer=FlagsShown,
        has_version=True,
    ),
    Route(
        method="PUT",
        path="/v1/deployment/flags",
        operation="deployment_flags.change",
        summary="Change the deployment's flags and switches",
        access=Who.OPERATOR,
        run=_change,
        answer=FlagsShown,
        body=FlagsWanted,
        needs_version=True,
        has_version=True,
    ),
)
