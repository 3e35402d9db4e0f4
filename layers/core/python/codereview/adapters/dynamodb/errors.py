"""DynamoDB's errors in our words."""

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.denials import missing_right
from codereview.errors import (
    CodeReviewError,
    DeploymentError,
    MissingRightError,
    PermanentError,
    RetryableError,
    ThrottledError,
)

_THROTTLES = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TransactionInProgressException",
}
# What the values that were to be written brought about; whatever else is refused, an operator can mend.
_BY_INPUT = {"ValidationException", "ItemCollectionSizeLimitExceededException", "ConditionalCheckFailedException"}
_SERVER_ERRORS_FROM = 500


def translated(error: ClientError | BotoCoreError) -> CodeReviewError:
    """Say what the caller should do about the error."""
    if not isinstance(error, ClientError):
        return RetryableError(f"control table unreachable: {type(error).__name__}")
    code = error.response["Error"]["Code"]
    if code in _THROTTLES:
        return ThrottledError(f"control table throttles: {code}")
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERRORS_FROM:
        return RetryableError(f"control table failed: {code}")
    if code == "TransactionCanceledException":
        return RetryableError("control table cancelled the transaction")
    if code in _BY_INPUT:
        return PermanentError(f"control table refuses: {code}")
    return _to_be_mended(error, code)


def _to_be_mended(error: ClientError, code: str) -> DeploymentError:
    if code == "AccessDeniedException":
        return MissingRightError(f"control table denies {missing_right(error)}")
    return DeploymentError(f"control table refuses: {code}")
