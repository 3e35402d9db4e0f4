"""A secret's values before and after a rotation; pure, and nothing of them is ever shown."""

import re
from collections.abc import Mapping
from enum import StrEnum

from codereview.domain.markers import marker_key
from codereview.errors import ConflictError, RejectedError

Values = Mapping[str, str]

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_LEAST_LENGTH = 16  # what is shorter can be guessed
_LONGEST = 10_000


class SecretName(StrEnum):
    """A secret of the deployment."""

    WEBHOOK = "webhook"
    GITHUB_APP = "github-app"
    MODEL = "model"
    CURSOR = "cursor"  # what cursors and sign-ins are signed with


FIELDS: Mapping[SecretName, tuple[str, ...]] = {
    SecretName.WEBHOOK: ("current",),
    SecretName.GITHUB_APP: ("app_id", "private_key"),
    SecretName.MODEL: ("api_key",),
    SecretName.CURSOR: ("signing_key",),
}

# What of it we can draw ourselves; the other two are given out by somebody else.
DRAWN = frozenset({SecretName.WEBHOOK, SecretName.CURSOR})


def rotated(name: SecretName, stored: Values, value: str, *, app_id: str | None = None) -> Values:
    """Return the secret's values with the new one; raises RejectedError for what cannot be one."""
    match name:
        case SecretName.WEBHOOK:
            return _rotated_webhook(stored, _checked(value))
        case SecretName.MODEL:
            return {**stored, "api_key": _checked(value)}
        case SecretName.CURSOR:
            return {**stored, "signing_key": _checked(value)}
        case SecretName.GITHUB_APP:
            return _rotated_app(stored, value, app_id)


def _checked(value: str) -> str:
    text = value.strip()
    if not _PRINTABLE.fullmatch(text) or not _LEAST_LENGTH <= len(text) <= _LONGEST:
        raise RejectedError(f"a secret is one word of {_LEAST_LENGTH} or more printable ASCII characters")
    return text


def _rotated_webhook(stored: Values, value: str) -> Values:
    """Accept both, until the one of before is retired: GitHub signs with it until it was told, and repeats with it."""
    if "previous" in stored:
        raise ConflictError(
            "two webhook secrets are accepted already; when GitHub signs with the new one: codereview secrets retire"
            " webhook"
        )
    if stored.get("current") == value:
        raise ConflictError("this is the secret that is there already")
    previous = {"previous": stored["current"]} if stored.get("current", "").strip() else {}
    return {"current": value, **previous}


def _rotated_app(stored: Values, value: str, app_id: str | None) -> Values:
    """Replace the App's private key; what we posted stays ours by the key that it was signed with."""
    if "PRIVATE KEY-----" not in value or len(value) > _LONGEST:
        raise RejectedError("this is no private key: GitHub gives it out as a .pem file")
    known = app_id or stored.get("app_id")
    if not known or not known.isdecimal():
        raise RejectedError("which App? Give --app-id, the number on its page")
    markers = stored.get("marker_key")
    if markers is None and stored.get("private_key", "").strip():
        markers = marker_key(stored["private_key"]).hex()
    kept = {**stored, "app_id": known, "private_key": value.strip() + "\n"}
    return {**kept, "marker_key": markers} if markers is not None else kept


def retired(stored: Values) -> Values:
    """Accept the current webhook secret alone."""
    if "previous" not in stored:
        raise ConflictError("only one webhook secret is accepted: there is none to retire")
    return {name: value for name, value in stored.items() if name != "previous"}
