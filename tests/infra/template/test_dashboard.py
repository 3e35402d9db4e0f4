"""What an operator looks at: only what is there, of every function that writes it, and within what is free."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from codereview.domain.metrics import Metric, namespace_of
from tests.infra.template import test_alarms
from tests.infra.template.deployed import Stack, Template
from tests.infra.template.pages import pages
from tests.infra.template.test_alarms import OF_AWS, written_by
from tests.infra.template.watched import alarms

PARAMETERS = {"Stack": "codereview-prod", "ApiId": "abc123", "ControlTable": "control", "DatabaseCluster": "record"}
# https://aws.amazon.com/cloudwatch/pricing/: three dashboards of at most so many metrics are free.
FREE_METRICS = 50
QUERIES = {
    "follow a delivery",
    "why was this PR not reviewed",
    "crash reasons",
    "why is this a dead letter",
    "deliveries by tenant",
    "spend by tenant",
    "cold starts",
}


@pytest.fixture(scope="module")
def dashboard(templates: dict[str, Template]) -> Stack:
    return Stack(templates["infra/dashboard.yaml"], PARAMETERS)


@pytest.fixture(scope="module")
def widgets(dashboard: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard.properties("Dashboard")["DashboardBody"])["widgets"]
    return found


def shown(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield each metric of the dashboard: namespace, name, dimensions."""
    for widget in widgets:
        for metric in widget["properties"].get("metrics", []):
            namespace, name, *rest = (part for part in metric if isinstance(part, str))
            yield namespace, name, dict(zip(rest[::2], rest[1::2], strict=True))


def test_every_metric_of_the_dashboard_is_one_that_its_function_writes_or_that_aws_has(
    widgets: list[dict[str, Any]],
) -> None:
    for namespace, name, dimensions in shown(widgets):
        if namespace == namespace_of("codereview-prod"):
            assert set(dimensions) == set(Metric(name).dimensions), name
            assert name in written_by(dimensions.get("service", "api")), name
        else:
            assert OF_AWS[namespace, name] == set(dimensions), name


def test_the_dashboard_is_free(widgets: list[dict[str, Any]]) -> None:
    assert sum(1 for _ in shown(widgets)) <= FREE_METRICS


def test_the_dashboard_shows_the_state_of_every_alarm(
    widgets: list[dict[str, Any]], templates: dict[str, Template]
) -> None:
    (states,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    watch = Stack(templates["infra/alarms.yaml"], test_alarms.PARAMETERS)
    arn = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:"
    assert sorted(states) == sorted(arn + alarm["AlarmName"] for alarm in alarms(watch).values())


def test_no_widget_lies_over_another(widgets: list[dict[str, Any]]) -> None:
    taken = set[tuple[int, int]]()
    for widget in widgets:
        x, y = widget["x"], widget["y"]
        cells = {(x + right, y + down) for right in range(widget["width"]) for down in range(widget["height"])}
        assert not cells & taken
        assert x + widget["width"] <= 24
        taken |= cells


def test_every_question_of_an_operator_has_a_saved_query_and_the_pages_name_no_other(dashboard: Stack) -> None:
    names = {each["Name"] for each in dashboard.of_type("AWS::Logs::QueryDefinition").values()}
    assert names == {f"codereview-prod/{name}" for name in QUERIES}
    for page in pages().values():
        text = " ".join(page.text.split())
        assert set(re.findall(r"saved query \*([^*]+)\*", text)) <= QUERIES, page.slug


def test_queries_read_the_logs_of_functions_that_there_are(dashboard: Stack, system: Stack) -> None:
    there = {
        group["LogGroupName"].replace("codereview-test", "codereview-prod")
        for group in system.of_type("AWS::Logs::LogGroup").values()
    }
    for query in dashboard.of_type("AWS::Logs::QueryDefinition").values():
        assert set(query["LogGroupNames"]) <= there


def test_every_metric_that_a_query_reads_is_one_that_is_written(
    dashboard: Stack, widgets: list[dict[str, Any]]
) -> None:
    texts = [query["QueryString"] for query in dashboard.of_type("AWS::Logs::QueryDefinition").values()]
    texts += [widget["properties"]["query"] for widget in widgets if widget["type"] == "log"]
    read = {word for text in texts for word in re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", text)}
    assert read
    assert read <= set(Metric)


def test_dashboard_and_queries_are_there_only_on_aws(system: Stack, local_system: Stack) -> None:
    assert "Dashboard" in system.resources
    assert "Dashboard" not in local_system.resources


def test_the_runtime_reports_each_call_since_a_query_asks_for_cold_starts(any_system: Stack) -> None:
    for function in any_system.of_type("AWS::Lambda::Function").values():
        assert function["LoggingConfig"]["SystemLogLevel"] == "INFO"
