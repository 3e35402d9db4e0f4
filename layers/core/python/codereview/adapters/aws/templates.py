"""What is deployed, as CloudFormation has it, and how long it takes, as CloudWatch has it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.domain.metrics import Metric, namespace_of

_WEEK = timedelta(days=7)
_HOUR = 3600  # seconds


class StackTemplates:
    """Reads processed templates."""

    def __init__(self, client: Any) -> None:
        """Ask through a client of CloudFormation."""
        self._client = client

    def read(self, stack: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the template of the stack, and of each stack in it, by their names."""
        try:
            return dict(self._read(stack))
        except (ClientError, BotoCoreError) as error:
            raise translated("CloudFormation", error) from error

    def _read(self, stack: str) -> dict[str, Mapping[str, Any]]:
        body = self._client.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
        # What SAM has translated comes back as JSON, which the SDK reads; a stack in it comes as it was packaged, as
        # YAML without CloudFormation's short forms.
        template: Mapping[str, Any] = yaml.safe_load(body) if isinstance(body, str) else body
        found = {stack: template}
        for page in self._client.get_paginator("list_stack_resources").paginate(StackName=stack):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == "AWS::CloudFormation::Stack" and resource.get("PhysicalResourceId"):
                    found |= self._read(resource["PhysicalResourceId"])
        return found


def seconds_of_a_review(client: Any, stack: str, *, now: datetime) -> float | None:
    """Return the reviewers' time of a week for each review that was posted; None without one, or without an answer.

    By the posted ones, since all that reviewers do is paid for: a message that is put off or superseded takes a moment,
    and an average over invocations would make reviews the cheaper the more of those there are.
    """

    def total(namespace: str, name: str, dimension: str, value: str) -> float:
        answer = client.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": dimension, "Value": value}],
            StartTime=now - _WEEK,
            EndTime=now,
            Period=_HOUR,
            Statistics=["Sum"],
        )
        return sum(float(point["Sum"]) for point in answer.get("Datapoints", []))

    try:
        posted = total(namespace_of(stack), Metric.REVIEWS_POSTED.value, "service", "reviewer")
        milliseconds = total("AWS/Lambda", "Duration", "FunctionName", f"{stack}-reviewer") if posted else 0
    except (ClientError, BotoCoreError):
        return None  # what was assumed is used, and said
    return milliseconds / 1000 / posted if milliseconds else None
