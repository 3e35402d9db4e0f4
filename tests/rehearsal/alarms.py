"""What CloudWatch would say of what the functions emitted: the translated alarms, evaluated here.

Modelled, since the emulator has no metrics: a round of a rehearsal stands for one period of every alarm, whatever its
length, so that no hour has to pass and nothing depends on how fast the machine is. Statistics, thresholds, M of N,
missing data, metric math and composites are those of the template. The band of an anomaly detector is the mean and the
standard deviation of the rounds before.
"""

import ast
import json
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Key = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions
Round = dict[Key, list[float]]


class State(StrEnum):
    """An alarm's state, in CloudWatch's words."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(slots=True)
class Watch:
    """What was measured, round by round; the last round is the one that goes on."""

    rounds: list[Round] = field(default_factory=lambda: [{}])

    def measure(self, namespace: str, name: str, value: float, **dimensions: str) -> None:
        """Add a datapoint to the round."""
        self.rounds[-1].setdefault((namespace, name, frozenset(dimensions.items())), []).append(value)

    def read(self, lines: Iterable[str]) -> None:
        """Add what log lines carry in the Embedded Metric Format."""
        for line in lines:
            if '"_aws"' not in line:
                continue
            document = json.loads(line[line.index("{") :])
            for directive in document["_aws"]["CloudWatchMetrics"]:
                self._read(directive, document)

    def _read(self, directive: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    self.measure(directive["Namespace"], metric["Name"], float(value), **dimensions)

    def next_round(self) -> None:
        """End the round: a period has passed."""
        self.rounds.append({})


def states(alarms: Mapping[str, Mapping[str, Any]], watch: Watch) -> dict[str, State]:
    """Say the state of each alarm by name after the rounds that have ended; `alarms` are resources, resolved."""
    rounds = watch.rounds[:-1]
    simple = {
        each["Properties"]["AlarmName"]: _state(each["Properties"], rounds)
        for each in alarms.values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }
    composite = {
        each["Properties"]["AlarmName"]: _of_rule(each["Properties"]["AlarmRule"], simple)
        for each in alarms.values()
        if each["Type"] == "AWS::CloudWatch::CompositeAlarm"
    }
    return simple | composite


_RULE = re.compile(r'ALARM\("([^"]+)"\)')


def _of_rule(rule: str, simple: Mapping[str, State]) -> State:
    if re.sub(r"\s*OR\s*", "", _RULE.sub("", rule)).strip():
        raise ValueError(f"only ALARM(…) OR ALARM(…) is understood: {rule}")
    return State.ALARM if any(simple[name] is State.ALARM for name in _RULE.findall(rule)) else State.OK


_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
    "GreaterThanUpperThreshold": operator.gt,
}


def _state(alarm: Mapping[str, Any], rounds: Sequence[Round]) -> State:
    wanted = int(alarm["EvaluationPeriods"])
    needed = int(alarm.get("DatapointsToAlarm", wanted))
    compared = _COMPARED[alarm["ComparisonOperator"]]
    missing = alarm.get("TreatMissingData", "missing")
    breaches = list[bool | None]()
    for place in range(max(len(rounds) - wanted, 0), len(rounds)):
        value = _value(alarm, rounds, place)
        threshold = _band(alarm, rounds, place) if "ThresholdMetricId" in alarm else float(alarm["Threshold"])
        breaches.append(None if value is None or threshold is None else compared(value, threshold))
    if missing in ("breaching", "notBreaching"):
        filled = [each if each is not None else missing == "breaching" for each in breaches]
    else:  # ignored and missing datapoints alike keep what was known
        filled = [each for each in breaches if each is not None]
        if not filled:
            return State.INSUFFICIENT_DATA
        needed = min(needed, len(filled))
    return State.ALARM if sum(filled) >= needed else State.OK


def _value(alarm: Mapping[str, Any], rounds: Sequence[Round], place: int) -> float | None:
    if "MetricName" in alarm:
        return _statistic(alarm, alarm.get("Statistic", alarm.get("ExtendedStatistic", "")), rounds[place])
    shown = [each for each in alarm["Metrics"] if each.get("ReturnData", True)]
    watched = next(each for each in shown if "ANOMALY_DETECTION_BAND" not in each.get("Expression", ""))
    return _of_query(alarm, watched["Id"], rounds[place])


def _of_query(alarm: Mapping[str, Any], name: str, measured: Round) -> float | None:
    query = next(each for each in alarm["Metrics"] if each["Id"] == name)
    if found := QUERY.fullmatch(query.get("Expression", "")):
        return _summed(found, measured)
    if "MetricStat" in query:
        return _statistic(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"], measured)
    return _calculated(
        ast.parse(query["Expression"], mode="eval").body, lambda other: _of_query(alarm, other, measured)
    )


# What our alarms use of Metrics Insights: the sum of a metric under all dimensions that one of them is among.
QUERY = re.compile(
    r"""SELECT SUM\((?P<name>\w+)\) FROM "(?P<namespace>[\w/]+)" WHERE (?P<dimension>\w+) = '(?P<value>[^']+)'"""
)


