"""Who was allowed what by the emulated IAM, since the stack began."""

import json

from local.aws import PERMISSIONS_LOG
from local.stack import LocalStack


def used(stack: LocalStack, name: str) -> set[str]:
    """Return the actions that a role or a user was allowed, by its name in the account."""
    found = set()
    for line in (stack.folder / "aws" / PERMISSIONS_LOG).read_text().splitlines():
        decision = json.loads(line)
        if decision["decision"] == "Allow" and decision["principal"].partition("/")[2].partition("/")[0] == name:
            found.add(decision["action"])
    return found
