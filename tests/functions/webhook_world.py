"""The webhook function in memory: its secrets, its queue, its clock and its log, and GitHub before it."""

import base64
import functools
import hashlib
import hmac
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from codereview.domain.envelope import Envelope
from codereview.domain.webhook import Receiver
from codereview.entrypoints.http import Response, WebhookEndpoint
from codereview.entrypoints.json_log import JsonLog
from codereview.errors import CodeReviewError
from codereview.use_cases.accept_webhook import AcceptWebhook, WebhookSecrets

TESTS = Path(__file__).resolve().parents[1]
SECRET = b"canary-secret-0d1c"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


@dataclass
class FakeClock:
    """Time that passes only when told."""

    time: datetime = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.time += duration


@dataclass
class MemorySecrets:
    """Secrets that can be exchanged, and a store that can be down."""

    secrets: tuple[bytes, ...] = (SECRET,)
    failure: Exception | None = None
    reads: int = 0

    def read(self) -> tuple[bytes, ...]:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return self.secrets


@dataclass
class MemoryQueue:
    """A queue that can be down."""

    sent: list[tuple[Envelope, timedelta]] = field(default_factory=list)
    failure: Exception | None = None

    def send(self, envelope: Envelope, *, delay: timedelta) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append((envelope, delay))


@dataclass(frozen=True)
class Invocation:
    """Lambda's context."""

    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


@dataclass
class World:
    """The function and what surrounds it."""

    clock: FakeClock = field(default_factory=FakeClock)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    lines: list[str] = field(default_factory=list)
    app_slug: str | None = "canny-reviewer"

    def __post_init__(self) -> None:
        self.endpoint = WebhookEndpoint(
            accept=AcceptWebhook(
                secrets=WebhookSecrets(self.secrets, self.clock),
                queue=self.queue,
                clock=self.clock,
                receiver=Receiver(host="github.com", app_slug=self.app_slug),
            ),
            log=JsonLog(self.lines.append, self.clock, service="webhook", level="INFO"),
        )

    def receive(self, event: Mapping[str, Any]) -> Response:
        """Answer one event of API Gateway, and check what must be true of every answer."""
        sent_before = len(self.queue.sent)
        response = self.endpoint.handle(event, Invocation())
        assert (response["statusCode"] == 202) == (len(self.queue.sent) == sent_before + 1)
        assert "Traceback" not in response["body"]
        for line in self.lines:
            assert line.endswith("\n")
            assert line.count("\n") == 1
            assert json.loads(line)["service"] == "webhook"
        return response

    def deliver(self, payload: object, *, event: str = "pull_request", **changes: Any) -> Response:
        """Send a signed payload."""
        return self.receive(delivery(payload, event=event, **changes))

    @property
    def envelope(self) -> Envelope:
        """The one envelope in the queue."""
        [(envelope, _)] = self.queue.sent
        return envelope

    def log(self) -> list[dict[str, Any]]:
        """What was logged, without the metrics that each line carries."""
        lines = self.measured_log()
        for line in lines:
            for declared in line.pop("_aws", {"CloudWatchMetrics": [{"Metrics": []}]})["CloudWatchMetrics"][0][
                "Metrics"
            ]:
                del line[declared["Name"]]
        return lines

    def measured_log(self) -> list[dict[str, Any]]:
        """What was logged, with its metrics."""
        return [json.loads(line) for line in self.lines]


def signature(body: bytes, secret: bytes = SECRET) -> str:
    """Sign as GitHub does."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def delivery(
    payload: object = None,
    *,
    event: str = "pull_request",
    body: bytes | None = None,
    secret: bytes = SECRET,
    headers: Mapping[str, str | None] | None = None,
    is_base64: bool = False,
) -> dict[str, Any]:
    """Make API Gateway's event of a delivery; None in `headers` takes a header away."""
    if body is None:
        body = json.dumps(payload).encode()
    every = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "user-agent": "GitHub-Hookshot/044aadd",
        "x-github-delivery": GUID,
        "x-github-event": event,
        "x-hub-signature-256": signature(body, secret),
        **(headers or {}),
    }
    return {
        "version": "2.0",
        "routeKey": "POST /webhooks/github",
        "rawPath": "/webhooks/github",
        "headers": {name: value for name, value in every.items() if value is not None},
        "requestContext": {"http": {"method": "POST", "path": "/webhooks/github"}},
        "body": base64.b64encode(body).decode() if is_base64 else body.decode("utf-8", errors="surrogateescape"),
        "isBase64Encoded": is_base64,
    }


def repository() -> dict[str, Any]:
    """The `repository` of a payload."""
    return {"id": 35129377, "full_name": "baxterthehacker/public-repo", "owner": {"id": 6752317}}


def pull_request(action: str = "synchronize", **changes: Any) -> dict[str, Any]:
    """Make a `pull_request` payload, cut down to what anybody could look at."""
    return {
        "action": action,
        "number": 7,
        "pull_request": {"number": 7, "title": "A change", "head": {"sha": SHA, "ref": "topic"}},
        "repository": repository(),
        "installation": {"id": 234},
        "sender": {"id": 21, "type": "User"},
        **changes,
    }


def comment(body: str | None = "/review", **changes: Any) -> dict[str, Any]:
    """Make an `issue_comment` payload of a pull request."""
    return {
        "action": "created",
        "issue": {"number": 7, "pull_request": {}},
        "comment": {"id": 99, "body": body, "user": {"id": 21, "type": "User"}},
        "repository": repository(),
        "installation": {"id": 234},
        "sender": {"id": 21, "type": "User"},
        **changes,
    }


def check_run(**changes: Any) -> dict[str, Any]:
    """Make a `check_run` payload of our check."""
    listed = [{"number": 7, "base": {"repo": {"id": 35129377}}}]
    run = {"id": 4, "name": "AI Code Review", "head_sha": SHA, "pull_requests": listed, **changes}
    return {
        "action": "rerequested",
        "check_run": run,
        "repository": repository(),
        "installation": {"id": 234},
        "sender": {"id": 21, "type": "User"},
    }


@functools.cache
def examples() -> tuple[tuple[str, int, dict[str, Any]], ...]:
    """GitHub's real payloads as (event, place in its list, payload)."""
    folder = TESTS / "node_modules" / "@octokit" / "webhooks-examples"
    if not folder.exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=TESTS, check=True)
    events = json.loads((folder / "api.github.com" / "index.json").read_text())
    return tuple((event["name"], place, each) for event in events for place, each in enumerate(event["examples"]))


def failures() -> list[Exception]:
    """Make one of each kind of failure that a port may end with."""
    kinds = [kind for kind in CodeReviewError.__subclasses__() if kind.__name__ != "ConfigurationError"]
    return [
        *(kind(f"{kind.__name__} happened") for kind in kinds),
        RuntimeError("canary-code"),
        KeyError("canary-code"),
    ]
