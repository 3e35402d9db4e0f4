"""Models whose answers break off, drip or never come, over real sockets: each may be asked again."""

from collections.abc import Callable
from datetime import timedelta

import boto3
import pytest

from codereview.adapters.http import outbound_client
from codereview.adapters.models.anthropic import AnthropicModel
from codereview.adapters.models.bedrock import BedrockModel
from codereview.adapters.models.openai import OpenAIModel
from codereview.errors import RetryableError
from codereview.model_ports import LanguageModel, ModelRequest
from tests.adapters.test_http import RawServer, Script, drip, drip_body, respond, serve, stay_silent

__all__ = ["serve"]  # a fixture

CUT: dict[str, Script] = {
    "no answer": respond(b""),
    "cut headers": respond(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut body": respond(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"output": '),
}
LATE = {"silence": stay_silent, "dripping headers": drip, "dripping body": drip_body}


def anthropic(url: str) -> LanguageModel:
    return AnthropicModel("claude-test", http=outbound_client(), api_key="key", url=url)


def openai(url: str) -> LanguageModel:
    return OpenAIModel("gpt-test", http=outbound_client(), api_key="key", url=url)


def bedrock(url: str) -> LanguageModel:
    session = boto3.Session("key", "secret", region_name="eu-central-1")
    return BedrockModel("anthropic.claude", endpoint_url=url, session=session)


@pytest.mark.parametrize("script", CUT.values(), ids=CUT.keys())
@pytest.mark.parametrize("open_model", [anthropic, openai, bedrock])
def test_f53_f56_a_model_that_breaks_off_may_be_asked_again(
    serve: Callable[[Script], RawServer],
    question: ModelRequest,
    open_model: Callable[[str], LanguageModel],
    script: Script,
) -> None:
    server = serve(script)
    with pytest.raises(RetryableError):
        open_model(server.url).answer(question, deadline=timedelta(seconds=60))
    assert server.connections == 1


@pytest.mark.parametrize("script", LATE.values(), ids=LATE.keys())
@pytest.mark.parametrize("open_model", [anthropic, openai])
def test_f53_a_model_that_never_ends_its_answer_is_left_at_the_deadline(
    serve: Callable[[Script], RawServer],
    question: ModelRequest,
    open_model: Callable[[str], LanguageModel],
    script: Script,
) -> None:
    server = serve(script)
    with pytest.raises(RetryableError):
        open_model(server.url).answer(question, deadline=timedelta(seconds=0.5))
    assert server.connections == 1
