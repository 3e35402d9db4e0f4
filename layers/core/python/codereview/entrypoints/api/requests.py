"""API Gateway's event as a request: only what API Gateway itself vouches for, and only within bounds.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from codereview.entrypoints.api.fields import Body, Query
from codereview.entrypoints.api.problems import FieldProblem, Problem, bad_request, invalid

LARGEST_BODY: Final = 64 * 1024  # bytes; the largest that any route needs is a tenth of it
_MOST_PARAMETERS = 20
_LONGEST_QUERY = 4_096
_BEARER = re.compile(r"[Bb]earer ([!-~]{1,200})")
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,9})"')
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as it came; `headers` by lower-case name."""

    id: str
    method: str
    path: str
    address: str | None
    headers: Mapping[str, str]
    query: str
    content: str
    is_base64: bool

    @property
    def token(self) -> str | None:
        """What stands behind `Authorization: Bearer`; None: nothing, or another scheme, or more than one."""
        found = _BEARER.fullmatch(self.headers.get("authorization", ""))
        return found[1] if found else None

    @property
    def version(self) -> int | None:
        """The version that If-Match names, None without one; raises Problem for what is no ETag of ours."""
        text = self.headers.get("if-match")
        if text is None:
            return None
        found = _ETAG.fullmatch(text.strip())
        if found is None:
            raise bad_request("invalid", "If-Match holds one ETag as it was given", [_header("If-Match")])
        return int(found[1])

    @property
    def idempotency_key(self) -> str | None:
        """The caller's own name for this request."""
        text = self.headers.get("idempotency-key")
        if text is not None and not _IDEMPOTENCY_KEY.fullmatch(text):
            raise bad_request(
                "invalid", "Idempotency-Key has 1 to 255 printable ASCII characters", [_header("Idempotency-Key")]
            )
        return text

    def parameters[Q: Query](self, kind: type[Q]) -> Q:
        """Read the query; raises Problem for what the route does not know, twice the same, or too much."""
        if len(self.query) > _LONGEST_QUERY:
            raise bad_request("invalid", "the query is too long")
        try:
            pairs = parse_qsl(
                self.query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS, separator="&"
            )
        except ValueError as error:
            raise bad_request("invalid", "the query cannot be read") from error
        if len({name for name, _ in pairs}) != len(pairs):
            raise bad_request("invalid", "a parameter is there twice")
        return _checked(lambda: kind.model_validate(dict(pairs)), where="query")

    def body[B: Body](self, kind: type[B] | None) -> B | None:
        """Read the body; raises Problem."""
        if kind is None:
            if self.content:
                raise bad_request("invalid", "there is no body here")
            return None
        self._require_json()
        data = self.raw_body()
        return _checked(lambda: kind.model_validate_json(data), where="body")

    def raw_body(self) -> bytes:
        """Return the body's bytes; raises Problem if there are too many."""
        if len(self.content) > LARGEST_BODY * 2:
            raise _too_large()
        try:
            data = base64.b64decode(self.content, validate=True) if self.is_base64 else self.content.encode()
        except (binascii.Error, ValueError) as error:
            raise bad_request("invalid", "the body cannot be read") from error
        if len(data) > LARGEST_BODY:
            raise _too_large()
        return data

    def _require_json(self) -> None:
        kind, *parameters = (part.strip().lower() for part in self.headers.get("content-type", "").split(";"))
        is_utf8 = all(each.replace('"', "") in ("charset=utf-8", "charset=utf8") for each in parameters)
        is_plain = self.headers.get("content-encoding", "identity").strip().lower() == "identity"
        if kind != "application/json" or not is_utf8 or not is_plain:
            raise Problem(
                status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                code="unsupported-media-type",
                detail="only application/json in UTF-8 is taken, not compressed",
            )


def incoming(event: Mapping[str, Any]) -> Incoming:
    """Take an event apart; raises Problem for what is not API Gateway's."""
    context = _object(event.get("requestContext"))
    http = _object(context.get("http"))
    method, path, request_id = http.get("method"), event.get("rawPath"), context.get("requestId")
    if not (isinstance(method, str) and isinstance(path, str) and isinstance(request_id, str) and request_id):
        raise bad_request("invalid", "this is no HTTP request")
    address, query, content = http.get("sourceIp"), event.get("rawQueryString"), event.get("body")
    return Incoming(
        id=request_id,
        method=method,
        # A colon may be written as %3A; nothing else in our paths has a second spelling.
        path=path.replace("%3A", ":").replace("%3a", ":"),
        address=address if isinstance(address, str) else None,
        headers=_headers(event),
        query=query if isinstance(query, str) else "",
        content=content if isinstance(content, str) else "",
        is_base64=event.get("isBase64Encoded") is True,
    )


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers by lower-case name; one in two spellings is joined, as HTTP does for a repeated one."""
    headers: dict[str, str] = {}
    for name, value in _object(event.get("headers")).items():
        if isinstance(value, str):
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
    return headers


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _checked[M: BaseModel](read: Callable[[], M], *, where: str) -> M:
    try:
        return read()
    except ValidationError as error:
        raise invalid(error, where=where) from error


def _header(name: str) -> FieldProblem:
    return FieldProblem(pointer=name, problem="not of the form that it must have")


def _too_large() -> Problem:
    return Problem(
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code="too-large", detail=f"a body has at most {LARGEST_BODY} bytes"
    )
