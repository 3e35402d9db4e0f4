"""Gap: of Lambda's calls only some are decided by the right of their name.

Those to event source mappings and to the account's settings go undecided, and those to an alias go by the right to list
aliases. With this extension each is named by the SDK's own description of Lambda, as those of most services are.
"""

from ministack.core import iam_actions  # type: ignore[import-not-found]

_NAMED_OTHERWISE = {"Invoke": "InvokeFunction"}


def install() -> None:
    """Name Lambda's actions by their routes."""
    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]
    iam_actions._lambda_action = _action


def _action(method: str, path: str) -> str | None:
    name: str | None = iam_actions._match_rest_action("lambda", method, path)
    return _NAMED_OTHERWISE.get(name, name) if name else None
