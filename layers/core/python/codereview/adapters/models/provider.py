"""One JSON request to a model provider's HTTP API, what its refusals mean, and what its usage figures are worth."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from codereview.adapters.http import retry_after, send
from codereview.domain.result import Usage
from codereview.errors import (
    CodeReviewError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownOutcomeError,
)
from codereview.model_ports import ModelRequest

SHORTEST_WAIT = timedelta(minutes=1)  # where the provider names none: limits of all three are counted by the minute
MAX_ANSWER_BYTES = 8_000_000
_MAX_TOKENS = 100_000_000  # of one call; no window comes near
_CHARACTERS_PER_TOKEN = 4  # of code and English, roughly, by every provider's tokenizer
_SERVER_ERRORS_FROM = 500
_REQUEST_TIMEOUT = 408  # a server that gave up waiting for us
_PAYMENT_REQUIRED = 402

# Money ran out: waiting a minute does not help, so it is no rate limit, whatever status it comes with.
# https://platform.claude.com/docs/en/api/errors, https://platform.openai.com/docs/guides/error-codes
_SPENT_CODES = {
    "billing_error",
    "credit_balance_exhausted",
    "enforced_spend_limit_reached",
    "insufficient_quota",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "project_spend_limit_exceeded",
}
_SPENT_WORDS = re.compile(r"\b(?:API usage limits|credit balance|spend(?:ing)? limit|billing)\b", re.IGNORECASE)
_SPENT_STATUSES = {400, 403, 429}
_REFUSALS: Mapping[int, type[PermanentError]] = {
    400: RejectedError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    413: RejectedError,
    422: RejectedError,
}


def post(
    http: httpx.Client, url: str, *, headers: Mapping[str, str], body: Mapping[str, Any], deadline: timedelta
) -> dict[str, Any]:
    """Ask, and return the JSON object of a successful answer.

    Raises the errors of model_ports.LanguageModel; a lost answer is merely retryable, since asking changes nothing.
    """
    request = http.build_request("POST", url, headers=dict(headers), json=body)
    try:
        response = send(http, request, deadline=deadline, max_bytes=MAX_ANSWER_BYTES)
    except UnknownOutcomeError as error:
        raise RetryableError(f"the model's answer was lost: {error}") from error
    problem = failure(response)
    if problem is not None:
        raise problem
    document = _document(response)
    if not document:
        raise RetryableError("the model's provider answered with something else than its documented JSON")
    return document


def failure(response: httpx.Response) -> CodeReviewError | None:
    """Say what a response means; None if it is a success.

    Messages name status and error code only, because they may be shown on a pull request; the provider's own words,
    which can name accounts and keys, go into a note that stays with the traceback.
    """
    document = _document(response)
    if response.is_success and document.get("type") != "error":
        return None
    codes, message = _codes_and_message(document)
    problem = _classified(response, codes, message)
    problem.add_note(f"The provider said: {message[:500]}" if message else "The provider gave no reason.")
    return problem


def _classified(response: httpx.Response, codes: list[str], message: str) -> CodeReviewError:
    status = response.status_code
    said = f"the model's provider answered {status}" + (f" ({', '.join(codes)})" if codes else "")
    if _is_spent(status, codes, message):
        return ForbiddenError(f"{said}: the account's spending limit is reached")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return ThrottledError(said, retry_after=retry_after(response) or SHORTEST_WAIT)
    if status >= _SERVER_ERRORS_FROM or status == _REQUEST_TIMEOUT or response.is_success:
        return RetryableError(said, retry_after=retry_after(response) or SHORTEST_WAIT)
    return _REFUSALS.get(status, PermanentError)(said)


def _is_spent(status: int, codes: list[str], message: str) -> bool:
    if status == _PAYMENT_REQUIRED or not _SPENT_CODES.isdisjoint(codes):
        return True
    return status in _SPENT_STATUSES and bool(_SPENT_WORDS.search(message))


def _codes_and_message(document: Mapping[str, Any]) -> tuple[list[str], str]:
    """Read an error of either provider's shape: `error.type`, `error.code`, `error.details.error_code`."""
    error = document.get("error")
    if not isinstance(error, dict):
        return [], ""
    details = error.get("details")
    values = [error.get("type"), error.get("code"), details.get("error_code") if isinstance(details, dict) else None]
    codes = [value for value in values if isinstance(value, str) and re.fullmatch(r"[\w.-]{1,60}", value)]
    message = error.get("message")
    return list(dict.fromkeys(codes)), message if isinstance(message, str) else ""


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def usage_of(request: ModelRequest, text: str, figures: Any, names: Mapping[str, tuple[str, ...]]) -> Usage:
    """Read usage figures; what is missing, negative or huge is replaced by our own estimate.

    `names` says which of the provider's figures are summed up as `input`, `output` and `cached`.
    """
    own = {
        "input": (len(request.rules) + len(request.change) + len(request.task)) // _CHARACTERS_PER_TOKEN,
        "output": len(text) // _CHARACTERS_PER_TOKEN,
        "cached": 0,
    }
    counted = {kind: _sum(figures, names[kind]) for kind in own}
    tokens = {kind: own[kind] if (count := counted[kind]) is None else count for kind in own}
    return Usage(
        input_tokens=tokens["input"],
        output_tokens=tokens["output"],
        cached_tokens=min(tokens["cached"], tokens["input"]),
        calls=1,
    )


def _sum(figures: Any, names: tuple[str, ...]) -> int | None:
    """Add up figures; the first one is indispensable, the others may be left out."""
    if not isinstance(figures, Mapping):
        return None
    values = [figures.get(name) for name in names]
    present = [values[0], *(value for value in values[1:] if value is not None)]
    if not all(type(value) is int and 0 <= value <= _MAX_TOKENS for value in present):
        return None
    return sum(value for value in present if type(value) is int)
