"""Claude by Anthropic's Messages API: the shared prefix is cached, the answer is constrained to the schema."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from codereview.adapters.models.provider import post, usage_of
from codereview.model_ports import ModelAnswer, ModelRequest, StopReason

DEFAULT_URL = "https://api.anthropic.com"
_VERSION = "2023-06-01"
# https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons; any other is no complete answer.
_STOPS = {"end_turn": StopReason.COMPLETE, "stop_sequence": StopReason.COMPLETE, "refusal": StopReason.REFUSED}
_USAGE = {
    "input": ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    "output": ("output_tokens",),
    "cached": ("cache_read_input_tokens",),
}


class AnthropicModel:
    """A model behind Anthropic's API."""

    is_mock = False

    def __init__(self, model_id: str, *, http: httpx.Client, api_key: str, url: str = DEFAULT_URL) -> None:
        """Ask the model of that id with the key."""
        self.name = f"anthropic:{model_id}"
        self._model_id = model_id
        self._http = http
        self._headers = {"x-api-key": api_key, "anthropic-version": _VERSION}
        self._url = f"{url.rstrip('/')}/v1/messages"

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask once; see model_ports.LanguageModel."""
        document = post(self._http, self._url, headers=self._headers, body=self._body(request), deadline=deadline)
        text = _text(document)
        return ModelAnswer(
            text=text,
            stop=_STOPS.get(str(document.get("stop_reason")), StopReason.TRUNCATED),
            usage=usage_of(request, text, document.get("usage"), _USAGE),
            model=self.name,
        )

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        """Put what all agents share first; `output_config` has been stable, without a beta header, since 2026."""
        change = {"type": "text", "text": request.change, "cache_control": {"type": "ephemeral"}}
        return {
            "model": self._model_id,
            "max_tokens": request.max_output_tokens,
            "system": [{"type": "text", "text": request.rules}],
            "messages": [{"role": "user", "content": [change, {"type": "text", "text": request.task}]}],
            "output_config": {"format": {"type": "json_schema", "schema": request.schema}},
        }


def _text(document: Mapping[str, Any]) -> str:
    blocks = document.get("content")
    texts = [block.get("text") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return "".join(text for text in texts if isinstance(text, str))
