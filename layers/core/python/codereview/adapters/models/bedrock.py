"""Models of Amazon Bedrock by its Converse API: the shared prefix cached, the answer constrained to the schema."""

import json
import threading
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions as aws
from botocore.config import Config
from botocore.parsers import ResponseParserError

from codereview.adapters.models.provider import SHORTEST_WAIT, usage_of
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

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient
    from types_boto3_bedrock_runtime.type_defs import ConverseRequestTypeDef, JsonSchemaDefinitionTypeDef

_CONNECT_SECONDS = 5
_SERVER_ERRORS_FROM = 500
# https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html: other models refuse a cache point. What is
# behind an application inference profile cannot be seen from its id.
_CACHING = ("anthropic.", "amazon.nova", ":application-inference-profile/")
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; any other is no complete answer.
_STOPS = {
    "end_turn": StopReason.COMPLETE,
    "stop_sequence": StopReason.COMPLETE,
    "guardrail_intervened": StopReason.REFUSED,
    "content_filtered": StopReason.REFUSED,
}
_USAGE = {
    "input": ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
    "output": ("outputTokens",),
    "cached": ("cacheReadInputTokens",),
}
_ERRORS: Mapping[str, type[CodeReviewError]] = {
    "ThrottlingException": ThrottledError,
    "ServiceQuotaExceededException": ThrottledError,
    "ModelNotReadyException": RetryableError,
    "ModelTimeoutException": RetryableError,
    "ModelErrorException": RetryableError,
    "ModelStreamErrorException": RetryableError,
    "InternalServerException": RetryableError,
    "ServiceUnavailableException": RetryableError,
    "AccessDeniedException": ForbiddenError,
    "ExpiredTokenException": ForbiddenError,
    "UnrecognizedClientException": ForbiddenError,
    "ResourceNotFoundException": NotFoundError,
    "ValidationException": RejectedError,
}
_NOT_SET_UP = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.ProfileNotFound,
    aws.NoRegionError,
    aws.InvalidRegionError,
)
_UNREADABLE = (ResponseParserError, json.JSONDecodeError, UnicodeDecodeError)
_UNREACHABLE = (aws.HTTPClientError, aws.ConnectionError, aws.CredentialRetrievalError, aws.IncompleteReadError)


class BedrockModel:
    """A model, inference profile or imported model of Bedrock, by its id or ARN."""

    is_mock = False

    def __init__(self, model_id: str, *, endpoint_url: str | None = None, session: boto3.Session | None = None) -> None:
        """Ask the model of that id, with the credentials and region of the environment."""
        self.name = f"bedrock:{model_id}"
        self._model_id = model_id
        self._endpoint_url = endpoint_url
        self._session = session or boto3.Session()
        self._making = threading.Lock()

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask once; see model_ports.LanguageModel."""
        try:
            with closing(self._client(deadline)) as client:
                response = client.converse(**self._body(request))
        except (aws.ClientError, aws.BotoCoreError, ResponseParserError, ValueError) as error:
            raise _failure(error) from error
        if not response.get("output"):  # the SDK lets bodies through that are no JSON
            raise RetryableError("Bedrock answered with something else than its documented JSON")
        text = _text(response["output"])
        return ModelAnswer(
            text=text,
            stop=_STOPS.get(response.get("stopReason", ""), StopReason.TRUNCATED),
            usage=usage_of(request, text, response.get("usage"), _USAGE),
            model=self.name,
        )

    def _client(self, deadline: timedelta) -> "BedrockRuntimeClient":
        """Make a client whose read time-out is the deadline, which cannot be given with a call.

        An answer that does not stream comes in one piece, so that the time-out of the one read bounds the call.
        """
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=max(deadline.total_seconds(), 1),
            retries={"total_max_attempts": 1},
        )
        with (
            self._making
        ):  # sessions are not safe to share: https://docs.aws.amazon.com/boto3/latest/guide/session.html
            return self._session.client("bedrock-runtime", endpoint_url=self._endpoint_url, config=config)

    def _body(self, request: ModelRequest) -> "ConverseRequestTypeDef":
        """Put what all agents share first, and the cache point behind it."""
        schema: JsonSchemaDefinitionTypeDef = {"name": "review", "schema": json.dumps(request.schema)}
        content: list[Any] = [{"text": request.change}, {"text": request.task}]
        if any(mark in self._model_id for mark in _CACHING):
            content.insert(1, {"cachePoint": {"type": "default"}})
        return {
            "modelId": self._model_id,
            "system": [{"text": request.rules}],
            "messages": [{"role": "user", "content": content}],
            "inferenceConfig": {"maxTokens": request.max_output_tokens},
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}},
        }


def _text(output: Any) -> str:
    message = output.get("message") if isinstance(output, dict) else None
    blocks = message.get("content") if isinstance(message, dict) else None
    texts = [block.get("text") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return "".join(text for text in texts if isinstance(text, str))


def _failure(error: Exception) -> CodeReviewError:
    """Say what an error of the SDK means; the service's own words stay with the traceback."""
    if isinstance(error, _NOT_SET_UP):
        return ConfigurationError(f"Bedrock cannot be called: {error}")
    if isinstance(error, _UNREADABLE):
        return RetryableError(f"Bedrock's answer cannot be read ({type(error).__name__})")
    if isinstance(error, _UNREACHABLE):
        return RetryableError(f"Bedrock gave no answer ({type(error).__name__})")
    if not isinstance(error, aws.ClientError):
        return PermanentError(f"the request to Bedrock could not be made ({type(error).__name__})")
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = _ERRORS.get(code, RetryableError if status >= _SERVER_ERRORS_FROM else PermanentError)
    said = f"Bedrock answered {status} ({code})"
    return kind(said, retry_after=SHORTEST_WAIT) if issubclass(kind, RetryableError) else kind(said)
