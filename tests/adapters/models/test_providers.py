"""All three providers, asked over real sockets by the code that asks in production."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import boto3
import httpx
import pytest

from codereview.adapters.http import outbound_client
from codereview.adapters.models.anthropic import AnthropicModel
from codereview.adapters.models.bedrock import BedrockModel
from codereview.adapters.models.openai import OpenAIModel
from codereview.domain.result import Usage
from codereview.errors import RejectedError, RetryableError, ThrottledError
from codereview.model_ports import LanguageModel, ModelRequest, StopReason

from .conftest import Aimock

DEADLINE = timedelta(seconds=10)
ANSWER = '{"findings": ["é"]}'

Make = Callable[[str, httpx.Client], LanguageModel]
Open = Callable[[str], LanguageModel]


def anthropic(url: str, http: httpx.Client) -> LanguageModel:
    return AnthropicModel("claude-test", http=http, api_key="key", url=url)


def openai(url: str, http: httpx.Client) -> LanguageModel:
    return OpenAIModel("gpt-test", http=http, api_key="key", url=f"{url}/v1")


def bedrock(url: str, _http: httpx.Client) -> LanguageModel:
    session = boto3.Session("key", "secret", region_name="eu-central-1")
    return BedrockModel("anthropic.claude-test-v1:0", endpoint_url=url, session=session)


@pytest.fixture
def open_model(request: pytest.FixtureRequest) -> Iterator[Open]:
    make: Make = request.param
    with outbound_client() as http:
        yield lambda url: make(url, http)


ALL = pytest.mark.parametrize("open_model", [anthropic, openai, bedrock], indirect=True)
# The stand-in's Bedrock errors lack their type, so that Bedrock's table is tested in test_bedrock.py.
BOTH = pytest.mark.parametrize("open_model", [anthropic, openai], indirect=True)


@ALL
def test_an_answer_comes_back_character_by_character(aimock: Aimock, question: ModelRequest, open_model: Open) -> None:
    aimock.says(ANSWER)
    model = open_model(aimock.url)
    answer = model.answer(question, deadline=DEADLINE)
    assert (answer.text, answer.stop, answer.model) == (ANSWER, StopReason.COMPLETE, model.name)
    assert not model.is_mock


@ALL
def test_the_provider_understands_rules_change_and_task_in_this_order(
    aimock: Aimock, question: ModelRequest, open_model: Open
) -> None:
    open_model(aimock.url).answer(question, deadline=DEADLINE)
    (entry,) = aimock.requests()
    messages = entry["body"]["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"] == question.rules
    said = str(messages[1]["content"])
    assert said.index("=== file: app.py") < said.index("x = 1") < said.index("TASK")


@ALL
def test_an_answer_that_was_cut_says_so(aimock: Aimock, question: ModelRequest, open_model: Open) -> None:
    aimock.says('{"findings": [', finishReason="length")
    assert open_model(aimock.url).answer(question, deadline=DEADLINE).stop is StopReason.TRUNCATED


@ALL
def test_usage_is_what_the_provider_counted(aimock: Aimock, question: ModelRequest, open_model: Open) -> None:
    aimock.says(ANSWER, usage={"input_tokens": 70, "output_tokens": 7, "prompt_tokens": 70, "completion_tokens": 7})
    usage = open_model(aimock.url).answer(question, deadline=DEADLINE).usage
    assert usage == Usage(input_tokens=70, output_tokens=7, cached_tokens=0, calls=1)


@BOTH
def test_f55_a_throttled_call_says_how_long_to_wait_and_is_not_repeated(
    aimock: Aimock, question: ModelRequest, open_model: Open
) -> None:
    aimock.refuses(429, "rate_limit_error")
    with pytest.raises(ThrottledError) as caught:
        open_model(aimock.url).answer(question, deadline=DEADLINE)
    assert caught.value.retry_after == timedelta(seconds=1)
    assert len(aimock.requests()) == 1


@BOTH
def test_f55_an_overloaded_provider_is_no_limit_of_ours(
    aimock: Aimock, question: ModelRequest, open_model: Open
) -> None:
    aimock.refuses(529, "overloaded_error")
    with pytest.raises(RetryableError) as caught:
        open_model(aimock.url).answer(question, deadline=DEADLINE)
    assert type(caught.value) is RetryableError
    assert len(aimock.requests()) == 1


@BOTH
def test_f55_a_request_that_is_too_large_is_not_repeated(
    aimock: Aimock, question: ModelRequest, open_model: Open
) -> None:
    aimock.refuses(413, "request_too_large")
    with pytest.raises(RejectedError):
        open_model(aimock.url).answer(question, deadline=DEADLINE)
    assert len(aimock.requests()) == 1
