"""What a deployment costs while nobody pushes, by the template that makes it, and what reviews cost on top."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from codereview.errors import UserError

Template = Mapping[str, Any]

_MB_IN_A_GB = 1024
_BYTES_IN_A_GB = 1024**3
_NIGHTS = 30
_SECONDS_IN_AN_HOUR = 3600
_MINUTES_IN_AN_HOUR, _HOURS_IN_A_DAY = 60, 24
_POLLS_A_MINUTE = 3  # a long poll lasts 20 s
_HIGH_RESOLUTION = 60  # seconds; an alarm that looks more often costs three times as much
_ANOMALY_METRICS = 3  # the metric, and both borders of its band


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one unit costs, and how many an account has for nothing."""

    dollars: float
    per: str
    source: str
    free: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A price list of one day, and what we assume to go on."""

    as_of: str
    region: str
    hours_a_month: float
    units: Mapping[str, Price]
    idle: Mapping[str, float]
    review: Mapping[str, float]
    free_types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many units of something."""

    what: str
    unit: str
    count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A line with its dollars: by the list, and after what every account has for nothing."""

    what: str
    count: float
    per: str
    listed: float
    charged: float


def summed(lines: Sequence[Line], prices: Prices, *, has_allowances: bool = True) -> tuple[Sum, ...]:
    """Price the lines; those of one unit share its allowance, in their order."""
    left = {name: price.free if has_allowances else 0 for name, price in prices.units.items()}
    sums = []
    for line in lines:
        price = prices.units[line.unit]
        free = min(left[line.unit], line.count)
        left[line.unit] -= free
        sums.append(
            Sum(
                what=line.what,
                count=line.count,
                per=price.per,
                listed=line.count * price.dollars,
                charged=(line.count - free) * price.dollars,
            )
        )
    return tuple(sums)


def idle_lines(templates: Mapping[str, Template], prices: Prices) -> tuple[Line, ...]:
    """List what the templates cost in a month without a push; every resource counts, whatever its condition.

    Raises UserError for a type whose price is not known: a floor that leaves something out is none.
    """
    lines, unknown = list[Line](), set[str]()
    for template in templates.values():
        for name, resource in template["Resources"].items():
            found = _lines_of(name, resource["Type"], resource.get("Properties", {}), prices)
            if found is None:
                unknown.add(resource["Type"])
            else:
                lines += found
    if unknown:
        raise UserError(f"no price is known for {', '.join(sorted(unknown))}: add it to aws_prices.toml")
    return tuple(lines)


def _lines_of(name: str, kind: str, given: Mapping[str, Any], prices: Prices) -> list[Line] | None:
    """Return what a resource costs; None where that is not known."""
    if kind in _EACH:
        what, unit = _EACH[kind]
        return [Line(what=f"{what} {name}", unit=unit, count=1)]
    if kind in _HOURLY:
        what, unit = _HOURLY[kind]
        return [Line(what=f"{what} {name}", unit=unit, count=prices.hours_a_month)]
    if kind in _COUNTED:
        return _COUNTED[kind](name, given, prices)
    return [] if kind in prices.free_types else None


def _alarm(name: str, given: Mapping[str, Any], _prices: Prices) -> list[Line]:
    return [Line(what=f"alarm {name}", unit="alarm", count=_watched(given))]


def _mapping(name: str, _given: Mapping[str, Any], prices: Prices) -> list[Line]:
    polls = prices.idle["pollers"] * _POLLS_A_MINUTE * _MINUTES_IN_AN_HOUR * prices.hours_a_month
    return [Line(what=f"polls of {name}", unit="sqs_request", count=polls)]


def _table(_name: str, given: Mapping[str, Any], _prices: Prices) -> list[Line] | None:
    return [] if given.get("BillingMode") == "PAY_PER_REQUEST" else None


def _endpoint(name: str, given: Mapping[str, Any], prices: Prices) -> list[Line]:
    if given.get("VpcEndpointType", "Gateway") == "Gateway":
        return []
    zones = len(given.get("SubnetIds", [])) or 1
    return [Line(what=f"endpoint {name}", unit="endpoint_hour", count=prices.hours_a_month * zones)]


def _watched(alarm: Mapping[str, Any]) -> int:
    """Count the metrics that an alarm is billed for."""
    metrics = alarm.get("Metrics", [])
    count = sum("MetricStat" in metric for metric in metrics) or 1
    if "ThresholdMetricId" in alarm:
        count *= _ANOMALY_METRICS
    periods = [alarm.get("Period", _HIGH_RESOLUTION)]
    periods += [metric["MetricStat"]["Period"] for metric in metrics if "MetricStat" in metric]
    return count * (3 if min(int(period) for period in periods) < _HIGH_RESOLUTION else 1)


def _alias(name: str, alias: Mapping[str, Any], prices: Prices) -> list[Line]:
    """Price provisioned concurrency, by the reconciler's size: a price for what must not be there at all."""
    count = alias.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions", 0)
    seconds = prices.hours_a_month * _SECONDS_IN_AN_HOUR * prices.idle["reconciler_megabytes"] / _MB_IN_A_GB
    if not count:
        return []
    return [Line(what=f"provisioned {name}", unit="provisioned_gb_second", count=int(count) * seconds)]


