"""Which model a specification names: `mock`, `replay:FILE`, `bedrock:ID`, `anthropic:ID` or `openai:ID@URL`."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from codereview.adapters.http import outbound_client
from codereview.adapters.models import anthropic, openai
from codereview.adapters.models.mock import MockModel
from codereview.adapters.models.replay import replay_model
from codereview.domain.addresses import is_own_host
from codereview.errors import ConfigurationError
from codereview.model_ports import LanguageModel

FORMS = "mock, replay:FILE, bedrock:ID, anthropic:ID or openai:ID@URL"
_MODEL_ID = re.compile(r"[\w.:/+@-]{1,2048}", re.ASCII)
_ID_AT_URL = re.compile(r"(.*)@(\w+:.*)", re.DOTALL)
_KEY = re.compile(r"[\x21-\x7e]+")


def language_model(
    spec: str,
    *,
    api_key: str | None = None,
    bedrock_endpoint_url: str | None = None,
    anthropic_url: str | None = None,
    http: httpx.Client | None = None,
) -> LanguageModel:
    """Open the model that `spec` names; nothing is asked yet.

    The endpoints are AWS's and Anthropic's own unless given. Raises ConfigurationError where the specification, the key
    or a URL cannot be right, UserError for a replay file that cannot be read.
    """
    kind, _, rest = spec.strip().partition(":")
    match kind:
        case "mock" if not rest:
            return MockModel()
        case "replay" if rest:
            return replay_model(Path(rest))
        case "bedrock" if _MODEL_ID.fullmatch(rest):
            # Imported only where it is used: the SDK takes a third of a second.
            from codereview.adapters.models.bedrock import BedrockModel  # noqa: PLC0415

            return BedrockModel(rest, endpoint_url=bedrock_endpoint_url or None)
        case "anthropic" if _MODEL_ID.fullmatch(rest):
            url = _checked_url(anthropic_url or anthropic.DEFAULT_URL)
            key = _checked_key(api_key, f"anthropic:{rest}")
            return anthropic.AnthropicModel(rest, http=http or outbound_client(), api_key=key, url=url)
        case "openai":
            return _openai(rest, api_key=api_key, http=http)
    raise ConfigurationError(f"no such model: {spec[:200]!r}; expected {FORMS}")


def _openai(rest: str, *, api_key: str | None, http: httpx.Client | None) -> LanguageModel:
    """Split `ID@URL` at the @ before a scheme, since ids may begin with one; without a URL it is OpenAI's own.

    An id with an @ and no URL is refused: code meant for an endpoint whose scheme was forgotten must not go to OpenAI.
    """
    split = _ID_AT_URL.fullmatch(rest)
    model_id, url = split.groups() if split else (rest, openai.DEFAULT_URL)
    if not _MODEL_ID.fullmatch(model_id) or (split is None and "@" in model_id):
        raise ConfigurationError(f"no such model: {f'openai:{rest}'[:200]!r}; expected openai:ID@URL")
    url = _checked_url(url)
    is_own = is_own_host(urlsplit(url).hostname or "")
    key = None if is_own and not (api_key or "").strip() else _checked_key(api_key, f"openai:{model_id}")
    return openai.OpenAIModel(model_id, http=http or outbound_client(), api_key=key, url=url)


def _checked_url(url: str) -> str:
    """Accept https, and http on this machine only: key and code travel with every request."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"the model's URL is none: {url[:200]!r}") from error
    if parts.username or parts.password or parts.query or parts.fragment or port == 0:
        raise ConfigurationError("the model's URL may have neither user, password, query nor fragment")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_own_host(parts.hostname or ""))
    if not parts.hostname or not is_safe or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError(f"the model's URL has to be https, or http on this machine: {url[:200]!r}")
    return url


def _checked_key(api_key: str | None, name: str) -> str:
    """Accept a key that fits into a header; blanks around it come from copying."""
    key = (api_key or "").strip()
    if not key:
        raise ConfigurationError(f"{name} needs an API key")
    if not _KEY.fullmatch(key):
        raise ConfigurationError(f"the API key of {name} contains characters that no key has")
    return key
