"""What the translated templates watch: alarms and the metrics that alarms, dashboards and queries read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from codereview.domain.metrics import namespace_of
from tests.infra.template.deployed import Stack
from tests.rehearsal.alarms import QUERY

_PAGE = re.compile(r"Runbook: (?P<base>\S+)/(?P<slug>[a-z-]+)\.md$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A metric that somebody reads; `dimensions` by name."""

    namespace: str
    name: str
    dimensions: frozenset[str]
    services: frozenset[str]

    @property
    def is_own(self) -> bool:
        """Whether our code has to write it."""
        return self.namespace.startswith(namespace_of(""))


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the properties of all alarms, composite ones too."""
    return stack.of_type("AWS::CloudWatch::Alarm") | stack.of_type("AWS::CloudWatch::CompositeAlarm")


def metrics_of(alarm: dict[str, Any]) -> Iterator[Watched]:
    """Yield what an alarm over a metric, or over an expression of metrics, reads."""
    single = [alarm] if "MetricName" in alarm else []
    nested = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    for metric in single + nested:
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
        yield Watched(
            namespace=metric["Namespace"],
            name=metric["MetricName"],
            dimensions=frozenset(dimensions),
            services=frozenset(value for name, value in dimensions.items() if name == "service"),
        )
    for query in filter(None, (QUERY.fullmatch(each.get("Expression", "")) for each in alarm.get("Metrics", []))):
        yield Watched(
            namespace=query["namespace"],
            name=query["name"],
            dimensions=frozenset({query["dimension"]}),
            services=frozenset(),
        )


def billed_metrics(alarm: dict[str, Any]) -> int:
    """Return what an alarm costs, in metrics: one that learns what is usual costs three.

    https://aws.amazon.com/cloudwatch/pricing/
    """
    return 3 if "ThresholdMetricId" in alarm else sum(1 for _ in metrics_of(alarm))


def page_of(alarm: dict[str, Any]) -> str:
    """Return the page that the description names at its end."""
    named = _PAGE.search(alarm["AlarmDescription"])
    assert named, alarm["AlarmDescription"]
    return named["slug"]


def tags(resource: dict[str, Any]) -> dict[str, str]:
    """Return a resource's tags."""
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}