def _rule(name: str, rule: Mapping[str, Any], prices: Prices) -> list[Line]:
    return list(_scheduled(name, str(rule.get("ScheduleExpression", "")), prices))


def _scheduled(name: str, expression: str, prices: Prices) -> Iterator[Line]:
    """Price what a schedule starts: the reconciler every minute, the maintenance every night."""
    idle = prices.idle
    if expression == "rate(1 minute)":
        runs = _MINUTES_IN_AN_HOUR * prices.hours_a_month
        gigabytes = idle["reconciler_megabytes"] / _MB_IN_A_GB
        yield Line(what=f"runs of {name}", unit="lambda_request", count=runs)
        yield Line(what=f"time of {name}", unit="lambda_gb_second", count=runs * idle["reconciler_seconds"] * gigabytes)
        yield Line(what=f"traces of {name}", unit="trace", count=runs)
        yield Line(what=f"reads of {name}", unit="table_read", count=runs * idle["reconciler_reads"])
        yield Line(what=f"writes of {name}", unit="table_write", count=runs * idle["reconciler_writes"])
        yield Line(what=f"log of {name}", unit="log_gb", count=runs * idle["reconciler_log_bytes"] / _BYTES_IN_A_GB)
        yield Line(what=f"metrics of {name}", unit="metric", count=idle["metrics_all_day"])
    elif expression.startswith("cron("):
        yield Line(what=f"metrics of {name}", unit="metric", count=idle["metrics_an_hour_a_day"] / _HOURS_IN_A_DAY)
    else:
        raise UserError(f"the schedule {expression!r} of {name} has no price: teach idle_cost what it starts")


def _cluster(name: str, cluster: Mapping[str, Any], prices: Prices) -> list[Line]:
    """Price Aurora: what it may not fall below, and where that is nothing, the nights."""
    least = float(cluster["ServerlessV2ScalingConfiguration"]["MinCapacity"])
    idle = prices.idle
    nights = _NIGHTS * idle["database_minutes_a_night"] / _MINUTES_IN_AN_HOUR * idle["database_capacity"]
    return [
        Line(what=f"capacity of {name}", unit="capacity_hour", count=max(least * prices.hours_a_month, nights)),
        Line(what=f"storage of {name}", unit="database_gb", count=idle["database_gb"]),
    ]


_EACH: Mapping[str, tuple[str, str]] = {
    "AWS::SecretsManager::Secret": ("secret", "secret"),
    "AWS::CloudWatch::CompositeAlarm": ("alarm", "composite_alarm"),
    "AWS::CloudWatch::Dashboard": ("dashboard", "dashboard"),
    "AWS::KMS::Key": ("key", "key"),
}
_HOURLY: Mapping[str, tuple[str, str]] = {
    "AWS::EC2::NatGateway": ("NAT gateway", "nat_hour"),
    "AWS::EC2::EIP": ("address", "address_hour"),
    "AWS::RDS::DBProxy": ("proxy", "proxy_hour"),
}
_COUNTED: Mapping[str, Callable[[str, Mapping[str, Any], Prices], list[Line] | None]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::Lambda::EventSourceMapping": _mapping,
    "AWS::Lambda::Alias": _alias,
    "AWS::Events::Rule": _rule,
    "AWS::DynamoDB::Table": _table,
    "AWS::RDS::DBCluster": _cluster,
    "AWS::EC2::VPCEndpoint": _endpoint,
}


class Known(StrEnum):
    """How a number came about, in a word for people."""

    ASSUMED = "assumed"
    MEASURED = "measured"
    GIVEN = "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTime:
    """How long reviewers work for a review, how that is known, and of what size they are."""

    seconds: float
    megabytes: int
    known: Known = Known.ASSUMED
    analyzer_megabytes: int = 1024


def review_lines(count: int, time: ReviewTime, prices: Prices) -> tuple[Line, ...]:
    """List what so many reviews take of AWS, without the model."""
    one = prices.review
    gigabytes = time.megabytes / _MB_IN_A_GB
    small = (one["webhook_seconds"] * one["deliveries"] * 256 + one["recorder_seconds"] * 512) / _MB_IN_A_GB
    analyzer = one["analyzer_seconds"] * time.analyzer_megabytes / _MB_IN_A_GB

    def line(what: str, unit: str, each: float) -> Line:
        return Line(what=what, unit=unit, count=count * each)

    return (
        line("reviewers", "lambda_gb_second", time.seconds * gigabytes),
        line("analyzers", "lambda_gb_second", analyzer),
        line("webhook and recorder", "lambda_gb_second", small),
        line("invocations", "lambda_request", one["invocations"] + one["deliveries"] - 1),
        line("deliveries", "api_request", one["deliveries"]),
        line("messages", "sqs_request", one["sqs_requests"]),
        line("reads of the control table", "table_read", one["table_reads"]),
        line("writes to the control table", "table_write", one["table_writes"]),
        line("objects stored", "object_put", one["object_puts"]),
        line("objects read", "object_get", one["object_gets"]),
        line("logs", "log_gb", one["log_bytes"] / _BYTES_IN_A_GB),
        line("traces", "trace", one["invocations"]),
        line(
            "database",
            "capacity_hour",
            one["database_seconds"] / _SECONDS_IN_AN_HOUR * prices.idle["database_capacity"],
        ),
    )
