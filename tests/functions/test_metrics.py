"""What the functions count in their log lines, and that nothing is counted that has no name in the enum."""

import ast
import io
import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from codereview.adapters.github.quota import watch_quota
from codereview.adapters.models.counted import CountedModel
from codereview.adapters.models.mock import MockModel
from codereview.domain.metrics import Metric, Origin, Tally, addressed, embedded, namespace_of
from codereview.domain.parking import WaitReason
from codereview.domain.prices import TokenPrices
from codereview.domain.result import Usage
from codereview.domain.review import Failed, Overtaken, Parked, Posted, Skipped, SkipReason, Superseded
from codereview.entrypoints.json_log import JsonLog
from codereview.entrypoints.logger import function_logger
from codereview.entrypoints.reconciler import NamedJob, ReconcilerApp, found_by
from codereview.entrypoints.reviewer import measured, told
from codereview.errors import ForbiddenError, NotFoundError, RetryableError, ThrottledError
from codereview.model_ports import ModelAnswer, ModelRequest, StopReason
from codereview.use_cases.control.admit_review import AdmissionReason
from codereview.use_cases.hold_busy import PULL_REQUEST_IS_TAKEN
from codereview.use_cases.reconcile.redeliver import Redelivered
from codereview.use_cases.reconcile.release_due import Released
from codereview.use_cases.reconcile.revive import Revived
from codereview.use_cases.reconcile.sweep_heads import Swept
from codereview.use_cases.take_turns import SHARE_IS_TAKEN
from local.checkout import ROOT
from tests.functions.test_reviewer_queue import GOOD, Context, Function, record
from tests.functions.webhook_world import FakeClock, World, delivery, pull_request

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_PACKAGE = ROOT / "layers/core/python/codereview"
_NOW = datetime(2026, 3, 15, 12, 1, tzinfo=UTC)


def counts(line: dict[str, Any]) -> dict[str, float]:
    """Read a line as CloudWatch does."""
    found = dict[str, float]()
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "CodeReview"
        for declared in directive["Metrics"]:
            assert directive["Dimensions"] == [[*Metric(declared["Name"]).dimensions]]
            found[declared["Name"]] = line[declared["Name"]]
        assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)
    return found


def test_the_webhook_counts_each_delivery_once_by_its_end() -> None:
    world = World()
    world.deliver(pull_request("opened"))
    world.deliver(pull_request("labeled"))
    world.receive(delivery(pull_request("opened")) | {"body": "{}"})
    assert [counts(line) for line in world.measured_log()] == [
        {"WebhooksAccepted": 1},
        {"WebhooksIgnored": 1},
        {"WebhooksMalformed": 1},
    ]


def test_the_reviewer_counts_a_posted_review_in_the_line_that_tells_of_it() -> None:
    function = Function()
    function.tally.count(Metric.MODEL_DOLLARS, 0.25)
    function.kept(record(GOOD))
    [line] = [line for line in function.lines if line["message"] == "Done"]
    assert counts(line)["ReviewsPosted"] == 1
    assert counts(line)["MemoryUsed"] == 25
    assert counts(line)["ModelDollars"] == 0.25


@pytest.mark.parametrize(
    ("ended", "metric"),
    [
        (Posted(github_review_id=1), Metric.REVIEWS_POSTED),
        (Skipped(reason=SkipReason.DRAFT), Metric.REVIEWS_SKIPPED),
        (Superseded(newer_head_sha="a" * 40), Metric.REVIEWS_SUPERSEDED),
        (Overtaken(looked_at=_NOW), Metric.REVIEWS_SUPERSEDED),
        (Failed(reason="x"), Metric.REVIEWS_FAILED),
        (RetryableError("x"), Metric.REVIEWS_POSTPONED),
        (Parked(reason=PULL_REQUEST_IS_TAKEN, until=_NOW), Metric.REVIEWS_POSTPONED),
        (NotFoundError("x"), Metric.REVIEWS_REFUSED),
        (ZeroDivisionError(), Metric.REVIEWS_CRASHED),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, Metric) else value.value,
)
def test_every_end_of_a_review_has_a_count(ended: object, metric: Metric) -> None:
    assert measured(ended, None, at=_NOW) == {metric: 1}


