"""Secrets from Secrets Manager, for the functions that have the SDK at hand."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.domain.secret_rotation import SecretName
from codereview.errors import ConfigurationError, NotFoundError, PermanentError

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


class StoredSecrets:
    """Secrets as operators change them, by their names; what is read is never shown."""

    def __init__(self, client: "SecretsManagerClient", arns: Mapping[SecretName, str]) -> None:
        """Work on the secrets at `arns`."""
        self._client = client
        self._arns = arns

    def read(self, name: SecretName) -> dict[str, str]:
        """Return what is stored; nothing where there is nothing yet, PermanentError where it cannot be read."""
        try:
            text = self._client.get_secret_value(SecretId=self._arns[name]).get("SecretString", "")
        except (ClientError, BotoCoreError) as error:
            problem = translated("Secrets Manager", error)
            if isinstance(problem, NotFoundError):
                return {}
            raise problem from error
        if not text.strip():
            return {}
        try:
            values = json.loads(text)
        except ValueError:
            # Not chained: the parser's error carries the text of the secret.
            raise PermanentError(f"the secret {name.value} is not JSON: mend it in the console first") from None
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise PermanentError(f"the secret {name.value} is not a JSON object of texts: mend it in the console first")
        return values

    def write(self, name: SecretName, values: Mapping[str, str]) -> None:
        """Store a new version; Secrets Manager keeps the one before as AWSPREVIOUS."""
        try:
            self._client.put_secret_value(SecretId=self._arns[name], SecretString=json.dumps(dict(values)))
        except (ClientError, BotoCoreError) as error:
            raise translated("Secrets Manager", error) from error
