"""What is deployed, as CloudFormation has it, and how long it takes, as CloudWatch has it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated

_WEEK = timedelta(days=7)


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
        template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
        found = {stack: template}
        for page in self._client.get_paginator("list_stack_resources").paginate(StackName=stack):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == "AWS::CloudFormation::Stack" and resource.get("PhysicalResourceId"):
                    found |= self._read(resource["PhysicalResourceId"])
        return found


def mean_seconds(client: Any, function: str, *, now: datetime) -> float | None:
    """Return how long a function took on average in the last week; None without an invocation, or without an answer."""
    try:
        answer = client.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Duration",
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=now - _WEEK,
            EndTime=now,
            Period=int(_WEEK.total_seconds()),
            Statistics=["Average"],
        )
    except (ClientError, BotoCoreError):
        return None  # what was assumed is used, and said
    averages = [point["Average"] / 1000 for point in answer.get("Datapoints", [])]
    return sum(averages) / len(averages) if averages else None
