"""What a caller is told when it does not work: problem details, and nothing of our insides.

https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from pydantic import ValidationError

from codereview.entrypoints.api.fields import Shown
from codereview.errors import (
    CodeReviewError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    RetryableError,
    StaleVersionError,
)

PROBLEM_TYPE: Final = "application/problem+json"
_URN: Final = "urn:codereview:problem:"
_SOON = timedelta(seconds=5)
_MOST_ERRORS = 20
_LONGEST_NAME = 100


class FieldProblem(Shown):
    """What is wrong with one part of the request."""

    pointer: str  # where, as a JSON pointer into the body, or the name of a parameter
    problem: str


class ProblemShown(Shown):
    """A problem; `type` is stable, the texts are for people."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldProblem] | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Problem(Exception):  # noqa: N818 -- named as RFC 9457 names it
    """An answer that is a refusal or a failure."""

    status: HTTPStatus
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def shown(self, request_id: str) -> str:
        """Write the answer's body."""
        shown = ProblemShown(
            type=_URN + self.code,
            title=self.status.phrase,
            status=self.status.value,
            detail=self.detail,
            request_id=request_id,
            errors=list(self.errors) or None,
        )
        return shown.model_dump_json(exclude_none=True)


def bad_request(code: str, detail: str, errors: Sequence[FieldProblem] = ()) -> Problem:
    """Say that the request itself is wrong."""
    return Problem(status=HTTPStatus.BAD_REQUEST, code=code, detail=detail, errors=tuple(errors))


def not_found() -> Problem:
    """Say the same for what does not exist and for what does not exist for the caller."""
    return Problem(status=HTTPStatus.NOT_FOUND, code="not-found", detail="no such resource")


def unauthenticated() -> Problem:
    """Say the same whatever is wrong with a key or session, or that there is none."""
    return Problem(
        status=HTTPStatus.UNAUTHORIZED,
        code="unauthenticated",
        detail="this needs a valid key or session, as `Authorization: Bearer …`",
        headers={"www-authenticate": "Bearer"},
    )


def forbidden(detail: str = "the key or role does not allow this") -> Problem:
    """Say that the caller is known, and may not."""
    return Problem(status=HTTPStatus.FORBIDDEN, code="forbidden", detail=detail)


def busy(detail: str = "this cannot be answered now", *, retry_after: timedelta | None = None) -> Problem:
    """Say that it may work in a moment."""
    wait = max(-(-(retry_after or _SOON) // timedelta(seconds=1)), 1)
    return Problem(
        status=HTTPStatus.SERVICE_UNAVAILABLE, code="unavailable", detail=detail, headers={"retry-after": str(wait)}
    )


def broken() -> Problem:
    """Say that it is our fault; why, the log says under the request's id."""
    return Problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal", detail="something unforeseen happened; we were told"
    )


def problem_of(error: CodeReviewError, *, has_version: bool) -> Problem:
    """Translate our errors; `has_version`: the caller said over which version the change is made."""
    match error:
        case NotFoundError():
            status, code = HTTPStatus.NOT_FOUND, "not-found"
        case ForbiddenError():
            status, code = HTTPStatus.FORBIDDEN, "forbidden"
        case RejectedError():
            status, code = HTTPStatus.BAD_REQUEST, "refused-value"
        case StaleVersionError() if has_version:
            status, code = HTTPStatus.PRECONDITION_FAILED, "stale-version"
        case StaleVersionError() | ConflictError():
            status, code = HTTPStatus.CONFLICT, "conflict"
        case RetryableError():
            return busy(retry_after=error.retry_after)
        case _:
            return broken()
    return Problem(status=status, code=code, detail=str(error))


def invalid(error: ValidationError, *, where: str) -> Problem:
    """Say which parts of the body or the query are wrong; what they held is not repeated."""
    errors = [
        FieldProblem(pointer=_pointer(each["loc"]), problem=_said(each["type"], each["msg"]))
        for each in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_ERRORS]
    ]
    is_unknown = any(each["type"] == "extra_forbidden" for each in error.errors(include_url=False, include_input=False))
    return bad_request("unknown-field" if is_unknown else "invalid", f"the {where} is not as it must be", errors)


def _pointer(parts: Sequence[Any]) -> str:
    names = [str(part)[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1") for part in parts]
    return "".join(f"/{name}" for name in names)


def _said(kind: str, message: str) -> str:
    return "unknown field" if kind == "extra_forbidden" else message.removeprefix("Value error, ")
