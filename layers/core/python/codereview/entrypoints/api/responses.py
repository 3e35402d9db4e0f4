"""Answers as API Gateway takes them, each with the headers that keep a browser from making anything of it."""

from collections.abc import Mapping
from typing import Any, Final

Response = dict[str, Any]

# No header allows another origin anything: browsers keep other sites' scripts out by themselves (CORS is off).
SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
}


def response(status: int, body: str | None, *, kind: str, request_id: str, headers: Mapping[str, str]) -> Response:
    """Write an answer; without a body it has no type either."""
    typed = {"content-type": kind} if body is not None else {}
    return {
        "statusCode": status,
        "headers": {**SECURITY_HEADERS, "x-request-id": request_id, **typed, **headers},
        "body": body or "",
        "isBase64Encoded": False,
    }
