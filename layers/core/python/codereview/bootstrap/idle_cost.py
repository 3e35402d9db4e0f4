"""What a stack's cost is reckoned from."""

from collections.abc import Mapping
from typing import Any

from codereview.adapters.aws.releases import FunctionReleases
from codereview.adapters.aws.templates import StackTemplates, seconds_of_a_review
from codereview.adapters.system import SystemClock
from codereview.bootstrap.account import clients


def deployed_templates(stack: str) -> Mapping[str, Mapping[str, Any]]:
    """Read the templates of a stack, and of the stacks in it, as CloudFormation translated them."""
    return StackTemplates(clients("cloudformation")["cloudformation"]).read(stack)


def reviewer_seconds(stack: str) -> float | None:
    """Return what a posted review took of reviewers in the last week; None where nobody knows."""
    return seconds_of_a_review(clients("cloudwatch")["cloudwatch"], stack, now=SystemClock().now())


def reviewer_megabytes(stack: str) -> int:
    """Return the memory of the reviewers that run, which `workers resize` may have changed since the deploy."""
    return FunctionReleases(clients("lambda")["lambda"], f"{stack}-reviewer").live().memory_mb
