"""What wakes an operator: complete, explained, told once, and no dearer than said."""

import re

import pytest

from codereview.domain.metrics import Metric, namespace_of
from local.checkout import ROOT
from tests.infra.template.deployed import Stack, Template, target
from tests.infra.template.watched import Watched, alarms, billed_metrics, metrics_of, page_of, tags

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html and the like of each service.
OF_AWS = {
    ("AWS/ApiGateway", "5xx"): {"ApiId", "Stage", "Method", "Resource"},
    ("AWS/ApiGateway", "Latency"): {"ApiId", "Stage", "Method", "Resource"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessageInQuietGroups"): {"QueueName"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/DynamoDB", "WriteThrottleEvents"): {"TableName"},
    ("AWS/RDS", "VolumeBytesUsed"): {"DBClusterIdentifier"},
    ("AWS/RDS", "ACUUtilization"): {"DBClusterIdentifier"},
    ("AWS/RDS", "ServerlessDatabaseCapacity"): {"DBClusterIdentifier"},
}
# What an operator watches, and by which alarms.
WATCH_LIST = {
    "webhook errors": {"WebhookErrors"},
    "webhook slowness": {"WebhookSlow"},
    "rejected signatures": {"WebhookSignatures"},
    "missed deliveries": {"MissedDeliveries"},
    "queue age in quiet groups": {"WebhookBacklog"},
    "drain time": {"WebhookBacklogDrain"},
    "parked reviews": {"ParkedReviews"},
    "dead letters": {"DeadLetters"},
    "reviewer crash rate": {"WorkerErrors"},
    "crash log lines": {"WorkerCrashes"},
    "memory headroom": {"MemoryHeadroom"},
    "review latency": {"ReviewsSlow"},
    "model errors and throttles": {"ModelErrors"},
    "model spend": {"ModelSpend"},
    "GitHub quota": {"GitHubQuota"},
    "limit refusals": {"RateLimitSpike"},
    "control-table throttling": {"ControlTableThrottled"},
    "record lag": {"RecordLag"},
    "dead-tuple ratio": {"DatabaseBloat"},
    "volume bytes": {"DatabaseVolume"},
    "transaction id age": {"TransactionAge"},
    "capacity": {"DatabaseCapacity"},
    "never pausing": {"DatabaseNeverPauses"},
    "maintenance missed": {"MaintenanceMissed"},
    "reconciler missed": {"ReconcilerMissed"},
    "one page for all that need an operator now": {"Page"},
}
# Silence is the alarm at what the clock writes, and health at what is written when something happens; what is measured
# once a night stays as it was until the next.
ON_SILENCE = {
    "breaching": {"MaintenanceMissed", "ReconcilerMissed"},
    "ignore": {"DatabaseBloat", "DatabaseVolume", "TransactionAge"},
}


@pytest.fixture(scope="module")
def watch(templates: dict[str, Template]) -> Stack:
    """The alarms of a deployment with a database of its own."""
    return Stack(templates["infra/alarms.yaml"], PARAMETERS)


PARAMETERS = {
    "Stack": "codereview-prod",
    "Runbooks": "https://example.com/runbooks",
    "Email": "night@example.com",
    "SlackWorkspace": "",
    "SlackChannel": "",
    "TopicKey": "",
    "ApiId": "abc123",
    "ReviewerFunction": "codereview-prod-reviewer",
    "ReviewQueue": "codereview-prod-reviews",
    "RecordQueue": "codereview-prod-records",
    "ControlTable": "control",
    "DatabaseCluster": "record",
    "MaxConcurrentReviews": 10,
    "DollarsAnHour": 20,
    "DatabaseGigabytes": 50,
}


def test_every_item_of_the_watch_list_has_its_alarms_and_every_alarm_an_item(watch: Stack) -> None:
    assert set.union(*WATCH_LIST.values()) == set(alarms(watch))


def test_every_alarm_names_its_page_in_its_text_and_in_a_tag_that_is_sent_along(watch: Stack) -> None:
    for name, alarm in alarms(watch).items():
        assert tags(alarm) == {"runbook": page_of(alarm), "severity": tags(alarm)["severity"]}, name
        assert alarm["ActionConfiguration"] == {"AlarmTagsPropagation": {"Enabled": True}}, name
        assert "https://example.com/runbooks/" in alarm["AlarmDescription"], name
        assert "${" not in alarm["AlarmDescription"], name


