"""Secrets from Secrets Manager, for the functions that have the SDK at hand."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient


class Secrets:
    """Reads secrets that hold a JSON object of strings; refuses to go on without one."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        """Read through `client`."""
        self._client = client

    def read(self, arn: str, *names: str, optional: Sequence[str] = ()) -> dict[str, str]:
        """Return the named values; raises ConfigurationError if the secret or one of them is missing or empty.

        Of the optional ones those are returned that are there.
        """
        try:
            text = self._client.get_secret_value(SecretId=arn).get("SecretString", "")
        except (ClientError, BotoCoreError) as error:
            problem = translated("Secrets Manager", error)
            if isinstance(problem, NotFoundError):
                raise ConfigurationError(f"the secret {arn} has no value yet") from error
            raise problem from error
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise ConfigurationError(f"the secret {arn} is not a JSON object")
        missing = [name for name in names if not isinstance(values.get(name), str) or not values[name].strip()]
        if missing:
            raise ConfigurationError(f"the secret {arn} lacks {', '.join(missing)}")
        present = [name for name in optional if isinstance(values.get(name), str) and values[name].strip()]
        return {name: values[name] for name in (*names, *present)}
