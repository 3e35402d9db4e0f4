"""What somebody hears who lacks a right: which one, in one line, and nothing else of AWS's answer."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from codereview.adapters.aws.errors import of_ours, translated
from codereview.adapters.dynamodb.errors import translated as of_table
from codereview.cli.control.failures import exit_code_of_error
from codereview.errors import CodeReviewError, ForbiddenError, MissingRightError

WHO = "User: arn:aws:iam::111122223333:user/canary is not authorized to perform:"
BECAUSE = "because no identity-based policy allows the action canary"
TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/control"


def refusal(code: str, message: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    return ClientError(answer, operation)


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (
            "AccessDeniedException",
            f"{WHO} lambda:UpdateAlias on resource: arn:aws:lambda:us-east-1:111122223333:function:x {BECAUSE}",
            "lambda:UpdateAlias on arn:aws:lambda:us-east-1:111122223333:function:x",
        ),
        (
            "AccessDenied",
            f'{WHO} s3:ListBucket on resource: "arn:aws:s3:::x" {BECAUSE}',
            "s3:ListBucket on arn:aws:s3:::x",
        ),
        ("AuthorizationError", f"{WHO} SNS:Publish on resource: * {BECAUSE}", "SNS:Publish"),
        ("AccessDenied", "Access to the canary is denied.", "UpdateAlias"),
        ("403", "Forbidden", "UpdateAlias"),
    ],
)
def test_the_right_that_is_missing_is_named_and_who_lacks_it_is_not(code: str, message: str, said: str) -> None:
    found = translated("AWS", refusal(code, message, "UpdateAlias"))
    assert (type(found), str(found)) == (ForbiddenError, f"AWS denies {said}")


def test_what_is_ours_waits_for_the_right_and_names_it_too() -> None:
    error = refusal("AccessDeniedException", f"{WHO} dynamodb:PutItem on resource: {TABLE} {BECAUSE}", "PutItem")
    assert [(type(each), str(each)) for each in (of_ours("AWS", error), of_table(error))] == [
        (MissingRightError, f"AWS denies dynamodb:PutItem on {TABLE}"),
        (MissingRightError, f"control table denies dynamodb:PutItem on {TABLE}"),
    ]


def test_wrong_credentials_are_no_missing_right() -> None:
    found = translated("AWS", refusal("UnrecognizedClientException", "canary", "GetItem"))
    assert (type(found), str(found)) == (ForbiddenError, "AWS answered UnrecognizedClientException")


@pytest.mark.parametrize(
    ("error", "code"), [(ForbiddenError("x"), 4), (MissingRightError("x"), 4), (CodeReviewError("x"), 1)]
)
def test_a_command_that_is_denied_something_ends_as_not_allowed(error: CodeReviewError, code: int) -> None:
    assert exit_code_of_error(error) == code
