"""CloudFormation's custom-resource protocol: whatever happens, an answer, or the stack hangs for an hour."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

_PHYSICAL_ID = "codereview-schema"
_ANSWER_TIMEOUT = timedelta(seconds=10)
_LONGEST_ERROR = 400  # characters, six bytes each at most; CloudFormation refuses an answer above 4,096 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomResourceApp:
    """Runs `apply` when the resource is created or changed; a removed resource leaves the data where it is."""

    apply: Callable[[], str]
    logger: Logger

    def process(self, event: dict[str, Any], context: LambdaContext) -> None:
        """Handle one request of CloudFormation."""
        status, reason, data = "SUCCESS", "", {}
        if event.get("RequestType") in ("Create", "Update"):
            try:
                data = {"Revision": self.apply()}
            except Exception as error:
                self.logger.exception("Migration failed")
                status = "FAILED"
                what = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
                reason = f"{what}; see log stream {context.log_stream_name}"
        _answer(event, status, reason, data)
        self.logger.info("Answered CloudFormation", status=status, data=data)


def _answer(event: dict[str, Any], status: str, reason: str, data: dict[str, str]) -> None:
    """Put the answer where CloudFormation waits for it: a presigned S3 URL, reached by the gateway endpoint."""
    document = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": event.get("PhysicalResourceId", _PHYSICAL_ID),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": data,
    }
    body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    request = urllib.request.Request(  # noqa: S310 -- the URL is CloudFormation's own
        event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_TIMEOUT.total_seconds()):  # noqa: S310 -- likewise
        pass
