"""GitHub's signature of a delivery.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hmac
from collections.abc import Sequence

from codereview.errors import ConfigurationError

SIGNATURE_HEADER = "x-hub-signature-256"


def is_signed(body: bytes, signature: str | None, secrets: Sequence[bytes]) -> bool:
    """Tell whether the header value signs exactly these bytes with one of the secrets.

    Compared as bytes, since `compare_digest` raises TypeError for a text with an `é` in it; a missing header takes the
    same path as a wrong one, and every secret is tried, so that the time taken says nothing. Upper-case hex is refused:
    GitHub sends lower case. Raises ConfigurationError without a secret, or with an empty one, because anybody can sign
    with that.
    """
    if not secrets or not all(secrets):
        raise ConfigurationError("there is no webhook secret to check signatures with")
    given = (signature or "").encode("utf-8", errors="replace")
    matches = [
        hmac.compare_digest(b"sha256=" + hmac.digest(secret, body, "sha256").hex().encode("ascii"), given)
        for secret in secrets
    ]
    return any(matches)
