"""Calls the maintenance function, for the command line and for the control plane."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.adapters.aws.releases import ALIAS
from codereview.domain.control.audit import Request
from codereview.domain.control.exports import ExportJob
from codereview.errors import CodeReviewError, RejectedError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class LambdaMaintenance:
    """The function, by its name; the client waits as long as the function may run, and does not call twice."""

    def __init__(self, client: "LambdaClient", function: str) -> None:
        """Call `function`; named without a version or an alias it is the release that runs, not the newest one.

        They differ after a rollback, and what was rolled back must not be what mends.
        """
        self._client = client
        is_exact = ":" in function.rpartition("function:")[2]
        self._function = function if is_exact else f"{function}:{ALIAS}"

    def __call__(self, event: dict[str, Any]) -> Any:
        """Run one command and return its result; raises RejectedError for what the function refuses."""
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=json.dumps(event).encode())
            document = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError) as error:
            raise translated("the maintenance function", error) from error
        if answer.get("FunctionError"):
            raise CodeReviewError(f"the maintenance function failed: {document.get('errorMessage', document)}")
        return accepted(document)


class LambdaExporter:
    """Has the function write exports, without waiting for it; Lambda itself tries a second time."""

    def __init__(self, client: "LambdaClient", function: str) -> None:
        """Call `function`."""
        self._client = client
        self._function = function

    def __call__(self, job: ExportJob, *, request: Request) -> None:
        """Hand the job over; the audit log names whoever asked."""
        event = {
            "action": "export",
            "parameters": {
                "tenant": job.tenant,
                "job": str(job.id),
                "format": job.format.value,
                "since": job.since.isoformat(),
                "until": job.until.isoformat(),
            },
            "actor_kind": request.actor.kind.value,
            "actor": request.actor.id,
            "request_id": request.id,
        }
        try:
            self._client.invoke(FunctionName=self._function, InvocationType="Event", Payload=json.dumps(event).encode())
        except (ClientError, BotoCoreError) as error:
            raise translated("the maintenance function", error) from error


def accepted(document: dict[str, Any]) -> Any:
    """Return the result of an answer."""
    if not document["ok"]:
        raise RejectedError(document["error"])
    return document["result"]