def test_every_alarm_is_named_after_the_stack(watch: Stack) -> None:
    names = [alarm["AlarmName"] for alarm in alarms(watch).values()]
    assert len(set(names)) == len(names)
    assert all(name.startswith("codereview-prod-") for name in names)


def test_what_is_missing_means_what_was_decided_for_it(watch: Stack) -> None:
    found = watch.of_type("AWS::CloudWatch::Alarm")
    decided = {name: policy for policy, names in ON_SILENCE.items() for name in names}
    assert {name: alarm["TreatMissingData"] for name, alarm in found.items()} == {
        name: decided.get(name, "notBreaching") for name in found
    }


def test_what_alarms_on_silence_warms_up_after_the_first_deploy_for_as_long_as_it_looks_back(watch: Stack) -> None:
    for name, alarm in watch.of_type("AWS::CloudWatch::Alarm").items():
        if alarm["TreatMissingData"] == "breaching":
            looks_back = alarm["Period"] * alarm["EvaluationPeriods"] / 60
            assert alarm["WarmUpConfiguration"]["WarmUpPeriodDurationInMinutes"] >= looks_back, name
        else:
            assert "WarmUpConfiguration" not in alarm, name


def test_what_needs_an_operator_now_is_told_once_by_the_composite_and_all_else_by_itself(watch: Stack) -> None:
    (page,) = watch.of_type("AWS::CloudWatch::CompositeAlarm").values()
    found = watch.of_type("AWS::CloudWatch::Alarm")
    by_name = {alarm["AlarmName"]: name for name, alarm in found.items()}
    caused = {by_name[name] for name in re.findall(r'ALARM\("([^"]+)"\)', page["AlarmRule"])}
    assert caused == set(watch.resources["Page"]["DependsOn"])
    assert caused == {name for name, alarm in found.items() if tags(alarm)["severity"] == "page"}
    assert [target(each) for each in page["AlarmActions"]] == ["Notifications"]
    for name, alarm in found.items():
        told = [target(each) for each in alarm.get("AlarmActions", [])]
        assert told == ([] if name in caused else ["Notifications"]), name
        assert tags(alarm)["severity"] in {"page", "ticket"}, name


def test_every_metric_of_an_alarm_is_one_that_aws_has_under_these_dimensions(watch: Stack) -> None:
    read = {metric for alarm in alarms(watch).values() for metric in metrics_of(alarm) if not metric.is_own}
    assert {(metric.namespace, metric.name): set(metric.dimensions) for metric in read} == OF_AWS


def test_the_alarms_cost_what_their_file_says(watch: Stack) -> None:
    billed = sum(billed_metrics(alarm) for alarm in watch.of_type("AWS::CloudWatch::Alarm").values())
    assert f"({billed} here)" in (ROOT / "infra/alarms.yaml").read_text()


def test_an_alarm_looks_back_for_a_week_at_most(watch: Stack) -> None:
    for name, alarm in watch.of_type("AWS::CloudWatch::Alarm").items():
        periods = [alarm.get("Period")] + [
            each.get("MetricStat", each).get("Period") for each in alarm.get("Metrics", [])
        ]
        period = max(filter(None, periods))
        assert period * alarm["EvaluationPeriods"] <= (7 * 86_400 if period >= 3600 else 86_400), name
        assert alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"], name


def test_notifications_go_by_mail_and_to_a_chat_only_where_one_is_named(templates: dict[str, Template]) -> None:
    silent = Stack(templates["infra/alarms.yaml"], PARAMETERS | {"Email": ""})
    assert not {"Mail", "Chat", "ChatRole"} & set(silent.resources)
    chat = Stack(templates["infra/alarms.yaml"], PARAMETERS | {"SlackWorkspace": "T0123", "SlackChannel": "C0123"})
    assert target(chat.properties("Chat")["SnsTopicArns"][0]) == "Notifications"
    assert chat.properties("Mail")["Endpoint"] == "night@example.com"