def _summed(query: re.Match[str], measured: Round) -> float | None:
    wanted = (query["dimension"], query["value"])
    found = [
        sum(values)
        for (namespace, name, dimensions), values in measured.items()
        if (namespace, name) == (query["namespace"], query["name"]) and wanted in dimensions
    ]
    return sum(found) if found else None


def _statistic(metric: Mapping[str, Any], statistic: str, measured: Round) -> float | None:
    dimensions = frozenset((each["Name"], str(each["Value"])) for each in metric.get("Dimensions", []))
    values = measured.get((metric["Namespace"], metric["MetricName"], dimensions))
    if not values:
        return None
    if statistic.startswith("p"):
        place = min(int(len(values) * float(statistic[1:]) / 100), len(values) - 1)
        return sorted(values)[place]
    ways: Mapping[str, Callable[[list[float]], float]] = {
        "Sum": sum,
        "Maximum": max,
        "Minimum": min,
        "Average": statistics.fmean,
        "SampleCount": len,
    }
    return ways[statistic](values)


_ARITHMETIC: Mapping[type, Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


def _calculated(node: ast.expr, of: Callable[[str], float | None]) -> float | None:
    """Evaluate metric math as far as our alarms use it; what misses a value has none."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return of(name)
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, instead]):
            value = _calculated(filled, of)
            return _calculated(instead, of) if value is None else value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            value = _calculated(condition, of)
            return None if value is None else _calculated(then if value else otherwise, of)
        case ast.BinOp(left=left, op=kind, right=right) | ast.Compare(left=left, ops=[kind], comparators=[right]):
            one, other = _calculated(left, of), _calculated(right, of)
            return None if one is None or other is None else float(_ARITHMETIC[type(kind)](one, other))
        case _:
            raise ValueError(f"no such metric math is understood: {ast.unparse(node)}")


_BAND = re.compile(r"ANOMALY_DETECTION_BAND\((\w+),\s*([\d.]+)\)")


def _band(alarm: Mapping[str, Any], rounds: Sequence[Round], place: int) -> float | None:
    """Return the upper edge of what was usual before the rounds that are judged; None where there was nothing."""
    query = next(each for each in alarm["Metrics"] if each["Id"] == alarm["ThresholdMetricId"])
    found = _BAND.fullmatch(query["Expression"])
    if found is None:
        raise ValueError(f"no band: {query['Expression']}")
    learned_until = min(place, max(len(rounds) - int(alarm["EvaluationPeriods"]), 0))
    values = (_of_query(alarm, found[1], measured) for measured in rounds[:learned_until])
    before = [value for value in values if value is not None]
    return statistics.fmean(before) + float(found[2]) * statistics.pstdev(before) if before else None
