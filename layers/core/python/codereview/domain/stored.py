"""How results and messages look at rest: JSON by the shape of their dataclasses, checked when read back."""

from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from codereview.domain.record import RECORD_VERSION, ReviewRecorded
from codereview.domain.result import ReviewResult
from codereview.domain.review import TenantId
from codereview.domain.secret_findings import at_rest
from codereview.errors import PermanentError, RetryableError

_RESULT = TypeAdapter(ReviewResult)
_RECORDED = TypeAdapter(ReviewRecorded)


def result_key(tenant: TenantId, review_id: object) -> str:
    """Name the object of a result."""
    return f"results/{tenant.replace(':', '/')}/{review_id}.json"


def answer_key(tenant: TenantId, review_id: object, agent: str, question_digest: str) -> str:
    """Name the object of one answer; the digest of the question keeps an answer from being read as another's."""
    return f"{answers_prefix(tenant, review_id)}{agent}/{question_digest}.json"


def answers_prefix(tenant: TenantId, review_id: object) -> str:
    """Name the folder of a review's answers."""
    return f"answers/{tenant.replace(':', '/')}/{review_id}/"


def encode_result(result: ReviewResult) -> bytes:
    """Serialise a result; no secret of the change's is kept with it."""
    return _RESULT.dump_json(at_rest(result))


def decode_result(data: bytes) -> ReviewResult:
    """Read a result back; raises PermanentError where it is not one."""
    try:
        return _RESULT.validate_json(data)
    except ValidationError as error:
        raise PermanentError(f"stored result does not fit its schema: {error.error_count()} problems") from error


def encode_recorded(message: ReviewRecorded) -> str:
    """Serialise a record message."""
    return _RECORDED.dump_json(message).decode()


def decode_recorded(body: str) -> ReviewRecorded:
    """Read a record message back; raises PermanentError where it is not one of ours.

    A version that is newer than this code raises RetryableError: it is the code that will change.
    """
    try:
        message = _RECORDED.validate_json(body)
    except ValidationError as error:
        raise PermanentError(f"not a record message: {error.error_count()} problems") from error
    if message.version > RECORD_VERSION:
        raise RetryableError(f"record message of a newer version, {message.version}")
    if message.version != RECORD_VERSION or not _is_moment(message.finished_at):
        raise PermanentError("not a record message: unknown version or time")
    return message


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
