"""The webhook's secret for the webhook function, without the SDK."""

import json
from typing import TYPE_CHECKING

from codereview.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from codereview.adapters.aws.json_protocol import JsonService


class LeanWebhookSecret:
    """Reads `{"current": "...", "previous": "..."}`; `previous` is there while the secret is being rotated."""

    def __init__(self, secrets_manager: "JsonService", arn: str) -> None:
        """Read the secret at `arn`."""
        self._secrets_manager = secrets_manager
        self._arn = arn

    def read(self) -> tuple[bytes, ...]:
        """Return the secrets, the current one first; raises ConfigurationError if that is missing or empty."""
        try:
            answer = self._secrets_manager.call("secretsmanager.GetSecretValue", {"SecretId": self._arn})
        except NotFoundError as error:
            raise ConfigurationError("the webhook secret has no value yet") from error
        text = answer.get("SecretString")
        try:
            values = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            # Not chained: the parser's error carries the text of the secret.
            raise ConfigurationError("the webhook secret is not JSON") from None
        if not isinstance(values, dict):
            raise ConfigurationError("the webhook secret is not a JSON object")
        current, previous = values.get("current"), values.get("previous")
        if not isinstance(current, str) or not current.strip():
            raise ConfigurationError("the webhook secret has no `current` value")
        if previous is not None and not isinstance(previous, str):
            raise ConfigurationError("the webhook secret's `previous` value is not a text")
        secrets = [current, previous] if previous and previous.strip() else [current]
        if any(secret != secret.strip() for secret in secrets):
            raise ConfigurationError("the webhook secret begins or ends with white space")
        return tuple(secret.encode() for secret in secrets)
