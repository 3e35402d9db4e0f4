"""The secrets of a stack, in an operator's hands."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codereview.adapters.aws.inspection import Inspection
from codereview.adapters.aws.releases import FunctionReleases
from codereview.adapters.aws.secrets import StoredSecrets
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.github.registration import GitHubRegistration
from codereview.adapters.system import RandomSecrets, SystemClock
from codereview.bootstrap.account import clients
from codereview.bootstrap.github import app_credentials, operators_client
from codereview.bootstrap.model_trial import try_model
from codereview.bootstrap.models import needs_key
from codereview.domain.secret_rotation import SecretName, Values
from codereview.errors import CodeReviewError
from codereview.use_cases.rotate_secrets import RotateSecrets

_DRAWN_BYTES = 48

# Whose process has read the secret when it began; the webhook reads its own again by itself, within a minute.
_READERS: dict[SecretName, tuple[str, ...]] = {
    SecretName.GITHUB_APP: ("reviewer", "reconciler", "api"),
    SecretName.MODEL: ("reviewer",),
    SecretName.CURSOR: ("api",),
}


def rotate_secrets(stack: str) -> RotateSecrets:
    """Reach the secrets of a stack."""
    opened = clients("dynamodb", "lambda", "secretsmanager")
    inspection = Inspection(opened, stack)
    reviewer = inspection.variables("reviewer")
    arns = {
        SecretName.WEBHOOK: inspection.variables("webhook")["WEBHOOK_SECRET_ARN"],
        SecretName.GITHUB_APP: reviewer["GITHUB_APP_SECRET_ARN"],
        SecretName.MODEL: reviewer["MODEL_SECRET_ARN"],
        SecretName.CURSOR: inspection.variables("api")["API_SECRET_ARN"],
    }
    store = StoredSecrets(opened["secretsmanager"], arns)
    sides = _Sides(stack=stack, store=store, functions=opened["lambda"], reviewer=reviewer)
    return RotateSecrets(
        store=store,
        outbox=DynamoAuditOutbox(opened["dynamodb"], reviewer["CONTROL_TABLE"]),
        tries={SecretName.GITHUB_APP: sides.try_app, SecretName.MODEL: sides.try_model},
        tells={SecretName.WEBHOOK: sides.tell_github},
        refresh=sides.refresh,
    )


def drawn() -> str:
    """Draw a secret."""
    return base64.urlsafe_b64encode(RandomSecrets().draw(_DRAWN_BYTES)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Whoever a secret is shared with."""

    stack: str
    store: StoredSecrets
    functions: Any
    reviewer: Values

    def try_app(self, values: Values) -> None:
        """Have GitHub accept a JWT of the new key."""
        self._registration(values).app()

    def try_model(self, values: Values) -> None:
        """Ask the deployment's model one question with the new key; a model without a key is not asked."""
        spec = self.reviewer["MODEL"]
        if needs_key(spec):
            try_model(spec, api_key=values["api_key"])

    def tell_github(self, values: Values) -> None:
        """Have GitHub sign with the current webhook secret."""
        self._registration(self.store.read(SecretName.GITHUB_APP)).set_hook_secret(values["current"])

    def refresh(self, name: SecretName) -> Sequence[str]:
        """Start functions anew that have read the secret; returns those where that did not work."""
        said = f"Started anew for the secret {name.value} at {SystemClock().now():%Y-%m-%dT%H:%M:%SZ}"
        waiting = []
        for reader in _READERS.get(name, ()):
            function = f"{self.stack}-{reader}"
            try:
                FunctionReleases(self.functions, function).publish(description=said)
            except CodeReviewError:  # as after a rollback; it starts anew with the next deploy, or in some hours
                waiting.append(function)
        return waiting

    def _registration(self, values: Values) -> GitHubRegistration:
        registered, url = app_credentials(values), self.reviewer["GITHUB_API_URL"]
        return GitHubRegistration(operators_client(lambda: registered, api_url=url))
