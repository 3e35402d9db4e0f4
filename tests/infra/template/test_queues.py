"""The relations between queues, their mappings and the functions behind them."""

from datetime import timedelta
from typing import Any

from codereview.domain.reconciling import POISON_ROUND
from codereview.domain.review import LEASE
from tests.infra.template.deployed import Stack, target

MIN_VISIBILITY_FACTOR = 6  # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
DAY = 86_400


def _mappings(stack: Stack) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Return each mapping of a queue with its queue and its function."""
    found = []
    for mapping in stack.of_type("AWS::Lambda::EventSourceMapping").values():
        alias = stack.properties(target(mapping["FunctionName"]))
        function = stack.properties(target(alias["FunctionName"]))
        found.append((mapping, stack.properties(target(mapping["EventSourceArn"])), function))
    return found


def _sources(stack: Stack) -> dict[str, str]:
    """Return each queue's dead-letter queue."""
    return {
        name: target(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for name, queue in stack.of_type("AWS::SQS::Queue").items()
        if "RedrivePolicy" in queue
    }


def test_both_queues_are_read(any_system: Stack) -> None:
    assert len(_mappings(any_system)) == 2


def test_f17_every_mapping_reports_the_failures_of_single_messages(any_system: Stack) -> None:
    for mapping, _, _ in _mappings(any_system):
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_f18_a_message_stays_hidden_six_timeouts_and_the_window_long(any_system: Stack) -> None:
    for mapping, queue, function in _mappings(any_system):
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue["VisibilityTimeout"] >= MIN_VISIBILITY_FACTOR * function["Timeout"] + window


def test_f18_the_longest_window_that_may_be_asked_for_fits_too(templates: dict[str, Any], system: Stack) -> None:
    longest = templates["template.yaml"]["Parameters"]["RecordWindow"]["MaxValue"]
    visible_after = system.properties("RecordQueue")["VisibilityTimeout"]
    assert visible_after >= MIN_VISIBILITY_FACTOR * system.properties("RecorderFunction")["Timeout"] + longest


def test_f18_the_lease_of_a_pull_request_outlives_the_reviewer(any_system: Stack) -> None:
    timeout = timedelta(seconds=any_system.properties("ReviewerFunction")["Timeout"])
    visibility = timedelta(seconds=any_system.properties("ReviewQueue")["VisibilityTimeout"])
    assert timeout < LEASE < visibility


def test_poison_is_away_from_the_dead_letters_for_no_longer_than_the_reconciler_reckons(any_system: Stack) -> None:
    for name in _sources(any_system):
        queue = any_system.properties(name)
        visibility = timedelta(seconds=queue["VisibilityTimeout"])
        assert visibility * queue["RedrivePolicy"]["maxReceiveCount"] <= POISON_ROUND


def test_the_reviewer_outlives_a_call_of_the_analyzer(any_system: Stack) -> None:
    timeout = any_system.properties("AnalyzerFunction")["Timeout"]
    assert 2 * timeout < any_system.properties("ReviewerFunction")["Timeout"]


def test_every_queue_has_dead_letters_or_holds_them(any_system: Stack) -> None:
    sources = _sources(any_system)
    assert set(sources) | set(sources.values()) == set(any_system.of_type("AWS::SQS::Queue"))
    assert len(set(sources.values())) == len(sources)


def test_dead_letters_take_messages_of_their_own_queue_only(any_system: Stack) -> None:
    for source, dead_letters in _sources(any_system).items():
        name = any_system.properties(source)["QueueName"]
        allowed = any_system.properties(dead_letters)["RedriveAllowPolicy"]
        assert allowed == {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [f"arn:aws:sqs:us-east-1:111122223333:{name}"],
        }


def test_f20_throttling_alone_does_not_fill_the_dead_letters(any_system: Stack) -> None:
    for source in _sources(any_system):
        assert any_system.properties(source)["RedrivePolicy"]["maxReceiveCount"] >= 5


def test_f26_a_dead_letter_outlives_its_queue_by_ten_days(any_system: Stack) -> None:
    for source, dead_letters in _sources(any_system).items():
        retention = any_system.properties(source)["MessageRetentionPeriod"]
        assert any_system.properties(dead_letters)["MessageRetentionPeriod"] >= retention + 10 * DAY


def test_every_queue_is_encrypted_and_takes_what_is_billed_once(any_system: Stack) -> None:
    for queue in any_system.of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MaximumMessageSize"] == 65_536


def test_every_queue_and_the_bucket_refuse_plain_text_on_aws(system: Stack) -> None:
    guarded = set()
    policies = system.of_type("AWS::SQS::QueuePolicy") | system.of_type("AWS::S3::BucketPolicy")
    for policy in policies.values():
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        guarded |= {target(each) for each in policy.get("Queues", [policy.get("Bucket")])}
    assert guarded == {*system.of_type("AWS::SQS::Queue"), "ObjectsBucket"}


def test_one_review_at_a_time_and_records_in_batches(any_system: Stack) -> None:
    mappings = {queue["QueueName"].rsplit("-", 1)[1]: mapping for mapping, queue, _ in _mappings(any_system)}
    assert mappings["reviews"]["BatchSize"] == 1
    assert mappings["reviews"]["ScalingConfig"] == {"MaximumConcurrency": 10}
    assert mappings["records"]["BatchSize"] == 10
    assert mappings["records"]["MaximumBatchingWindowInSeconds"] == 60


def test_no_function_reserves_concurrency(any_system: Stack) -> None:
    for function in any_system.of_type("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in function
