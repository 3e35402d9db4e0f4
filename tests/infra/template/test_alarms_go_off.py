"""The translated alarms over what could be measured: each goes off by what it is for, and by nothing less.

Evaluated by the rehearsals' own evaluator, which is modelled on CloudWatch: the emulator has no metrics.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.infra.template.deployed import Stack, Template
from tests.infra.template.test_alarms import ON_SILENCE, PARAMETERS
from tests.infra.template.watched import alarms, metrics_of, tags
from tests.rehearsal.alarms import State, Watch, states

# What is measured in each period: just bad enough, and just not.
LEVELS: dict[str, tuple[float, float]] = {
    "WebhookErrors": (1, 0),
    "WebhookSlow": (5_001, 5_000),
    "WebhookSignatures": (5, 4),
    "MissedDeliveries": (3, 2),
    "WebhookBacklog": (601, 600),
    "WebhookBacklogDrain": (801, 800),  # messages, at ten reviewers and 45 s: an hour
    "DeadLetters": (1, 0),
    "WorkerErrors": (3, 2),
    "WorkerCrashes": (3, 2),
    "MemoryHeadroom": (85.1, 85),
    "ReviewsSlow": (600.1, 600),
    "ParkedReviews": (10, 9),
    "ModelErrors": (5, 4),
    "ModelSpend": (20.01, 20),
    "GitHubQuota": (499, 500),
    "RateLimitSpike": (31, 30),
    "ControlTableThrottled": (10, 9),
    "RecordLag": (1_801, 1_800),
    "DatabaseBloat": (20.1, 20),
    "TransactionAge": (1_000_000_001, 1_000_000_000),
    "DatabaseVolume": (50_000_000_001, 50_000_000_000),
    "DatabaseCapacity": (90.1, 90),
    "DatabaseNeverPauses": (0.5, 0),
    "ReconcilerMissed": (1, 0),
    "MaintenanceMissed": (1, 0),
}


@pytest.fixture(scope="module")
def watch(templates: dict[str, Template]) -> Stack:
    return Stack(templates["infra/alarms.yaml"], PARAMETERS)


def _measure(watch: Watch, alarm: dict[str, Any], value: float) -> None:
    """Measure once what the alarm reads."""
    (read,) = metrics_of(alarm)
    first = alarm if "MetricName" in alarm else alarm["Metrics"][0]
    if "MetricName" not in alarm and "MetricStat" not in first:  # a query, which finds the table's metric
        watch.measure(read.namespace, read.name, value, TableName=str(PARAMETERS["ControlTable"]))
        return
    source = first if "MetricName" in alarm else first["MetricStat"]["Metric"]
    watch.measure(
        read.namespace, read.name, value, **{each["Name"]: str(each["Value"]) for each in source.get("Dimensions", [])}
    )


def _state(stack: Stack, name: str, values: Sequence[float | None]) -> State:
    measured = Watch()
    alarm = stack.properties(name)
    for value in values:
        if value is not None:
            _measure(measured, alarm, value)
        measured.next_round()
    return states({each: stack.resources[each] for each in alarms(stack)}, measured)[alarm["AlarmName"]]


def test_every_alarm_has_its_levels(watch: Stack) -> None:
    assert set(LEVELS) == set(watch.of_type("AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize("name", LEVELS)
def test_an_alarm_goes_off_at_its_level_and_not_below(watch: Stack, name: str) -> None:
    bad, good = LEVELS[name]
    periods = watch.properties(name)["EvaluationPeriods"]
    assert _state(watch, name, [None] * periods + [bad] * periods) is State.ALARM
    assert _state(watch, name, [good] * periods) is State.OK


@pytest.mark.parametrize("name", LEVELS)
def test_an_alarm_takes_as_many_bad_periods_as_it_says(watch: Stack, name: str) -> None:
    bad, good = LEVELS[name]
    alarm = watch.properties(name)
    needed = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    if needed > 1:
        assert _state(watch, name, [good] * alarm["EvaluationPeriods"] + [bad] * (needed - 1)) is State.OK


@pytest.mark.parametrize("name", LEVELS)
def test_silence_means_what_it_should(watch: Stack, name: str) -> None:
    silent = _state(watch, name, [None] * watch.properties(name)["EvaluationPeriods"])
    if name in ON_SILENCE["breaching"]:
        assert silent is State.ALARM
    else:
        assert silent is not State.ALARM


def test_one_good_night_among_late_ones_is_enough(watch: Stack) -> None:
    assert _state(watch, "MaintenanceMissed", [None] * 20 + [0] + [None] * 9) is State.OK


def test_what_was_measured_last_night_still_holds_at_noon(watch: Stack) -> None:
    assert _state(watch, "DatabaseBloat", [35.0, None, None]) is not State.OK


@pytest.mark.parametrize("name", ["DeadLetters", "MissedDeliveries", "ReconcilerMissed"])
def test_what_is_looked_at_every_quarter_stays_on_though_a_quarter_now_and_then_has_no_look(
    watch: Stack, name: str
) -> None:
    bad, _ = LEVELS[name]
    looks = {minute // 15 for minute in range(0, 24 * 60, 16)}  # a job begins in the minute after it is due
    nothing_found = 0 if name in ON_SILENCE["breaching"] else None
    quarters = [bad if quarter in looks else nothing_found for quarter in range(max(looks) + 1)]
    assert nothing_found in quarters
    for last in range(4, len(quarters) + 1):
        assert _state(watch, name, quarters[:last]) is State.ALARM, last


def test_one_delivery_that_always_fails_wakes_nobody(watch: Stack) -> None:
    assert _state(watch, "MissedDeliveries", [1] * 20) is State.OK


def test_refusals_that_are_usual_or_few_are_no_spike(watch: Stack) -> None:
    assert _state(watch, "RateLimitSpike", [200, 210, 190, 205, 195, 200, 204, 200]) is State.OK
    assert _state(watch, "RateLimitSpike", [None, None, None, None, 29, 30, 28]) is State.OK
    assert _state(watch, "RateLimitSpike", [0, 5, 0, 10, 400, 500, 450]) is State.ALARM


def test_throttles_of_the_control_tables_indexes_count_with_its_own_and_another_tables_do_not(watch: Stack) -> None:
    def state(table: str) -> State:
        measured = Watch()
        for _ in range(2):
            for index in ("due", "owner"):
                dimensions = {"TableName": table, "GlobalSecondaryIndexName": index}
                measured.measure("AWS/DynamoDB", "WriteThrottleEvents", 4, **dimensions)
            measured.measure("AWS/DynamoDB", "WriteThrottleEvents", 2, TableName=table)
            measured.next_round()
        found = states({each: watch.resources[each] for each in alarms(watch)}, measured)
        return found["codereview-prod-control-table-throttled"]

    assert state("control") is State.ALARM
    assert state("another") is State.OK


def test_the_first_spike_after_a_silence_is_one(watch: Stack) -> None:
    assert _state(watch, "RateLimitSpike", [None, None, None, None, 60, 70]) is State.ALARM
    assert _state(watch, "RateLimitSpike", [None, None, None, None, 60, None]) is State.OK


def test_before_anything_was_learned_nothing_is_unusual(watch: Stack) -> None:
    assert _state(watch, "RateLimitSpike", [60, 70, 80]) is State.OK


def test_the_page_goes_off_with_any_of_its_causes_and_with_no_ticket(watch: Stack) -> None:
    for name, alarm in watch.of_type("AWS::CloudWatch::Alarm").items():
        measured, calm = Watch(), {other: levels[1] for other, levels in LEVELS.items() if other != name}
        measured.next_round()
        for _ in range(alarm["EvaluationPeriods"]):
            for other, value in {**calm, name: LEVELS[name][0]}.items():
                _measure(measured, watch.properties(other), value)
            measured.next_round()
        found = states({each: watch.resources[each] for each in alarms(watch)}, measured)
        is_page = tags(alarm)["severity"] == "page"
        assert (found["codereview-prod-page"] is State.ALARM) is is_page, name
        assert {each for each, state in found.items() if state is State.ALARM} == {
            alarm["AlarmName"],
            *(["codereview-prod-page"] if is_page else []),
        }
    assert len(alarms(watch)) == len(LEVELS) + 1
