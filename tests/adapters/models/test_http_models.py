"""What is sent to Anthropic and to OpenAI-compatible endpoints, and what each of their answers means."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from codereview.adapters.http import outbound_client
from codereview.adapters.models.anthropic import AnthropicModel
from codereview.adapters.models.openai import OpenAIModel
from codereview.domain.result import Usage
from codereview.errors import (
    CodeReviewError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownOutcomeError,
)
from codereview.model_ports import LanguageModel, ModelAnswer, ModelRequest, StopReason

DEADLINE = timedelta(seconds=5)
TEXT = '{"findings": []}'

Handler = Callable[[httpx.Request], httpx.Response]
Open = Callable[[Handler], LanguageModel]


def anthropic(handler: Handler) -> LanguageModel:
    http = outbound_client(transport=httpx.MockTransport(handler))
    return AnthropicModel("claude-test", http=http, api_key="the-key")


def openai(handler: Handler) -> LanguageModel:
    http = outbound_client(transport=httpx.MockTransport(handler))
    return OpenAIModel("gpt-test", http=http, api_key="the-key", url="https://models.example/v1/")


BOTH = pytest.mark.parametrize("open_model", [anthropic, openai])


def message(**changes: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 80,
        "cache_creation_input_tokens": 5,
        "output_tokens": 7,
    }
    content = [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": TEXT}]
    return {"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage} | changes


def completion(*, usage: Any = None, **choice: Any) -> dict[str, Any]:
    counted = {"prompt_tokens": 95, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 80}}
    said: dict[str, Any] = {"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    return {"choices": [said | choice], "usage": counted if usage is None else usage}


def ask(open_model: Open, request: ModelRequest, response: httpx.Response) -> ModelAnswer:
    return open_model(lambda _: response).answer(request, deadline=DEADLINE)


def sent_by(open_model: Open, request: ModelRequest, document: dict[str, Any]) -> httpx.Request:
    seen: list[httpx.Request] = []

    def handler(sent: httpx.Request) -> httpx.Response:
        seen.append(sent)
        return httpx.Response(200, json=document)

    open_model(handler).answer(request, deadline=DEADLINE)
    (sent,) = seen
    return sent


def test_anthropic_gets_the_shared_prefix_with_a_cache_mark_and_the_schema(question: ModelRequest) -> None:
    sent = sent_by(anthropic, question, message())
    assert str(sent.url) == "https://api.anthropic.com/v1/messages"
    assert (sent.headers["x-api-key"], sent.headers["anthropic-version"]) == ("the-key", "2023-06-01")
    assert json.loads(sent.content) == {
        "model": "claude-test",
        "max_tokens": 1_000,
        "system": [{"type": "text", "text": question.rules}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": question.change, "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": question.task},
                ],
            }
        ],
        "output_config": {"format": {"type": "json_schema", "schema": question.schema}},
    }


def test_an_openai_endpoint_gets_the_shared_prefix_first_and_the_strict_schema(question: ModelRequest) -> None:
    sent = sent_by(openai, question, completion())
    assert str(sent.url) == "https://models.example/v1/chat/completions"
    assert sent.headers["authorization"] == "Bearer the-key"
    assert json.loads(sent.content) == {
        "model": "gpt-test",
        "max_tokens": 1_000,
        "messages": [
            {"role": "system", "content": question.rules},
            {"role": "user", "content": f"{question.change}\n\n{question.task}"},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "review", "strict": True, "schema": question.schema},
        },
    }


def test_openai_itself_gets_the_limit_under_its_newer_name(question: ModelRequest) -> None:
    def open_model(handler: Handler) -> LanguageModel:
        return OpenAIModel("o9", http=outbound_client(transport=httpx.MockTransport(handler)), api_key="k")

    body = json.loads(sent_by(open_model, question, completion()).content)
    assert body["max_completion_tokens"] == 1_000
    assert "max_tokens" not in body


@pytest.mark.parametrize(("open_model", "document"), [(anthropic, message()), (openai, completion())])
def test_an_answer_is_its_text_with_all_input_tokens_counted(
    question: ModelRequest, open_model: Open, document: dict[str, Any]
) -> None:
    answer = ask(open_model, question, httpx.Response(200, json=document))
    assert (answer.text, answer.stop) == (TEXT, StopReason.COMPLETE)
    assert answer.usage == Usage(input_tokens=95, output_tokens=7, cached_tokens=80, calls=1)


STOPS: dict[str, tuple[Open, dict[str, Any], StopReason]] = {
    "anthropic max_tokens": (anthropic, message(stop_reason="max_tokens"), StopReason.TRUNCATED),
    "anthropic window": (anthropic, message(stop_reason="model_context_window_exceeded"), StopReason.TRUNCATED),
    "anthropic refusal": (anthropic, message(stop_reason="refusal"), StopReason.REFUSED),
    "anthropic stop sequence": (anthropic, message(stop_reason="stop_sequence"), StopReason.COMPLETE),
    "anthropic pause": (anthropic, message(stop_reason="pause_turn"), StopReason.TRUNCATED),
    "anthropic none": (anthropic, message(stop_reason=None), StopReason.TRUNCATED),
    "openai length": (openai, completion(finish_reason="length"), StopReason.TRUNCATED),
    "openai content filter": (openai, completion(finish_reason="content_filter"), StopReason.REFUSED),
    "openai refusal": (openai, completion(message={"content": None, "refusal": "I cannot"}), StopReason.REFUSED),
    "openai tool call": (openai, completion(finish_reason="tool_calls"), StopReason.TRUNCATED),
    "openai none": (openai, completion(finish_reason=None), StopReason.TRUNCATED),
    "openai no choice": (openai, {"choices": []}, StopReason.TRUNCATED),
}


@pytest.mark.parametrize(("open_model", "document", "stop"), STOPS.values(), ids=STOPS.keys())
def test_f56_only_a_whole_answer_is_complete(
    question: ModelRequest, open_model: Open, document: dict[str, Any], stop: StopReason
) -> None:
    assert ask(open_model, question, httpx.Response(200, json=document)).stop is stop


BROKEN: dict[str, Any] = {
    "missing": {},
    "null": None,
    "list": [1],
    "negative": {"input_tokens": -5, "output_tokens": -5, "prompt_tokens": -5, "completion_tokens": -5},
    "huge": {"input_tokens": 10**12, "output_tokens": 10**12, "prompt_tokens": 10**12, "completion_tokens": 10**12},
    "text": {"input_tokens": "95", "output_tokens": "7", "prompt_tokens": "95", "completion_tokens": "7"},
    "flag": {"input_tokens": True, "output_tokens": True, "prompt_tokens": True, "completion_tokens": True},
}


@pytest.mark.parametrize("usage", BROKEN.values(), ids=BROKEN.keys())
@BOTH
def test_b98_usage_that_cannot_be_right_is_estimated(question: ModelRequest, open_model: Open, usage: Any) -> None:
    document = message(usage=usage) if open_model is anthropic else completion() | {"usage": usage}
    counted = ask(open_model, question, httpx.Response(200, json=document)).usage
    characters = len(question.rules) + len(question.change) + len(question.task)
    assert counted == Usage(input_tokens=characters // 4, output_tokens=len(TEXT) // 4, cached_tokens=0, calls=1)


@BOTH
def test_b98_more_cached_than_input_is_cut(question: ModelRequest, open_model: Open) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}}
    document = message() if open_model is anthropic else completion(usage=usage)
    counted = ask(open_model, question, httpx.Response(200, json=document)).usage
    assert counted.cached_tokens <= counted.input_tokens


SHAPES: dict[str, dict[str, Any]] = {
    "no content": {"stop_reason": "end_turn", "choices": [{"finish_reason": "stop"}]},
    "content of the wrong type": {"content": "text", "choices": [{"message": {"content": 7}}]},
    "blocks of the wrong type": {"content": [7, {"text": 7}], "choices": [7]},
    "message of the wrong type": {"content": None, "choices": [{"message": "text"}]},
}


@pytest.mark.parametrize("document", SHAPES.values(), ids=SHAPES.keys())
@BOTH
def test_an_answer_without_text_is_empty(question: ModelRequest, open_model: Open, document: dict[str, Any]) -> None:
    assert ask(open_model, question, httpx.Response(200, json=document)).text == ""


def error(kind: str, text: str = "SENSITIVE", **more: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text} | more}


REFUSALS: dict[str, tuple[int, dict[str, Any], type[CodeReviewError]]] = {
    "bad request": (400, error("invalid_request_error"), RejectedError),
    "bad key": (401, error("authentication_error"), ForbiddenError),
    "no permission": (403, error("permission_error"), ForbiddenError),
    "unknown model": (404, error("not_found_error"), NotFoundError),
    "server timed out": (408, error("timeout"), RetryableError),
    "too large": (413, error("request_too_large"), RejectedError),
    "unprocessable": (422, error("invalid"), RejectedError),
    "rate limit": (429, error("rate_limit_error"), ThrottledError),
    "server error": (500, error("api_error"), RetryableError),
    "bad gateway": (502, {}, RetryableError),
    "unavailable": (503, error("server_error"), RetryableError),
    "gateway timed out": (504, error("timeout_error"), RetryableError),
    "overloaded": (529, error("overloaded_error"), RetryableError),
    "redirect": (302, {}, PermanentError),
    "error after a 200": (200, error("overloaded_error"), RetryableError),
    "anthropic's monthly cap": (
        429,
        error("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}),
        ForbiddenError,
    ),
    "anthropic's own limit": (
        400,
        error("invalid_request_error", "You have reached your specified API usage limits."),
        ForbiddenError,
    ),
    "anthropic's credit": (400, error("invalid_request_error", "Your credit balance is too low"), ForbiddenError),
    "payment required": (402, error("billing_error"), ForbiddenError),
    "openai's quota": (429, error("insufficient_quota", code="insufficient_quota"), ForbiddenError),
    "openai's project limit": (429, error("requests", code="project_spend_limit_exceeded"), ForbiddenError),
}


@pytest.mark.parametrize(("status", "document", "expected"), REFUSALS.values(), ids=REFUSALS.keys())
@BOTH
def test_f55_each_refusal_has_its_class_and_is_not_repeated(
    question: ModelRequest, open_model: Open, status: int, document: dict[str, Any], expected: type[CodeReviewError]
) -> None:
    calls: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(status, json=document)

    with pytest.raises(CodeReviewError) as caught:
        open_model(handler).answer(question, deadline=DEADLINE)
    assert type(caught.value) is expected
    assert len(calls) == 1
    assert str(status) in str(caught.value)
    assert "SENSITIVE" not in str(caught.value)
    assert "the-key" not in str(caught.value)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("", 60), ("-1", 60), ("99999999", 3_600)])
@BOTH
def test_b99_a_throttled_call_waits_as_told_or_a_minute(
    question: ModelRequest, open_model: Open, header: str, seconds: int
) -> None:
    response = httpx.Response(429, headers={"Retry-After": header}, json=error("rate_limit_error"))
    with pytest.raises(ThrottledError) as caught:
        ask(open_model, question, response)
    assert caught.value.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"choices": ', b"[" * 100_000])
@BOTH
def test_f53_a_success_that_is_not_the_documented_json_may_be_asked_again(
    question: ModelRequest, open_model: Open, body: bytes
) -> None:
    with pytest.raises(RetryableError):
        ask(open_model, question, httpx.Response(200, content=body))


@pytest.mark.parametrize("failure", [httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError])
@BOTH
def test_f56_a_lost_answer_may_be_asked_again_since_asking_changes_nothing(
    question: ModelRequest, open_model: Open, failure: type[httpx.TransportError]
) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise failure("lost")

    with pytest.raises(RetryableError) as caught:
        open_model(handler).answer(question, deadline=DEADLINE)
    assert not isinstance(caught.value, UnknownOutcomeError)
