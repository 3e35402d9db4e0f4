"""What each format of the shared table is worth as a finding, and which of its matches are examples.

Masking takes every match, since a word masked too much costs little. A finding costs a reader's time: here the matches
that stand in for a secret are refused.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codereview.domain import secret_values
from codereview.domain.finding import Severity


@dataclass(frozen=True, slots=True)
class SecretRule:
    """How bad a leak of the format is, and the test that its text has to pass."""

    severity: Severity
    accepts: Callable[[str], bool]


_EXAMPLE_MARKS = (
    *(
        "example",
        "xxxx",
        "your",
        "....",
        "****",
        "1234567890",
        "abcdef12",
        "placeholder",
        "redacted",
        "dummy",
        "changeme",
    ),
    *("fake", "sample", "<", "{{", "${", "000000", "todo"),
)
# Passwords of databases on a developer's own machine, and names that stand for one.
_LOCAL_PASSWORDS = frozenset(
    {
        "postgres",
        "mysql",
        "root",
        "admin",
        "guest",
        "user",
        "rabbitmq",
        "redis",
        "mongo",
        "pass",
        "pw",
        "minio",
        "docker",
    }
)
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/]{40}")
_FEWEST_CHARACTERS = 8  # different ones; a random hex token of 32 has 14


def _is_live(text: str) -> bool:
    """Refuse what documentation shows; the issuer's prefix says the rest."""
    lower = text.lower()
    return not any(mark in lower for mark in _EXAMPLE_MARKS) and len(set(text)) >= min(
        _FEWEST_CHARACTERS, len(text) // 2
    )


def _is_url_password(text: str) -> bool:
    return not (secret_values.is_code(text) or secret_values.is_placeholder(text) or text.lower() in _LOCAL_PASSWORDS)


def _is_basic(text: str) -> bool:
    """Demand `name:password`, encoded."""
    try:
        name, colon, password = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        # Not what a server would take, but what people leave when they change one by hand.
        return secret_values.is_strong_token(text)
    return bool(name and colon) and not secret_values.is_placeholder(password)


def _is_key_block(text: str) -> bool:
    """Demand a line of base 64; documentation has dots or words there."""
    return _BASE64_LINE.search(text) is not None


def _is_aws_secret(text: str) -> bool:
    """Refuse digests of 40 characters: the name in front may be anybody's secret key."""
    return _is_live(text) and secret_values.is_strong_token(text) and text.lower() != text


def _is_random(text: str) -> bool:
    return secret_values.is_token(text)


_DEFAULT = SecretRule(Severity.CRITICAL, _is_live)
_RULES: Mapping[str, SecretRule] = {
    "private-key": SecretRule(Severity.CRITICAL, _is_key_block),
    "putty-private-key": SecretRule(Severity.CRITICAL, lambda _: True),
    "aws-secret-key": SecretRule(Severity.CRITICAL, _is_aws_secret),
    "jwt": SecretRule(Severity.MEDIUM, lambda _: True),  # most have expired when they are found
    "url-credentials": SecretRule(Severity.HIGH, _is_url_password),
    "authorization-basic": SecretRule(Severity.HIGH, _is_basic),
    "authorization-bearer": SecretRule(Severity.HIGH, _is_random),
    "docker-auth": SecretRule(Severity.HIGH, _is_basic),
    "npmrc-auth": SecretRule(Severity.HIGH, _is_random),
    "netrc-password": SecretRule(Severity.HIGH, secret_values.is_password),
    "command-line-password": SecretRule(Severity.HIGH, _is_url_password),
    "google-api-key": SecretRule(Severity.HIGH, _is_live),  # made for browsers too, where only its limits protect it
    "webhook-secret": SecretRule(Severity.HIGH, _is_live),
    "slack-webhook": SecretRule(Severity.HIGH, _is_live),
    "discord-webhook": SecretRule(Severity.HIGH, _is_live),
    "teams-webhook": SecretRule(Severity.HIGH, _is_live),
}
# Names with values are judged in `secret_assignments`, by the path, the whole name and the kind of value.
_JUDGED_ELSEWHERE = frozenset({"assigned-password", "assigned-secret"})


def rule_of(pattern_id: str) -> SecretRule | None:
    """Return the rule of a format; None if its matches are no findings of their own."""
    return None if pattern_id in _JUDGED_ELSEWHERE else _RULES.get(pattern_id, _DEFAULT)


def ids_with_rules() -> frozenset[str]:
    """Name the formats that are spoken of here, for the test that the table has them."""
    return frozenset(_RULES) | _JUDGED_ELSEWHERE
