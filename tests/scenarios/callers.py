"""Who calls the deployed API, and how: over the network, as any client would."""

import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from codereview.adapters.dynamodb.control.sessions import DynamoSessions
from codereview.adapters.github.app import app_client
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.adapters.system import RandomIds, RandomSecrets, SystemClock
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.control.people import PersonId
from codereview.use_cases.control.sign_in import SignIn
from local.stack import OPERATOR, LocalStack


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
    sign_in = SignIn(
        sessions=sessions,
        ids=RandomIds(),
        secrets=RandomSecrets(),
        environment="local",
        knows=lambda _: True,
        note=lambda _: None,
    )
    person = PersonId(host="github.com", user_id=OPERATOR)
    actor = Actor(kind=ActorKind.SYSTEM, id="test")
    request = Request(actor=actor, id=str(RandomIds().new()), at=SystemClock().now())
    return sign_in.begin(person, login="operator", request=request).text


def installation(stack: LocalStack, owner: str) -> int:
    """Return the number of the App's installation in an account."""
    app = stack.hub.app()
    credentials = AppCredentials(app_id=app["app_id"], private_key=app["private_key"])
    with outbound_client() as web:
        client = app_client(
            web,
            api_url=stack.hub.url,
            credentials=lambda: credentials,
            clock=SystemClock(),
            jitter=lambda: 0.0,
        )
        found = client.get("app/installations").json()
    (own,) = [int(each["id"]) for each in found if each["account"]["login"] == owner]
    return own
