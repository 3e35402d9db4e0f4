"""Functions run as on AWS: their own code, their own layers, the runtime client, and nothing of ours."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.infra.emulator.conftest import Tiny


def _invoke(stack: Tiny, event: Any, function: str = "EchoFunctionName") -> Any:
    answer = stack.client("lambda").invoke(FunctionName=stack.output(function), Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def _seen(stack: Tiny) -> Any:
    return json.loads(_invoke(stack, {})["body"])


def test_the_gap_the_pinned_emulator_lends_functions_its_own_packages(bare: Tiny) -> None:
    seen = _seen(bare)
    assert "ministack" in seen["foreign"]
    assert not seen["awslambdaric"]


def test_a_function_finds_no_package_that_it_did_not_bring(tiny: Tiny) -> None:
    seen = _seen(tiny)
    assert seen["foreign"] == []
    assert seen["awslambdaric"]


def test_a_function_finds_what_its_layer_holds(tiny: Tiny) -> None:
    assert _seen(tiny)["greeting"] == "good day"


def test_a_function_sees_the_variables_of_lambda_and_its_own_and_no_others(tiny: Tiny) -> None:
    added_by_the_interpreter = {"LC_CTYPE", "PWD"}
    assert set(_seen(tiny)["environment"]) - added_by_the_interpreter == {
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_FORMAT",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_LEVEL",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "COLOUR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "PATH",
        "PYTHONPATH",
        "TMPDIR",
        "TZ",
        "_HANDLER",
    }


def test_the_first_invocations_may_come_all_at_once(tiny: Tiny) -> None:
    functions = tiny.client("lambda")
    functions.update_function_configuration(FunctionName=tiny.output("EchoFunctionName"), Environment={"Variables": {}})
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: _invoke(tiny, {"number": number}), range(6)))
    assert [json.loads(answer["body"])["event"]["number"] for answer in answers] == list(range(6))


def test_a_function_is_stopped_at_its_timeout(tiny: Tiny) -> None:
    functions = tiny.client("lambda")
    name = tiny.output("BatchFunctionName")
    functions.update_function_configuration(FunctionName=name, Timeout=1, Handler="handler.sleep")
    try:
        answer = _invoke(tiny, {}, "BatchFunctionName")
        assert "Task timed out after 1.00 seconds" in answer["errorMessage"]
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=5, Handler="handler.handle_batch")


@contextmanager
def holding(stack: Tiny) -> Iterator[str]:
    """Have a function hold memory, of which it may have 128 MB."""
    functions, name = stack.client("lambda"), stack.output("BatchFunctionName")
    functions.update_function_configuration(FunctionName=name, Timeout=30, MemorySize=128, Handler="handler.hold")
    try:
        yield "BatchFunctionName"
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=5, Handler="handler.handle_batch")


def test_the_gap_the_pinned_emulator_lets_a_function_hold_more_than_its_memory(bare: Tiny) -> None:
    with holding(bare) as function:
        assert _invoke(bare, {"megabytes": 200, "seconds": 1}, function) == 200 * 1024 * 1024


def test_a_function_that_holds_more_than_its_memory_is_killed_and_the_next_call_works(tiny: Tiny) -> None:
    with holding(tiny) as function:
        answer = _invoke(tiny, {"megabytes": 200, "seconds": 20}, function)
        assert answer["errorType"] == "Runtime.ExitError"
        assert _invoke(tiny, {"megabytes": 20, "seconds": 1}, function) == 20 * 1024 * 1024


def test_what_a_function_prints_is_in_its_log_group(tiny: Tiny) -> None:
    _seen(tiny)
    events = tiny.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{tiny.output('EchoFunctionName')}")
    assert "a line of the function" in [event["message"] for event in events["events"]]
