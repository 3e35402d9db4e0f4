"""A transaction of which each part says what its refusal means."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.dynamodb.errors import translated
from codereview.errors import ThrottledError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# A Put, Update, Delete or ConditionCheck as the SDK takes it, and the error that its refusal means.
type Part = tuple[Mapping[str, Any], Exception]

# Another transaction holds one of the items for some milliseconds; that is over by the next try, or somebody else's
# flood, which a longer wait here would only feed.
_MOST_TRIES = 5
_CONFLICT = "TransactionConflict"


def transact(client: "DynamoDBClient", parts: Sequence[Part]) -> None:
    """Write all parts or none; raises the error of the first part whose condition does not hold.

    Only what was cancelled for a conflict is tried again here. TransactionInProgressException says that the SDK's
    repetition of a slow request found it still at work: another request of ours could only run into that one, so it is
    a ThrottledError, and the caller learns later how it ended.
    """
    items: Any = [part for part, _ in parts]
    for _ in range(_MOST_TRIES):
        try:
            client.transact_write_items(TransactItems=items)
        except ClientError as error:
            codes = [reason.get("Code") for reason in _reasons(error)]
            for code, (_, meaning) in zip(codes, parts, strict=False):
                if code == "ConditionalCheckFailed":
                    raise meaning from error
            if _CONFLICT not in codes:
                raise translated(error) from error
        except BotoCoreError as error:
            raise translated(error) from error
        else:
            return
    raise ThrottledError("control table: too many transactions want the same item")


def _reasons(error: ClientError) -> Sequence[Any]:
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return []
    return error.response.get("CancellationReasons", [])
