"""The AWS SDK's errors in our words."""

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.denials import missing_right
from codereview.errors import (
    CodeReviewError,
    DeploymentError,
    ForbiddenError,
    MissingRightError,
    NotFoundError,
    PermanentError,
    RetryableError,
    ThrottledError,
)

_SERVER_ERRORS_FROM = 500
_THROTTLES = {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled"}
# SNS has a word of its own, and an answer without a body, as S3's to HEAD, has but the status.
_DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}
_CLOSED = {"AllAccessDisabled", "UnrecognizedClientException"}
_ABSENCES = {"NoSuchKey", "NoSuchBucket", "ResourceNotFoundException", "QueueDoesNotExist"}


def translated(service: str, error: ClientError | BotoCoreError) -> CodeReviewError:
    """Say what the caller should do about the error."""
    if not isinstance(error, ClientError):
        return RetryableError(f"{service} unreachable: {type(error).__name__}")
    code = error.response["Error"]["Code"]
    said = f"{service} denies {missing_right(error)}" if code in _DENIALS else f"{service} answered {code}"
    if code in _THROTTLES:
        return ThrottledError(said)
    if code in _DENIALS | _CLOSED:
        return ForbiddenError(said)
    if code in _ABSENCES or code.endswith("QueueDoesNotExist"):
        return NotFoundError(said)
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERRORS_FROM:
        return RetryableError(said)
    return PermanentError(said)


def of_ours(service: str, error: ClientError | BotoCoreError) -> CodeReviewError:
    """Say the same of what belongs to this deployment: that we may not, or that it is gone, an operator mends."""
    problem = translated(service, error)
    if isinstance(problem, ForbiddenError):
        return MissingRightError(str(problem))
    is_about_keys = isinstance(error, ClientError) and error.response["Error"]["Code"].startswith("KMS")
    return DeploymentError(str(problem)) if is_about_keys or isinstance(problem, NotFoundError) else problem
