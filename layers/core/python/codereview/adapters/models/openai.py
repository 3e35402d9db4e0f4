"""Any endpoint that speaks OpenAI's chat completions, with the answer constrained to the schema."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from codereview.adapters.models.provider import post, usage_of
from codereview.model_ports import ModelAnswer, ModelRequest, StopReason

DEFAULT_URL = "https://api.openai.com/v1"
_OPENAI_HOST = "api.openai.com"
_STOPS = {"stop": StopReason.COMPLETE, "content_filter": StopReason.REFUSED}
_USAGE = {"input": ("prompt_tokens",), "output": ("completion_tokens",), "cached": ("cached_tokens",)}


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint; `url` is its base, usually ending in `/v1`."""

    is_mock = False

    def __init__(self, model_id: str, *, http: httpx.Client, api_key: str | None, url: str = DEFAULT_URL) -> None:
        """Ask the model of that id; endpoints on the own machine often want no key."""
        self.name = f"openai:{model_id}"
        self._model_id = model_id
        self._http = http
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._url = f"{url.rstrip('/')}/chat/completions"
        # OpenAI's newer models refuse `max_tokens`; of the others, not all know its successor.
        is_openai = urlsplit(url).hostname == _OPENAI_HOST
        self._limit_field = "max_completion_tokens" if is_openai else "max_tokens"

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask once; see model_ports.LanguageModel."""
        document = post(self._http, self._url, headers=self._headers, body=self._body(request), deadline=deadline)
        choice = _first(document.get("choices"))
        message = _object(choice.get("message"))
        text = message.get("content") if isinstance(message.get("content"), str) else ""
        usage = _object(document.get("usage"))
        cached = _object(usage.get("prompt_tokens_details")).get("cached_tokens")
        return ModelAnswer(
            text=str(text),
            stop=_stop(choice, message),
            usage=usage_of(request, str(text), {**usage, "cached_tokens": cached}, _USAGE),
            model=self.name,
        )

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        """Put change and task into one message: chat templates of open models refuse two of the user in a row."""
        return {
            "model": self._model_id,
            self._limit_field: request.max_output_tokens,
            "messages": [
                {"role": "system", "content": request.rules},
                {"role": "user", "content": f"{request.change}\n\n{request.task}"},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "review", "strict": True, "schema": request.schema},
            },
        }


def _stop(choice: dict[str, Any], message: dict[str, Any]) -> StopReason:
    if message.get("refusal"):
        return StopReason.REFUSED
    return _STOPS.get(str(choice.get("finish_reason")), StopReason.TRUNCATED)


def _first(values: Any) -> dict[str, Any]:
    return _object(values[0]) if isinstance(values, list) and values else {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
