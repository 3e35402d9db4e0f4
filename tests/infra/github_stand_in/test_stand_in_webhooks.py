"""Webhooks: signed, in GitHub's shape, sent once."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.github import StandIn
from local.github.webhooks import signature

EXAMPLES = Path(__file__).parents[2] / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"


@dataclass(slots=True)
class Receiver:
    url: str
    status: int = 202
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver(stand_in: StandIn) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            world.received.append((dict(self.headers.items()), body))
            self.send_response(world.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    world = Receiver(url=f"http://127.0.0.1:{server.server_port}/webhooks/github")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    stand_in.set_webhook(world.url)
    yield world
    server.shutdown()
    thread.join()
    server.server_close()


def events(stand_in: StandIn) -> list[tuple[str, str]]:
    return [(one["event"], one["action"]) for one in stand_in.deliveries]


def payload(delivery: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(delivery["body"]))


def keys(document: Any) -> Any:
    """Return the shape of a document: names and kinds of values, not the values."""
    if isinstance(document, dict):
        return {name: keys(value) for name, value in document.items()}
    return type(document).__name__


def test_the_signature_is_githubs_own_example() -> None:
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature("It's a Secret to Everybody", b"Hello, World!") == expected


def test_a_webhook_arrives_signed_over_its_raw_bytes(
    stand_in: StandIn, receiver: Receiver, installation_id: int
) -> None:
    assert events(stand_in) == [("installation", "created"), ("pull_request", "opened")]
    headers, body = receiver.received[-1]
    digest = hmac.new(stand_in.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert headers["X-GitHub-Event"] == "pull_request"
    assert headers["X-GitHub-Hook-Installation-Target-ID"] == stand_in.app_id
    assert headers["X-GitHub-Hook-Installation-Target-Type"] == "integration"
    assert len(headers["X-GitHub-Delivery"]) == 36
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert json.loads(body)["installation"]["id"] == installation_id


@pytest.mark.usefixtures("installation_id")
def test_what_the_receiver_answers_is_written_down(stand_in: StandIn, receiver: Receiver) -> None:
    receiver.status = 500
    delivery = stand_in.comment("acme/shop", 1, "/review")["delivery"]
    assert (delivery["status_code"], delivery["status"]) == (500, "Invalid HTTP Response: 500")
    receiver.status = 202
    again = stand_in.redeliver(delivery["guid"])
    assert (again["guid"], again["body"], again["redelivery"]) == (delivery["guid"], delivery["body"], True)
    assert again["status"] == "OK"
    assert receiver.received[-1][1] == receiver.received[-2][1]


def test_nobody_listening_is_a_failed_delivery(stand_in: StandIn, installation_id: int) -> None:
    stand_in.set_webhook("http://127.0.0.1:1/")
    assert stand_in.push("acme/shop", 1, "later")["delivery"]["status"] == "failed to connect to host"


@pytest.mark.usefixtures("installation_id")
def test_every_change_of_a_pull_request_sends_its_event(stand_in: StandIn) -> None:
    for action in ("converted_to_draft", "ready_for_review", "closed", "reopened", "edited", "merged"):
        stand_in.change_pull_request("acme/shop", 1, action, title="Better" if action == "edited" else None)
    assert [action for event, action in events(stand_in) if event == "pull_request"] == [
        *("opened", "converted_to_draft", "ready_for_review", "closed", "reopened", "edited", "closed"),
    ]
    edited, merged = payload(stand_in.deliveries[-2]), payload(stand_in.deliveries[-1])
    assert edited["changes"] == {"title": {"from": "Change everything"}}
    assert (merged["pull_request"]["merged"], merged["pull_request"]["state"]) == (True, "closed")


@pytest.mark.usefixtures("installation_id")
def test_a_push_names_both_heads(stand_in: StandIn) -> None:
    before = payload(stand_in.deliveries[-1])["pull_request"]["head"]["sha"]
    pushed = payload(stand_in.push("acme/shop", 1, "later")["delivery"])
    assert (pushed["action"], pushed["before"], pushed["after"]) == (
        "synchronize",
        before,
        pushed["pull_request"]["head"]["sha"],
    )


@pytest.mark.usefixtures("installation_id")
def test_a_comment_names_its_pull_request_as_an_issue(stand_in: StandIn) -> None:
    sent = payload(stand_in.comment("acme/shop", 1, "/review full", author="kim")["delivery"])
    assert (sent["comment"]["body"], sent["comment"]["user"]["login"]) == ("/review full", "kim")
    assert (sent["issue"]["number"], "pull_request" in sent["issue"]) == (1, True)


def test_an_installations_life_is_told(stand_in: StandIn, installation_id: int, clone: Path) -> None:
    stand_in.add_repository(str(clone), "acme", "other")
    for action in ("suspend", "unsuspend", "deleted"):
        stand_in.change_installation(installation_id, action)
    stand_in.rename_repository("acme/other", "store")
    stand_in.rename_repository("acme/store", "store", owner="globex")
    assert [one for one in events(stand_in) if one[0] != "pull_request"] == [
        ("installation", "created"),
        ("installation_repositories", "added"),
        ("installation", "suspend"),
        ("installation", "unsuspend"),
        ("installation", "deleted"),
        ("repository", "renamed"),
        ("repository", "transferred"),
    ]


@pytest.mark.skipif(not EXAMPLES.is_file(), reason="the examples come with `make setup`")
@pytest.mark.usefixtures("installation_id")
@pytest.mark.parametrize(
    ("event", "part"),
    [("pull_request", "pull_request"), ("pull_request", "repository"), ("issue_comment", "comment")],
)
def test_a_payload_has_every_field_of_githubs_examples(stand_in: StandIn, event: str, part: str) -> None:
    stand_in.comment("acme/shop", 1, "/review")
    sent = next(payload(one) for one in stand_in.deliveries if one["event"] == event)
    catalogue = json.loads(EXAMPLES.read_text())
    examples = next(one["examples"] for one in catalogue if one["name"] == event)
    example = next(one for one in examples if one["action"] == sent["action"] and "installation" in one)
    assert set(example[part]) - set(sent[part]) == set()


def test_any_payload_can_be_delivered_from_another_process(stand_in: StandIn, receiver: Receiver) -> None:
    arguments = {"event": "star", "payload": {"action": "created"}}
    answer = httpx.post(f"{stand_in.url}/_control/deliver", json=arguments)
    assert answer.json()["result"]["status_code"] == 202
    assert receiver.received[-1][0]["X-GitHub-Event"] == "star"
