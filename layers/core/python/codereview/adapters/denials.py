"""Which right AWS says that somebody lacks."""

import re

from botocore.exceptions import ClientError

# "User: … is not authorized to perform: sqs:SendMessage on resource: arn:… because …": so every service says it that
# says why. Of a stranger's text no more than the two names is taken.
_SAID = re.compile(
    r"""perform: (?P<action>[A-Za-z0-9-]+:\w+)(?: on resource: "?(?P<resource>arn:[\w:/.*$-]+))?""", re.ASCII
)


def missing_right(error: ClientError) -> str:
    """Name the action, and what it was to be done to; where AWS does not, the operation that was refused."""
    said = _SAID.search(error.response["Error"].get("Message", ""))
    if said is None:
        return error.operation_name
    return f"{said['action']} on {said['resource']}" if said["resource"] else said["action"]