@pytest.mark.parametrize(
    ("reason", "metric"),
    [
        *((reason.value, Metric.REVIEWS_PARKED_FOR_LIMIT) for reason in AdmissionReason),
        (SHARE_IS_TAKEN, Metric.REVIEWS_PARKED_FOR_LIMIT),
        (WaitReason.RATE_LIMIT.value, Metric.REVIEWS_PARKED_FOR_THROTTLE),
        (WaitReason.OUTAGE.value, Metric.REVIEWS_PARKED_FOR_OUTAGE),
        (WaitReason.SETTLING.value, Metric.REVIEWS_PARKED_FOR_OUTAGE),
        ("paused: release week", Metric.REVIEWS_PARKED_FOR_SWITCH),
        ("posting is switched off", Metric.REVIEWS_PARKED_FOR_SWITCH),
    ],
)
def test_a_parked_review_is_counted_in_all_and_by_its_reason(reason: str, metric: Metric) -> None:
    assert measured(Parked(reason=reason, until=_NOW), None, at=_NOW) == {Metric.REVIEWS_PARKED: 1, metric: 1}


@pytest.mark.parametrize(
    ("cause", "metric"),
    [
        (WaitReason.RATE_LIMIT, Metric.REVIEWS_PARKED_FOR_THROTTLE),
        (WaitReason.OUTAGE, Metric.REVIEWS_PARKED_FOR_OUTAGE),
    ],
)
def test_a_message_that_waits_for_an_error_in_its_own_words_was_switched_by_nobody(
    cause: WaitReason, metric: Metric
) -> None:
    waiting = Parked(reason="GitHub answered 502", until=_NOW, cause=cause)
    assert measured(waiting, None, at=_NOW) == {Metric.REVIEWS_PARKED: 1, metric: 1}


def test_a_metrics_time_is_in_milliseconds() -> None:
    assert embedded({Metric.REVIEWS_POSTED: 1}, at=_NOW)["_aws"]["Timestamp"] == 1_773_576_060_000


def test_a_review_that_goes_on_waiting_is_not_counted_again() -> None:
    waiting = Parked(reason="paused: release week", until=_NOW, is_renewed=True)
    assert measured(waiting, None, at=_NOW) == {}


@pytest.mark.parametrize("stack", ["codereview-dev", "codereview-prod"])
def test_a_stacks_metrics_are_in_a_namespace_of_its_own(stack: str) -> None:
    stream, origin = io.StringIO(), Origin(namespace=namespace_of(stack))
    logger = function_logger(f"origin-{stack}", origin=origin)
    for handler in logger.handlers:
        cast("Any", handler).setStream(stream)
    logger.info("Done", **embedded({Metric.REVIEWS_POSTED: 1}, at=_NOW))
    JsonLog(stream.write, FakeClock(), service="webhook", level="INFO", origin=origin)(
        "INFO", "Webhook delivery", measured={Metric.WEBHOOKS_ACCEPTED: 1}
    )
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines] == [f"CodeReview/{stack}"] * 2


def test_failed_answers_are_told_apart_by_their_code_alone_and_not_written_where_nobody_named_it() -> None:
    values = {Metric.WEBHOOKS_FAILED: 1.0, Metric.ANSWERS_FAILED: 1.0}
    line = embedded(values, at=_NOW) | {"service": "webhook"}
    named = addressed(line, Origin(namespace="CodeReview", code="core:17"))
    assert (named["code"], counts(named)) == ("core:17", {"WebhooksFailed": 1, "AnswersFailed": 1})
    unnamed = addressed(line, Origin(namespace="CodeReview"))
    assert ("code" in unnamed, counts(unnamed)) == (False, {"WebhooksFailed": 1})
    assert "code" not in addressed(embedded({Metric.REVIEWS_POSTED: 1}, at=_NOW), Origin(namespace="n", code="c"))


