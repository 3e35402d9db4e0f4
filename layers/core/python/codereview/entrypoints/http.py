"""GitHub's deliveries as API Gateway hands them over: HTTP API, payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from codereview.domain.envelope import Envelope
from codereview.domain.metrics import Metric
from codereview.domain.review import tenant_of
from codereview.domain.webhook import DELIVERY_HEADER, EVENT_HEADER, Accepted, Ignored, Verdict
from codereview.entrypoints.json_log import JsonLog
from codereview.errors import CodeReviewError, ConfigurationError
from codereview.use_cases.accept_webhook import AcceptWebhook, Unauthenticated

# Lambda takes 6 MB in one synchronous call, so no larger body gets here on AWS; elsewhere this is the limit.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BODY_BYTES = 6 * 1024 * 1024

_METHOD_NOT_ALLOWED = 405

Event = Mapping[str, Any]
Response = dict[str, Any]


class Context(Protocol):
    """The part of Lambda's context that is used here."""

    @property
    def aws_request_id(self) -> str:
        """The invocation's id, for whoever reports a failure."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that was turned away before anything in it was looked at."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST of JSON; `headers` by lower-case name."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """Answers deliveries: 202 queued, 200 ignored, 4xx refused, 503 when it is not certain that the queue has it."""

    accept: AcceptWebhook
    log: JsonLog

    def handle(self, event: Event, context: Context) -> Response:
        """Answer one event. Only a deployment without secret or settings makes it raise, and so fail visibly."""
        request = request_of(event)
        if isinstance(request, Refusal):
            return self._answer(request, {}, context)
        try:
            verdict = self.accept(request.headers, request.body)
        except ConfigurationError:
            raise
        except CodeReviewError as error:
            return self._fail(f"{type(error).__name__}: {error}", request, context)
        except Exception as error:  # noqa: BLE001 -- the last line of defence: whatever went wrong, GitHub must not hear 2xx
            return self._fail(_where(error), request, context)
        return self._answer(verdict, request.headers, context)

    def _answer(
        self, verdict: Verdict | Unauthenticated | Refusal, headers: Mapping[str, str], context: Context
    ) -> Response:
        match verdict:
            case Accepted():
                status, outcome, reason, metric = 202, "accepted", None, Metric.WEBHOOKS_ACCEPTED
            case Ignored():
                status, outcome, reason, metric = 200, "ignored", verdict.reason, Metric.WEBHOOKS_IGNORED
            case Unauthenticated():
                # Nothing of the headers is logged either: none of it is GitHub's.
                status, outcome, reason, headers = 401, "rejected", "signature does not match", {}
                metric = Metric.WEBHOOKS_UNSIGNED
            case _:
                status, outcome, reason = verdict.status, "rejected", verdict.reason
                metric = Metric.WEBHOOKS_MALFORMED
        self.log(
            "WARNING" if outcome == "rejected" else "INFO",
            "Webhook delivery",
            measured={metric: 1},
            outcome=outcome,
            reason=reason,
            status=status,
            delivery=headers.get(DELIVERY_HEADER),
            event=headers.get(EVENT_HEADER),
            function_request_id=context.aws_request_id,
            **(_whose(verdict.envelope) if isinstance(verdict, Accepted) else {}),
        )
        return _response(status, outcome=outcome, reason=reason)

    def _fail(self, error: str, request: Request, context: Context) -> Response:
        """Say that the delivery failed; the reason stays in the log."""
        self.log(
            "ERROR",
            "Webhook delivery",
            measured={Metric.WEBHOOKS_FAILED: 1, Metric.ANSWERS_FAILED: 1},
            outcome="failed",
            error=error,
            status=503,
            delivery=request.headers.get(DELIVERY_HEADER),
            event=request.headers.get(EVENT_HEADER),
            function_request_id=context.aws_request_id,
        )
        return _response(503, outcome="failed", reason="not stored", request_id=context.aws_request_id)


def request_of(event: Event) -> Request | Refusal:
    """Take the event apart, cheapest checks first; nothing is decoded that is too large, and nothing is inflated."""
    headers = _headers_of(event)
    refusal = _wrong_method(event) or _wrong_media(headers) or _wrong_length(headers)
    if refusal is not None:
        return refusal
    body = _body_of(event)
    if isinstance(body, Refusal):
        return body
    declared = headers.get("content-length")
    if declared is not None and int(declared) != len(body):
        return Refusal(status=400, reason="body is not as long as content-length says")
    return Request(headers=headers, body=body)


def _wrong_method(event: Event) -> Refusal | None:
    """Go by the request's context, which alone is API Gateway's own word."""
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    method = http.get("method") if isinstance(http, dict) else None
    if not isinstance(method, str):
        return Refusal(status=400, reason="not an HTTP request")
    return None if method == "POST" else Refusal(status=_METHOD_NOT_ALLOWED, reason="only POST is served here")


def _wrong_media(headers: Mapping[str, str]) -> Refusal | None:
    kind, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    pairs = [parameter.partition("=") for parameter in parameters]
    if kind != "application/json" or any(
        name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8") for name, _, value in pairs
    ):
        return Refusal(status=415, reason="only application/json in UTF-8 is taken")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return Refusal(status=415, reason="compressed bodies are not taken")
    return None


def _wrong_length(headers: Mapping[str, str]) -> Refusal | None:
    declared = headers.get("content-length")
    if declared is None:
        return None
    if not (declared.isascii() and declared.isdigit()):
        return Refusal(status=400, reason="content-length is not a number")
    # The first operand keeps very long numbers from int(), which refuses them.
    if len(declared) > len(str(MAX_BODY_BYTES)) or int(declared) > MAX_BODY_BYTES:
        return Refusal(status=413, reason="body too large")
    return None


def _headers_of(event: Event) -> dict[str, str]:
    """Return the headers by lower-case name; a name in two spellings is joined, as HTTP does for a repeated header."""
    headers: dict[str, str] = {}
    given = event.get("headers")
    for name, value in given.items() if isinstance(given, dict) else ():
        if isinstance(name, str) and isinstance(value, str):
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
    return headers


def _body_of(event: Event) -> bytes | Refusal:
    """Return the bytes that GitHub sent, which is what its signature is over."""
    text = event.get("body") or ""
    if not isinstance(text, str):
        return Refusal(status=400, reason="body is not a text")
    is_base64 = event.get("isBase64Encoded") is True
    if len(text) > (MAX_BODY_BYTES * 4 // 3 + 4 if is_base64 else MAX_BODY_BYTES):
        return Refusal(status=413, reason="body too large")
    try:
        body = base64.b64decode(text, validate=True) if is_base64 else text.encode()
    except binascii.Error:
        return Refusal(status=400, reason="body is not base64")
    except ValueError:
        return Refusal(status=400, reason="body is not UTF-8")
    return Refusal(status=413, reason="body too large") if len(body) > MAX_BODY_BYTES else body


def _whose(envelope: Envelope) -> dict[str, str | int | None]:
    """Name by ids whose delivery was queued, in the words of the reviewer's log: it shows who floods us."""
    return {
        "action": envelope.action,
        "tenant": tenant_of(envelope.host, envelope.owner_id),
        "repository_id": envelope.repository_id,
        "number": envelope.number,
    }


def _where(error: Exception) -> str:
    """Name the error's class and place; its text could quote the body."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{place}"


def _response(status: int, **content: str | None) -> Response:
    present = {name: value for name, value in content.items() if value is not None}
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if status == _METHOD_NOT_ALLOWED:
        headers["allow"] = "POST"
    return {"statusCode": status, "headers": headers, "body": json.dumps(present), "isBase64Encoded": False}
