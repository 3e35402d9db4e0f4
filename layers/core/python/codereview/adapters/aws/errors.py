"""The AWS SDK's errors in our words."""

from botocore.exceptions import BotoCoreError, ClientError

from codereview.errors import (
    CodeReviewError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RetryableError,
    ThrottledError,
)

_SERVER_ERRORS_FROM = 500
_THROTTLES = {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled"}
_DENIALS = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnrecognizedClientException"}
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
