"""The month's floor by a template, and what reviews cost on top."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from codereview.cli.idle_cost import price_list
from codereview.cli.main import cli
from codereview.domain.idle_cost import Line, ReviewTime, idle_lines, review_lines, summed
from codereview.errors import UserError

PRICES = price_list()


def template(*resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"Resources": {f"R{n}": {"Type": kind, "Properties": given} for n, (kind, given) in enumerate(resources)}}


def lines(kind: str, **given: Any) -> list[tuple[str, float]]:
    return [(line.unit, line.count) for line in idle_lines({"t": template((kind, given))}, PRICES)]


def dollars(kind: str, **given: Any) -> float:
    found = idle_lines({"t": template((kind, given))}, PRICES)
    return sum(line.listed for line in summed(found, PRICES, has_allowances=False))


def test_the_price_list_says_of_what_day_it_is_and_where_each_price_stands() -> None:
    assert PRICES.as_of >= "2026-11"
    assert PRICES.region == "us-east-1"
    for name, price in PRICES.units.items():
        assert price.source.startswith("https://aws.amazon.com/"), name
        assert price.dollars > 0


@pytest.mark.parametrize(
    ("kind", "given", "least"),
    [
        ("AWS::EC2::NatGateway", {}, 30),
        ("AWS::EC2::EIP", {}, 3),
        ("AWS::RDS::DBProxy", {}, 80),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}, 14),
        ("AWS::RDS::DBCluster", {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5}}, 40),
        ("AWS::Lambda::Alias", {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 3}}, 5),
    ],
)
def test_what_the_textbook_adds_is_above_the_ceiling_or_nearly(kind: str, given: dict[str, Any], least: float) -> None:
    assert dollars(kind, **given) > least


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}),
        ("AWS::EC2::VPCEndpoint", {}),
        ("AWS::DynamoDB::Table", {"BillingMode": "PAY_PER_REQUEST"}),
        ("AWS::Lambda::Alias", {}),
        ("AWS::IAM::Role", {}),
    ],
)
def test_what_costs_nothing_idle_is_no_line(kind: str, given: dict[str, Any]) -> None:
    assert lines(kind, **given) == []


def metric(period: int = 300) -> dict[str, Any]:
    return {"Id": "m", "MetricStat": {"Period": period, "Stat": "Sum", "Metric": {}}}


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"MetricName": "Errors", "Period": 60}, 1),
        ({"MetricName": "Errors", "Period": 10}, 3),
        ({"Metrics": [metric(), metric(), {"Id": "e", "Expression": "m/n"}]}, 2),
        (
            {
                "Metrics": [metric(), {"Id": "usual", "Expression": "ANOMALY_DETECTION_BAND(m)"}],
                "ThresholdMetricId": "usual",
            },
            3,
        ),
        ({"Metrics": [{"Id": "e", "Expression": "SELECT MAX(x) FROM y"}]}, 1),
    ],
)
def test_an_alarm_is_billed_by_the_metrics_that_it_watches(given: dict[str, Any], count: int) -> None:
    assert lines("AWS::CloudWatch::Alarm", **given) == [("alarm", count)]


def test_a_cluster_that_pauses_costs_its_nights_and_its_storage() -> None:
    cluster = dict(lines("AWS::RDS::DBCluster", ServerlessV2ScalingConfiguration={"MinCapacity": 0}))
    assert 1 < cluster["capacity_hour"] < 10
    assert cluster["database_gb"] == 1


def test_a_type_without_a_price_fails_with_its_name() -> None:
    with pytest.raises(UserError, match=r"no price is known for AWS::DynamoDB::Table, AWS::ElastiCache::CacheCluster"):
        idle_lines({"t": template(("AWS::ElastiCache::CacheCluster", {}), ("AWS::DynamoDB::Table", {}))}, PRICES)


def test_a_schedule_that_nobody_priced_fails() -> None:
    with pytest.raises(UserError, match=r"rate\(5 minutes\)"):
        idle_lines({"t": template(("AWS::Events::Rule", {"ScheduleExpression": "rate(5 minutes)"}))}, PRICES)


def test_lines_of_one_unit_share_what_the_account_has_for_nothing() -> None:
    prices = replace(PRICES, units={"alarm": replace(PRICES.units["alarm"], dollars=1, free=10)})
    found = summed([Line(what="a", unit="alarm", count=8), Line(what="b", unit="alarm", count=8)], prices)
    assert [(line.listed, line.charged) for line in found] == [(8, 0), (8, 6)]


def test_twice_the_time_or_the_memory_is_twice_the_price_of_the_reviewer() -> None:
    def reviewer(seconds: float, megabytes: int) -> float:
        return review_lines(1000, ReviewTime(seconds=seconds, megabytes=megabytes), PRICES)[0].count

    assert reviewer(90, 512) == reviewer(45, 1024) == 2 * reviewer(45, 512)


def test_a_thousand_reviews_cost_some_tens_of_cents() -> None:
    found = summed(review_lines(1000, ReviewTime(seconds=45, megabytes=512), PRICES), PRICES, has_allowances=False)
    assert found[0].listed == pytest.approx(0.30, abs=0.01)
    assert sum(line.listed for line in found) < 1


def ask(tmp_path: Path, found: dict[str, Any], *words: str) -> tuple[int, str, BaseException | None]:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(found))
    result = CliRunner().invoke(cli, ["idle-cost", "--template", str(path), "--memory", "512", "--json", *words])
    return result.exit_code, result.output, result.exception


def test_a_floor_above_the_ceiling_fails_and_is_printed_all_the_same(tmp_path: Path) -> None:
    dear = template(("AWS::EC2::NatGateway", {}))
    code, output, error = ask(tmp_path, dear)
    assert (code, type(error)) == (1, UserError)
    assert "more than $5.00" in str(error)
    assert json.loads(output)["idle"]["charged"] > 30
    assert ask(tmp_path, dear, "--ceiling", "40")[0] == 0


def test_it_is_said_whether_a_reviews_time_was_measured_or_assumed(tmp_path: Path) -> None:
    assert json.loads(ask(tmp_path, template())[1])["reviews"]["seconds_are"] == "assumed"
    given = json.loads(ask(tmp_path, template(), "--seconds", "70")[1])["reviews"]
    assert (given["seconds"], given["seconds_are"]) == (70, "given")


def test_what_is_no_template_is_refused_in_one_line(tmp_path: Path) -> None:
    assert str(ask(tmp_path, {"resources": []})[2]).endswith("is no template")
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {}")
    result = CliRunner().invoke(cli, ["idle-cost", "--template", str(path)])
    assert "is not JSON" in str(result.exception)
