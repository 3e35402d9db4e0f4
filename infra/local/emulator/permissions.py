"""Gap: there is no CloudTrail, so nobody can tell which of its rights a role has used.

With this extension each decision over a role's request is a line of a file: the principal, the action, the resource,
and whether it was allowed. Only where roles are enforced is anything decided.
"""

import json
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator  # type: ignore[import-not-found]


def install(written: Path) -> None:
    """Write down what is decided from now on."""
    evaluate = iam_evaluator.evaluate

    def noted(context: Any, *policies: Any) -> Any:
        result = evaluate(context, *policies)
        line = {
            "principal": context.principal_arn,
            "action": context.action,
            "resource": context.resource_arn,
            "decision": result.decision,
        }
        with written.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return result

    iam_evaluator.evaluate = noted
