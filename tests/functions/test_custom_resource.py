"""The migrations function's answers to CloudFormation, as they arrive at the address that it gave."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError

import pytest

from codereview.entrypoints.custom_resource import CustomResourceApp
from codereview.entrypoints.logger import function_logger
from codereview.errors import RetryableError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclass
class Context:
    """What the answer tells people to look at."""

    log_stream_name: str = "2026/03/15/[1]abc"


CONTEXT = cast("LambdaContext", Context())


@dataclass
class CloudFormation:
    """The presigned address, and what was put there."""

    url: str = ""
    status: int = 200
    answers: list[dict[str, Any]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def event(self, kind: str, **more: str) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"{self.url}/answer?X-Amz-Signature=x%2F",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Migrations",
            "ResourceProperties": {},
        } | more


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    world = CloudFormation()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def do_PUT(self) -> None:
            assert self.path == "/answer?X-Amz-Signature=x%2F"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            world.sizes.append(len(body))
            world.answers.append(json.loads(body))
            world.content_types.append(self.headers["Content-Type"])
            self.send_response(world.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        world.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield world
        server.shutdown()
        thread.join()


@dataclass
class Migration:
    """Counts its runs."""

    error: Exception | None = None
    runs: int = 0

    def __call__(self) -> str:
        self.runs += 1
        if self.error is not None:
            raise self.error
        return "0001"


def app(migration: Migration) -> CustomResourceApp:
    # Silent, since a test's captured log goes to the runner as UTF-8, which half a character is not.
    return CustomResourceApp(apply=migration, logger=function_logger("migrations-test", level="CRITICAL"))


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_new_or_changed_resource_migrates_and_names_the_revision(cloudformation: CloudFormation, kind: str) -> None:
    migration = Migration()
    app(migration).process(cloudformation.event(kind), CONTEXT)
    assert migration.runs == 1
    assert cloudformation.answers == [
        {
            "Status": "SUCCESS",
            "Reason": "",
            "PhysicalResourceId": "codereview-schema",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Migrations",
            "Data": {"Revision": "0001"},
        }
    ]
    # The address is signed for an empty content type: with any other S3 refuses.
    assert cloudformation.content_types == [""]


def test_an_update_keeps_the_resources_own_id_or_cloudformation_would_delete_the_old_one(
    cloudformation: CloudFormation,
) -> None:
    app(Migration()).process(cloudformation.event("Update", PhysicalResourceId="from-the-first-day"), CONTEXT)
    assert cloudformation.answers[0]["PhysicalResourceId"] == "from-the-first-day"


def test_a_removed_resource_leaves_the_data_where_it_is(cloudformation: CloudFormation) -> None:
    migration = Migration()
    app(migration).process(cloudformation.event("Delete", PhysicalResourceId="codereview-schema"), CONTEXT)
    assert migration.runs == 0
    assert cloudformation.answers[0]["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    "error",
    [RetryableError("database unreachable"), ValueError("é" * 9000), ValueError("\x01\ud800\U0001f600" * 9000)],
    ids=["short", "long", "strange"],
)
def test_a_failed_migration_fails_the_deploy_and_says_where_to_read(
    cloudformation: CloudFormation, error: Exception
) -> None:
    app(Migration(error)).process(cloudformation.event("Create"), CONTEXT)
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"{type(error).__name__}: ")
    assert "2026/03/15/[1]abc" in answer["Reason"]
    assert cloudformation.sizes[0] <= 4096


def test_an_answer_that_does_not_arrive_is_an_error_of_the_function(cloudformation: CloudFormation) -> None:
    cloudformation.status = 403
    with pytest.raises(HTTPError):
        app(Migration()).process(cloudformation.event("Create"), CONTEXT)
