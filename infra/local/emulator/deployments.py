"""Gap: CloudFormation knows no CodeDeploy, and refuses a template that shifts traffic by it.

With this extension the application and its groups exist by name, as far as the template refers to them; an alias moves
at once, as the emulator does it. What a canary does is claimed nowhere from here.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

_TYPES = ("AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup")


def install() -> None:
    """Accept both types."""
    for kind in _TYPES:
        provisioners._RESOURCE_HANDLERS[kind] = {"create": _create, "delete": _delete, "update": _update}


def _create(logical_id: str, _given: Mapping[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    return f"{stack}-{logical_id}", {}


def _update(
    physical_id: str, _old: Mapping[str, Any], _new: Mapping[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    return physical_id, {}


def _delete(_physical_id: str, _given: Mapping[str, Any]) -> None:
    """There is nothing to delete."""
