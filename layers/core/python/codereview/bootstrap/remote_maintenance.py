"""The maintenance function, called by an operator."""

from collections.abc import Callable
from typing import Any

from codereview.adapters.aws.maintenance_function import LambdaMaintenance
from codereview.bootstrap.account import request, session
from codereview.bootstrap.sdk import sdk_config


def remote_maintenance(function: str) -> Callable[[str, dict[str, Any]], Any]:
    """Build what has the function run one command."""
    # The function runs up to 15 minutes, and a command is not given twice.
    client = session().client("lambda", config=sdk_config(read_timeout=910, total_max_attempts=1))
    call, asked = LambdaMaintenance(client, function), request()
    envelope = {"actor_kind": "operator", "actor": asked.actor.id, "request_id": asked.id}
    return lambda action, parameters: call({"action": action, "parameters": parameters, **envelope})
