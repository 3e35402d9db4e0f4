"""What is sent to Bedrock, and what each of its answers means: the real SDK against a loopback server."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from codereview.adapters.models.bedrock import BedrockModel
from codereview.domain.result import Usage
from codereview.errors import (
    CodeReviewError,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from codereview.model_ports import ModelAnswer, ModelRequest, StopReason

TEXT = '{"findings": []}'
USAGE = {
    "inputTokens": 10,
    "outputTokens": 7,
    "totalTokens": 17,
    "cacheReadInputTokens": 80,
    "cacheWriteInputTokens": 5,
}


def converse(**changes: Any) -> dict[str, Any]:
    content = [{"reasoningContent": {"reasoningText": {"text": "…"}}}, {"text": TEXT}]
    output = {"message": {"role": "assistant", "content": content}}
    return {"output": output, "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 1}} | changes


@dataclass
class Bedrock:
    """Answers every call alike, after a while if told so."""

    url: str = ""
    status: int = 200
    kind: str = ""
    body: bytes = field(default_factory=lambda: json.dumps(converse()).encode())
    pause: float = 0
    is_over: threading.Event = field(default_factory=threading.Event)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def ask(self, request: ModelRequest, model_id: str = "anthropic.claude", *, seconds: float = 10) -> ModelAnswer:
        session = boto3.Session("key", "secret", region_name="eu-central-1")
        model = BedrockModel(model_id, endpoint_url=self.url, session=session)
        return model.answer(request, deadline=timedelta(seconds=seconds))


@pytest.fixture
def bedrock() -> Iterator[Bedrock]:
    world = Bedrock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            world.calls.append((self.path, json.loads(body)))
            world.is_over.wait(world.pause)
            self.send_response(world.status)
            if world.kind:
                self.send_header("x-amzn-ErrorType", world.kind)
            self.send_header("Content-Length", str(len(world.body)))
            self.end_headers()
            self.wfile.write(world.body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        world.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield world
        world.is_over.set()
        server.shutdown()
        thread.join()


def test_bedrock_gets_the_shared_prefix_with_a_cache_point_and_the_schema(
    bedrock: Bedrock, question: ModelRequest
) -> None:
    bedrock.ask(question, "eu.anthropic.claude-test-v1:0")
    ((path, body),) = bedrock.calls
    assert path == "/model/eu.anthropic.claude-test-v1%3A0/converse"
    schema = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"].pop("schema")
    assert json.loads(schema) == question.schema
    assert body == {
        "system": [{"text": question.rules}],
        "messages": [
            {
                "role": "user",
                "content": [{"text": question.change}, {"cachePoint": {"type": "default"}}, {"text": question.task}],
            }
        ],
        "inferenceConfig": {"maxTokens": 1_000},
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "review"}}}},
    }


@pytest.mark.parametrize(
    ("model_id", "is_cached"),
    [
        ("us.amazon.nova-pro-v1:0", True),
        ("arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc", True),
        ("qwen.qwen3-coder-480b-a35b-v1:0", False),
        ("arn:aws:bedrock:eu-central-1:123456789012:imported-model/abc", False),
    ],
)
def test_a_model_that_refuses_cache_points_gets_none(
    bedrock: Bedrock, question: ModelRequest, model_id: str, *, is_cached: bool
) -> None:
    bedrock.ask(question, model_id)
    content = bedrock.calls[0][1]["messages"][0]["content"]
    assert any("cachePoint" in block for block in content) == is_cached


def test_an_answer_is_its_text_with_all_input_tokens_counted(bedrock: Bedrock, question: ModelRequest) -> None:
    answer = bedrock.ask(question)
    assert (answer.text, answer.stop, answer.model) == (TEXT, StopReason.COMPLETE, "bedrock:anthropic.claude")
    assert answer.usage == Usage(input_tokens=95, output_tokens=7, cached_tokens=80, calls=1)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop_sequence", StopReason.COMPLETE),
        ("max_tokens", StopReason.TRUNCATED),
        ("model_context_window_exceeded", StopReason.TRUNCATED),
        ("malformed_model_output", StopReason.TRUNCATED),
        ("tool_use", StopReason.TRUNCATED),
        ("something new", StopReason.TRUNCATED),
        ("guardrail_intervened", StopReason.REFUSED),
        ("content_filtered", StopReason.REFUSED),
    ],
)
def test_f56_only_a_whole_answer_is_complete(
    bedrock: Bedrock, question: ModelRequest, reason: str, stop: StopReason
) -> None:
    bedrock.body = json.dumps(converse(stopReason=reason)).encode()
    assert bedrock.ask(question).stop is stop


@pytest.mark.parametrize("usage", [None, {}, {"inputTokens": -1, "outputTokens": -1}, {"inputTokens": 10**12}])
def test_b98_usage_that_cannot_be_right_is_estimated(bedrock: Bedrock, question: ModelRequest, usage: Any) -> None:
    bedrock.body = json.dumps(converse(usage=usage)).encode()
    characters = len(question.rules) + len(question.change) + len(question.task)
    expected = Usage(input_tokens=characters // 4, output_tokens=len(TEXT) // 4, cached_tokens=0, calls=1)
    assert bedrock.ask(question).usage == expected


@pytest.mark.parametrize("document", [{"output": {"message": {}}}, {"output": {"message": {"content": []}}}])
def test_an_answer_without_text_is_empty(bedrock: Bedrock, question: ModelRequest, document: dict[str, Any]) -> None:
    bedrock.body = json.dumps(document).encode()
    answer = bedrock.ask(question)
    assert (answer.text, answer.stop) == ("", StopReason.TRUNCATED)


REFUSALS: list[tuple[int, str, type[CodeReviewError]]] = [
    (400, "ValidationException", RejectedError),
    (403, "AccessDeniedException", ForbiddenError),
    (403, "ExpiredTokenException", ForbiddenError),
    (403, "UnrecognizedClientException", ForbiddenError),
    (404, "ResourceNotFoundException", NotFoundError),
    (408, "ModelTimeoutException", RetryableError),
    (413, "RequestEntityTooLargeException", PermanentError),
    (424, "ModelErrorException", RetryableError),
    (429, "ThrottlingException", ThrottledError),
    (429, "ModelNotReadyException", RetryableError),
    (400, "ServiceQuotaExceededException", ThrottledError),
    (500, "InternalServerException", RetryableError),
    (503, "ServiceUnavailableException", RetryableError),
    (502, "", RetryableError),
    (418, "SomethingNewException", PermanentError),
]


@pytest.mark.parametrize(("status", "kind", "expected"), REFUSALS)
def test_f55_f58_each_refusal_has_its_class_and_the_sdk_does_not_repeat_it(
    bedrock: Bedrock, question: ModelRequest, status: int, kind: str, expected: type[CodeReviewError]
) -> None:
    bedrock.status, bedrock.kind, bedrock.body = status, kind, b'{"message": "SENSITIVE"}'
    with pytest.raises(CodeReviewError) as caught:
        bedrock.ask(question)
    assert type(caught.value) is expected
    assert len(bedrock.calls) == 1
    assert "SENSITIVE" not in str(caught.value)
    if isinstance(caught.value, RetryableError):
        assert caught.value.retry_after is not None


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"output": ', b'{"output": {}}', b"\xff\xfe"])
def test_f53_a_success_that_is_not_json_may_be_asked_again(
    bedrock: Bedrock, question: ModelRequest, body: bytes
) -> None:
    bedrock.body = body
    with pytest.raises(RetryableError):
        bedrock.ask(question)


def test_a_model_that_takes_too_long_may_be_asked_again(bedrock: Bedrock, question: ModelRequest) -> None:
    bedrock.pause = 3600
    with pytest.raises(RetryableError):
        bedrock.ask(question, seconds=1)
    assert len(bedrock.calls) == 1


def test_f54_an_unreachable_endpoint_may_be_asked_again(question: ModelRequest) -> None:
    with pytest.raises(RetryableError):
        Bedrock(url="http://127.0.0.1:1").ask(question)


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def unset(*names: str) -> None:
        for name in names:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")

    return unset


def test_b100_missing_credentials_are_a_matter_of_the_deployment(
    question: ModelRequest, bare_environment: Callable[..., None]
) -> None:
    bare_environment("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
    model = BedrockModel("m", session=boto3.Session(region_name="eu-central-1"))
    with pytest.raises(ConfigurationError):
        model.answer(question, deadline=timedelta(seconds=1))


def test_b100_a_missing_region_is_a_matter_of_the_deployment(
    question: ModelRequest, bare_environment: Callable[..., None]
) -> None:
    bare_environment("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE")
    model = BedrockModel("m", session=boto3.Session("key", "secret"))
    with pytest.raises(ConfigurationError):
        model.answer(question, deadline=timedelta(seconds=1))