def test_only_alarms_of_this_account_may_tell_and_only_encrypted(watch: Stack) -> None:
    allowed, denied = watch.properties("NotificationsPolicy")["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_key_for_notifications_is_used_where_one_is_named(templates: dict[str, Template], watch: Stack) -> None:
    assert "KmsMasterKeyId" not in watch.properties("Notifications")
    keyed = Stack(templates["infra/alarms.yaml"], PARAMETERS | {"TopicKey": "arn:aws:kms:us-east-1:1:key/x"})
    assert keyed.properties("Notifications")["KmsMasterKeyId"] == "arn:aws:kms:us-east-1:1:key/x"


def test_a_database_that_is_not_ours_has_no_alarms_of_a_cluster(templates: dict[str, Template]) -> None:
    other = alarms(Stack(templates["infra/alarms.yaml"], PARAMETERS | {"DatabaseCluster": ""}))
    assert not [metric for alarm in other.values() for metric in metrics_of(alarm) if metric.namespace == "AWS/RDS"]


def test_the_alarms_are_told_everything_by_the_main_stack_and_only_on_aws(
    system: Stack, local_system: Stack, templates: dict[str, Template]
) -> None:
    declared = templates["infra/alarms.yaml"]["Parameters"]
    required = {name for name, parameter in declared.items() if "Default" not in parameter}
    assert set(system.properties("Alarms")["Parameters"]) == required
    assert "Alarms" not in local_system.resources


def test_a_metric_is_compared_by_all_that_tells_it_from_others() -> None:
    one, other = ({"MetricName": "M", "Namespace": "N", "Dimensions": [{"Name": name, "Value": "x"}]} for name in "ab")
    assert set(metrics_of(one)) != set(metrics_of(other))
    assert next(metrics_of(one)) == Watched(namespace="N", name="M", dimensions=frozenset({"a"}), services=frozenset())


# Where each function's metrics come from.
WRITERS = {
    "webhook": ["entrypoints/http.py"],
    "api": ["entrypoints/api/app.py"],
    "reports": ["entrypoints/api/app.py"],
    "reviewer": ["entrypoints/reviewer.py", "adapters/models/counted.py", "adapters/github/quota.py"],
    "recorder": ["entrypoints/recorder.py"],
    "reconciler": ["entrypoints/reconciler.py"],
    "maintenance": ["entrypoints/maintenance_commands.py"],
}


def written_by(service: str) -> set[str]:
    """Return the names of the metrics that a function's code mentions."""
    sources = "\n".join((ROOT / "layers/core/python/codereview" / name).read_text() for name in WRITERS[service])
    return {Metric[member].value for member in re.findall(r"\bMetric\.([A-Z_]+)\b", sources)}


def test_every_metric_of_our_own_in_an_alarm_is_one_that_this_function_writes(watch: Stack) -> None:
    read = {metric for alarm in alarms(watch).values() for metric in metrics_of(alarm) if metric.is_own}
    assert len(read) > 10
    for metric in read:
        assert metric.dimensions == set(Metric(metric.name).dimensions), metric
        writers = metric.services or WRITERS.keys()
        assert any(metric.name in written_by(service) for service in writers), metric


def test_two_stacks_of_an_account_have_no_metric_in_common(templates: dict[str, Template], any_system: Stack) -> None:
    def read(stack: str) -> set[str]:
        there = Stack(templates["infra/alarms.yaml"], PARAMETERS | {"Stack": stack})
        return {m.namespace for alarm in alarms(there).values() for m in metrics_of(alarm) if m.is_own}

    assert read("codereview-dev") == {namespace_of("codereview-dev")}
    assert read("codereview-prod") == {namespace_of("codereview-prod")}
    for name, function in any_system.of_type("AWS::Lambda::Function").items():
        written_to = function["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        assert written_to == namespace_of("codereview-test"), name


def test_every_service_is_the_name_of_its_function(any_system: Stack) -> None:
    named = {
        function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for function in any_system.of_type("AWS::Lambda::Function").values()
    }
    assert set(WRITERS) == named - {"analyzer", "migrations"}
