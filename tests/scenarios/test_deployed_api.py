"""The api function behind the deployed HTTP API, with the rights of its own role, against GitHub's stand-in."""

import http.client
import json
import time
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.github.app import app_client
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.adapters.system import RandomIds, RandomSecrets, SystemClock
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.control.people import PersonId
from codereview.use_cases.control.sign_in import SignIn
from local.demo import open_and_wait, sample_repository
from local.stack import OPERATOR, LocalStack

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws"), pytest.mark.timeout(300)]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    document: Any


def call(
    stack: LocalStack, method: str, path: str, token: str | None = None, body: Any = None, **headers: str
) -> Answer:
    """Send a request over the network, as any client would."""
    address = urlsplit(stack.api_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    sent = {"content-type": "application/json"} if body is not None else {}
    sent |= {"authorization": f"Bearer {token}"} if token else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, json.loads(text) if text else None)
    finally:
        connection.close()


def operator(stack: LocalStack) -> str:
    """Sign in whoever runs the deployment, past GitHub: its stand-in has no people at a browser."""
    table: Any = stack.deployment.outputs["ControlTableName"]
    sessions = DynamoSessions(stack.aws.client("dynamodb"), table)
    sign_in = SignIn(sessions=sessions, ids=RandomIds(), secrets=RandomSecrets(), environment="local")
    person = PersonId(host="github.com", user_id=OPERATOR)
    actor = Actor(kind=ActorKind.SYSTEM, id="test")
    request = Request(actor=actor, id=str(RandomIds().new()), at=SystemClock().now())
    return sign_in.begin(person, login="operator", request=request).text


def installation(stack: LocalStack) -> int:
    app = stack.hub.app()
    with outbound_client() as web:
        client = app_client(
            web,
            api_url=stack.hub.url,
            credentials=AppCredentials(app_id=app["app_id"], private_key=app["private_key"]),
            clock=SystemClock(),
            jitter=lambda: 0.0,
        )
        return int(client.get("app/installations").json()[0]["id"])


def wait_for_post(stack: LocalStack, path: str, key: str, kind: str) -> None:
    """Wait, as a client would, until the review that was asked for is on GitHub."""
    ends_at = time.monotonic() + 90
    while True:
        listed = call(stack, "GET", path, key).document
        states = [review["state"] for review in listed.get("items", []) if review["kind"] == kind]
        if states == ["posted"]:
            return
        assert time.monotonic() < ends_at, (listed, stack.logs("reviewer")[-5:])
        time.sleep(1)


def test_a_key_that_the_deployed_api_made_opens_it_and_asks_for_a_review(local_aws_with_roles: LocalStack) -> None:
    stack = local_aws_with_roles
    repository = stack.hub.add_repository(sample_repository(), owner="acme", name="asked")
    person = operator(stack)
    bound = call(stack, "POST", "/v1/tenants", person, {"installation_id": installation(stack)})
    assert bound.status == 200, (bound, stack.logs("api"))
    tenant = f"/v1/tenants/{bound.document['id']}"
    ends = (SystemClock().now() + timedelta(days=1)).isoformat()
    scopes = ["reviews:read", "reviews:write", "keys:read"]
    wanted = {"name": "ci", "scopes": scopes, "expires_at": ends}
    made = call(stack, "POST", f"{tenant}/keys", person, wanted, idempotency_key="the-key")
    again = call(stack, "POST", f"{tenant}/keys", person, wanted, idempotency_key="the-key")
    assert (made.status, made.document) == (201, again.document)
    key = made.document["token"]

    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    listed = call(stack, "GET", f"{tenant}/reviews?limit=100", key)
    assert pull["check_runs"][0]["external_id"] in {review["id"] for review in listed.document["items"]}
    assert listed.headers["ratelimit"].startswith('"tenant";r=')
    asked = call(stack, "POST", f"{tenant}/reviews", key, {"repository_id": repository, "number": pull["number"]})
    assert asked.status == 202, (asked, stack.logs("api"))
    wait_for_post(stack, f"{tenant}/reviews?limit=100", key, asked.document["kind"])
    assert len(stack.hub.pull(repository, pull["number"])["reviews"]) == 2
    assert call(stack, "GET", f"{tenant}/flags", key).status == 403

    queues = call(stack, "GET", "/v1/deployment/queues", person)
    assert {queue["name"] for queue in queues.document["items"]} == {"reviews", "records"}, stack.logs("api")
    letters = call(stack, "GET", "/v1/deployment/queues/reviews/dead-letters", person)
    assert letters.status == 200, (letters, stack.logs("api"))
    assert call(stack, "GET", "/status").document["status"] == "ok"
    assert call(stack, "GET", "/v1/me").status == 401
    logs = "\n".join(stack.logs("api"))
    assert key not in logs
    assert person not in logs
