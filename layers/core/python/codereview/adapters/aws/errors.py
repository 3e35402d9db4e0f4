"""The AWS SDK's errors in our words."""

from botocore.exceptions import BotoCoreError, ClientError

from codereview.errors import (
    CodeReviewError,
    DeploymentError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RetryableError,
    ThrottledError,
)

_SERVER_ERRORS_FROM = 500
_THROTTLES = {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled"}
_DENIALS = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnrecognizedClientException"}
_MENDABLE = (ForbiddenError, NotFoundError)
_ABSENCES = {"NoSuchKey", "NoSuchBucket", "ResourceNotFoundException", "QueueDoesNotExist"}


def translated(service: str, error: ClientError | BotoCoreError) -> CodeReviewError:
    """Say what the caller should do about the error."""
    if not isinstance(error, ClientError):
        return RetryableError(f"{service} unreachable: {type(error).__name__}")
    code = error.response["Error"]["Code"]
    said = f"{service} answered {code}"
    if code in _THROTTLES:
        return ThrottledError(said)
    if code in _DENIALS:
        return ForbiddenError(said)
    if code in _ABSENCES or code.endswith("QueueDoesNotExist"):
        return NotFoundError(said)
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERRORS_FROM:
        return RetryableError(said)
    return PermanentError(said)


def of_ours(service: str, error: ClientError | BotoCoreError) -> CodeReviewError:
    """Say the same of what belongs to this deployment: that we may not, or that it is gone, an operator mends."""
    problem = translated(service, error)
    is_about_keys = isinstance(error, ClientError) and error.response["Error"]["Code"].startswith("KMS")
    return DeploymentError(str(problem)) if is_about_keys or isinstance(problem, _MENDABLE) else problem