def test_a_delivery_that_failed_counts_against_the_code_that_answered() -> None:
    world = World()
    world.queue.failure = RetryableError("SQS is down")
    assert world.deliver(pull_request("opened"))["statusCode"] == 503
    (line,) = world.measured_log()
    assert (counts(line), line["AnswersFailed"]) == ({"WebhooksFailed": 1}, 1)  # nobody named the code here


def test_no_values_make_no_metric_line() -> None:
    assert embedded({}, at=_NOW) == {}


def test_every_line_about_a_message_carries_its_delivery_and_whose_it_is() -> None:
    function = Function()
    function.kept(record(GOOD))
    function.kept(record("{}"))
    done, given_up = function.lines
    assert {name: done[name] for name in ("delivery", "tenant", "repository_id", "number", "ended")} == {
        "delivery": done["correlation_id"],
        "tenant": "github.com:1",
        "repository_id": 2,
        "number": 3,
        "ended": "Posted",
    }
    assert not {"delivery", "tenant", "number"} & set(given_up)


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Skipped(reason=SkipReason.DRAFT), {"ended": "Skipped", "because": "draft"}),
        (Parked(reason="paused: release week", until=_NOW), {"ended": "Parked", "because": "paused: release week"}),
        (Posted(github_review_id=1), {"ended": "Posted"}),
        (RetryableError("x"), {"ended": "RetryableError"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_line_says_how_it_ended_in_words_that_a_query_can_filter_by(ended: object, said: dict[str, str]) -> None:
    assert told(ended) == said


# --- what adapters observe


class Model:
    """A model that answers, or does not."""

    name = "m"
    is_mock = False

    def __init__(self, trouble: Exception | None) -> None:
        self.trouble = trouble

    def answer(self, _request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        assert deadline
        if self.trouble:
            raise self.trouble
        usage = Usage(input_tokens=1_000_000, output_tokens=100_000, cached_tokens=500_000)
        return ModelAnswer(text="{}", stop=StopReason.COMPLETE, usage=usage, model="m")


_PRICES = TokenPrices(read=3, cached=1, written=10)
_REQUEST = ModelRequest(agent="correctness", rules="r", change="c", task="t", schema={})


@pytest.mark.parametrize(
    ("trouble", "counted"),
    [
        (None, {Metric.MODEL_DOLLARS: 3.0}),
        (RetryableError("500"), {Metric.MODEL_ERRORS: 1}),
        (ForbiddenError("key"), {Metric.MODEL_ERRORS: 1}),
        (ThrottledError("429"), {Metric.MODEL_ERRORS: 1, Metric.MODEL_THROTTLES: 1}),
    ],
    ids=["answered", "failed", "refused", "throttled"],
)
def test_a_call_of_a_model_is_counted_by_its_cost_or_its_failure(
    trouble: Exception | None, counted: dict[Metric, float]
) -> None:
    tally = Tally()
    model = CountedModel(Model(trouble), tally, _PRICES)
    if trouble is None:
        model.answer(_REQUEST, deadline=timedelta(seconds=9))
    else:
        with pytest.raises(type(trouble)):
            model.answer(_REQUEST, deadline=timedelta(seconds=9))
    assert tally.take() == counted
    assert tally.take() == {}


def test_a_mock_costs_nothing() -> None:
    tally = Tally()
    CountedModel(MockModel(), tally, _PRICES).answer(_REQUEST, deadline=timedelta(seconds=9))
    assert tally.take() == {}


def test_the_least_that_any_installation_has_left_is_kept() -> None:
    tally = Tally()
    observe = watch_quota(tally)
    for limit, left in (("5000", "4999"), ("12500", "321"), ("5000", "4000"), ("60", "1"), ("5000", "x"), ("", "")):
        said = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": left, "x-ratelimit-reset": "1773576060"}
        observe(httpx.Response(200, headers=said))
    observe(httpx.Response(200))
    assert tally.take() == {Metric.GITHUB_QUOTA_LEFT: 321}


# --- the reconciler's finds

_REVIVED: dict[str, Any] = {"letters": 3, "is_moved": False, "generation": 1}
_numbers = count()


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (Redelivered(missing=9, asked=2, refused=1, left=4, given_up=8), {Metric.DELIVERIES_MISSED: 9}),
        (Redelivered(missing=0, asked=0, refused=0, left=0, given_up=1), {}),
        (Revived(letters=3, is_moved=False, generation=1), {Metric.DEAD_LETTERS: 3}),
        (Swept(sent=2), {Metric.HEADS_MISSED: 2}),
        (Released(sent=9, skipped=0, left=5, oldest_due_at=None), {Metric.WAITING_LEFT: 5}),
        ("anything else", {}),
    ],
    ids=str,
)
def test_the_reconciler_counts_what_should_not_have_been_there(outcome: object, counted: dict[Metric, float]) -> None:
    assert found_by(outcome) == counted


def _run_reconciler(*jobs: NamedJob) -> list[dict[str, Any]]:
    stream = io.StringIO()
    logger = function_logger(f"reconciler-test-{next(_numbers)}")
    for handler in logger.handlers:
        cast("Any", handler).setStream(stream)
    app = ReconcilerApp(clock=FakeClock(), jobs=jobs, logger=logger)
    with suppress(ZeroDivisionError):
        app.run(cast("LambdaContext", Context()))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _fails(error: Exception) -> Callable[[datetime], Any]:
    def run(_deadline: datetime) -> Any:
        raise error

    return run


@pytest.mark.parametrize(
    ("jobs", "failed"),
    [
        ([NamedJob(name="A", run=lambda _: None), NamedJob(name="B", run=lambda _: Revived(**_REVIVED))], 0),
        ([NamedJob(name="A", run=_fails(RetryableError("down"))), NamedJob(name="B", run=lambda _: None)], 1),
        ([NamedJob(name="A", run=_fails(ZeroDivisionError())), NamedJob(name="B", run=_fails(NotFoundError("x")))], 2),
    ],
    ids=["all well", "one that may work later", "a bug and another"],
)
def test_every_run_of_the_reconciler_says_how_many_jobs_failed_be_it_none(jobs: list[NamedJob], failed: int) -> None:
    lines = _run_reconciler(*jobs)
    assert counts(lines[-1]) == {"JobsFailed": failed}
    assert lines[-1]["outcomes"].get("A", "failed") in {"not due", "failed"}


def test_what_a_job_found_stands_in_its_line() -> None:
    lines = _run_reconciler(NamedJob(name="ReviewDeadLetters", run=lambda _: Revived(**_REVIVED)))
    assert (lines[0]["job"], counts(lines[0])) == ("ReviewDeadLetters", {"DeadLetters": 3})


# --- the enum and the code


def _uses() -> set[str]:
    """Name the members that any code but the enum's own mentions, other than in a test of what it is."""
    used = set[str]()
    for path in _PACKAGE.rglob("*.py"):
        if path.name == "metrics.py" and path.parent.name == "domain":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Metric":
                used.add(node.attr)
    return used


def test_every_member_of_the_enum_is_emitted_and_everything_emitted_is_a_member() -> None:
    assert _uses() == {metric.name for metric in Metric}


def test_no_metric_is_written_past_the_enum() -> None:
    for path in _PACKAGE.rglob("*.py"):
        source = path.read_text()
        assert not re.search(r"add_metric|put_metric_data|import Metrics\b|MetricUnit", source), path
        if path.name != "metrics.py":
            assert '"_aws"' not in source, path


def test_the_list_of_metrics_is_complete_and_names_no_other() -> None:
    document = (ROOT / "docs/telemetry.md").read_text().partition("## Metrics")[2]
    named = set(re.findall(r"`([A-Z][a-zA-Z]+)`", document)) - {"ModelPrices"}
    assert named == set(Metric)


def test_metrics_are_named_for_people_and_never_twice() -> None:
    assert len({metric.value.lower() for metric in Metric}) == len(Metric)
    assert all(re.fullmatch(r"(?:[A-Z][a-z]+|GitHub)+", metric.value) for metric in Metric)
