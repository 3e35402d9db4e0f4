"""The control plane with everything that it works on: an emulated AWS, a GitHub, people, keys and the time."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
from aws_lambda_powertools import Logger
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from codereview.adapters.github.identity import GitHubIdentity, OAuthClient
from codereview.bootstrap.services import Clients, GitHubSide, assemble
from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, Request, audited
from codereview.domain.control.exports import ExportJob
from codereview.domain.control.people import PersonId, Role
from codereview.domain.control.scopes import ADMINISTRATING, OPERATING, Scope
from codereview.domain.control.tenants import InstallationProof, Tenant
from codereview.domain.export import ExportFormat, ExportReport, export_key
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.entrypoints.api.app import ApiApp
from codereview.entrypoints.logger import function_logger
from codereview.ports import PullRequestKey, ReviewItem
from codereview.settings import ApiSettings, LogSettings
from codereview.use_cases.control.manage_keys import Issued
from local.aws import Aws
from tests.adapters.dynamodb.control_table import create_control_table

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
SIGNING_KEY = b"canary-signing-key-0123456789abcdef"
OPERATOR = 9_000
MINE, THEIRS = 1, 2
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
SYSTEM = Request(actor=Actor(kind=ActorKind.SYSTEM, id="world"), id="world", at=NOW)

_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer of the function."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The kind of problem."""
        assert self.headers["content-type"] == "application/problem+json", self.text
        return str(self.json["type"]).rpartition(":")[2]


@dataclass
class Clock:
    """Time that passes only when told."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.time += duration


@dataclass
class Installed:
    """GitHub's installations of the App."""

    clock: Clock
    found: dict[int, InstallationProof] = field(default_factory=dict)

    def prove(self, installation_id: int) -> InstallationProof | None:
        return self.found.get(installation_id)

    def install(self, account: int) -> int:
        installation = 100 + account
        self.found[installation] = InstallationProof(
            host="github.com",
            installation_id=installation,
            account_id=account,
            login=f"acme-{account}",
            is_suspended=False,
            seen_at=self.clock.now(),
        )
        return installation


@dataclass
class Web:
    """GitHub's sign-in: who the person at the browser is, and the codes that it gave out."""

    user: tuple[int, str] = (77, "ann")
    challenges: dict[str, str] = field(default_factory=dict)
    failure: int | None = None
    asked: list[httpx.Request] = field(default_factory=list)

    def approve(self, authorize_url: str) -> tuple[str, str]:
        """Do what the person does at the address; return the code and the state that GitHub sends back."""
        query = parse_qs(urlsplit(authorize_url).query)
        code = f"code-{next(_numbers)}"
        assert query["code_challenge_method"] == ["S256"]
        self.challenges[code] = query["code_challenge"][0]
        return code, query["state"][0]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.failure is not None:
            return httpx.Response(self.failure)
        if request.url.path == "/login/oauth/access_token":
            return self._token(parse_qs(request.content.decode()))
        assert request.headers["authorization"] == "Bearer ghu_canary"
        return httpx.Response(200, json={"id": self.user[0], "login": self.user[1], "email": "not read"})

    def _token(self, form: Mapping[str, list[str]]) -> httpx.Response:
        challenge = self.challenges.pop(form["code"][0], None)
        digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        is_right = challenge == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not is_right or form["client_secret"] != ["canary-client-secret"]:
            return httpx.Response(200, json={"error": "bad_verification_code"})
        return httpx.Response(200, json={"access_token": "ghu_canary", "token_type": "bearer"})


@dataclass
class Table:
    """What the function's requests to the control table are, and which of them fail: before or after they happened."""

    calls: list[str] = field(default_factory=list)
    fails_before: set[str] = field(default_factory=set)
    fails_after: set[str] = field(default_factory=set)
    fails_about: set[str] = field(default_factory=set)  # requests that have such a text in them, before they happen

    def watch(self, client: Any) -> None:
        client.meta.events.register("before-call.dynamodb", self._before)
        client.meta.events.register("after-call.dynamodb", self._after)

    def fail(self) -> None:
        """Be away."""
        self.fails_before.add("*")

    def _before(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        self.calls.append(model.name)
        is_about = any(text.encode() in params["body"] for text in self.fails_about)
        if is_about or self.fails_before & {model.name, "*"}:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.test")

    def _after(self, model: Any, **_: Any) -> None:
        if self.fails_after & {model.name, "*"}:
            raise ConnectionClosedError(endpoint_url="https://dynamodb.test")


@dataclass
class Functions:
    """Lambda, as far as it takes calls that nobody waits for; the functions themselves are not there."""

    called: list[dict[str, Any]] = field(default_factory=list)
    is_away: bool = False
    does: Callable[[], None] = lambda: None

    def watched(self, client: Any) -> Any:
        client.meta.events.register("before-call.lambda.Invoke", self._invoke)
        return client

    def _invoke(self, params: Mapping[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        if self.is_away:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        assert params["headers"]["X-Amz-Invocation-Type"] == "Event"
        assert "/functions/maintenance/" in params["url_path"]
        self.called.append(json.loads(params["body"]))
        self.does()
        return AWSResponse("https://lambda.test", 202, HTTPHeaders(), None), {"StatusCode": 202}


@dataclass(kw_only=True)
class World:
    """A deployment."""

    aws: Aws
    settings: ApiSettings
    clock: Clock
    installed: Installed
    web: Web
    app: ApiApp
    table: Table = field(default_factory=Table)
    functions: Functions = field(default_factory=Functions)
    tenants: dict[int, Tenant] = field(default_factory=dict)
    exported: set[UUID] = field(default_factory=set)

    @classmethod
    def new(cls, aws: Aws, name: str) -> Self:
        """Make a table and queues, and start the function on them."""
        clock = Clock()
        create_control_table(aws.client("dynamodb"), name)
        aws.client("s3").create_bucket(Bucket=name)
        world = cls(
            aws=aws,
            settings=_settings(name, _queues(aws, name)),
            clock=clock,
            installed=Installed(clock),
            web=Web(),
            app=None,  # type: ignore[arg-type]  # made of the rest, in the next line
        )
        world.app = world.fresh()
        return world

    def fresh(self, logger: Logger | None = None) -> ApiApp:
        """Start the function as a new process; without a logger, nobody listens."""
        dynamodb = self.aws.new_client("dynamodb")
        self.table.watch(dynamodb)
        clients = Clients(
            dynamodb=dynamodb,
            sqs=self.aws.client("sqs"),
            secrets=self.aws.client("secretsmanager"),
            metrics=self.aws.client("cloudwatch"),
            objects=self.aws.new_client("s3", Config(signature_version="s3v4")),
            functions=self.functions.watched(self.aws.new_client("lambda")),
        )
        people = GitHubIdentity(
            httpx.Client(transport=httpx.MockTransport(self.web)),
            web_url="https://github.com",
            api_url="https://api.github.com",
            client=OAuthClient(client_id="Iv1.abc", client_secret="canary-client-secret"),
        )
        return assemble(
            self.settings,
            clients,
            GitHubSide(installations=self.installed, people=people),
            key=SIGNING_KEY,
            clock=self.clock,
            logger=logger or function_logger("api", level="CRITICAL"),
        )

    # --- requests

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        app: ApiApp | None = None,
    ) -> Reply:
        """Send a request as API Gateway hands it over; `body` is JSON, or text as it is."""
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None:
            given.setdefault("content-type", "application/json")
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        return self.send(event(method, path, headers=given, body=text, query=query), app=app)

    def send(self, given: Mapping[str, Any], *, app: ApiApp | None = None) -> Reply:
        """Send an event."""
        answer = (app or self.app).handle(given)
        assert answer["isBase64Encoded"] is False
        return Reply(status=answer["statusCode"], headers=answer["headers"], text=answer["body"])

    def pks(self) -> set[str]:
        """Return the keys of all items of the table."""
        client: Any = self.aws.client("dynamodb")
        pages = client.get_paginator("scan").paginate(TableName=self.settings.control_table)
        return {item["pk"]["S"] for page in pages for item in page["Items"]}

    def items(self) -> str:
        """Return the whole table as text."""
        client: Any = self.aws.client("dynamodb")
        pages = client.get_paginator("scan").paginate(TableName=self.settings.control_table)
        return str([page["Items"] for page in pages])

    def forget(self, pks: Iterable[str]) -> None:
        """Delete items."""
        client: Any = self.aws.client("dynamodb")
        for pk in pks:
            client.delete_item(TableName=self.settings.control_table, Key={"pk": {"S": pk}})

    # --- who there is

    def tenant(self, account: int = MINE) -> Tenant:
        """Return a tenant whose App is installed."""
        if account not in self.tenants:
            installation = self.installed.install(account)
            self.tenants[account] = self.app.services.manage_tenants.bind(installation, request=self.request())
        return self.tenants[account]

    def unblock(self) -> None:
        """Have our tenant served, whatever an operator's request has done before."""
        self.app.services.manage_tenants.unblock(self.tenant(MINE).id, request=self.request())

    def uninstall(self, account: int = MINE) -> None:
        """Take the App off an account, and have that noticed."""
        tenant = self.tenants.pop(account)
        del self.installed.found[tenant.installation_id]
        self.app.services.manage_tenants.renew(tenant.id, request=self.request())

    def request(self) -> Request:
        return replace(SYSTEM, id=f"world-{next(_numbers)}", at=self.clock.now())

    def issue(self, scopes: Iterable[Scope] = ADMINISTRATING, *, account: int = MINE, days: float = 30) -> Issued:
        """Make a key."""
        return self.app.services.manage_keys.issue(
            self.tenant(account),
            name="ci",
            scopes=frozenset(scopes) - {scope for scope in Scope if scope.is_operator_only},
            expires_at=self.clock.now() + timedelta(days=days),
            held=ADMINISTRATING,
            request=self.request(),
        )

    def key(self, scopes: Iterable[Scope] = ADMINISTRATING, *, account: int = MINE) -> str:
        """Make a key, and return its text."""
        return self.issue(scopes, account=account).token.text

    def person(self, user: int, role: Role | None = None, *, account: int = MINE) -> str:
        """Sign somebody in, with a role in the tenant; return the session's text."""
        person = PersonId(host="github.com", user_id=user)
        if role is not None:
            tenant = self.tenant(account)
            self.app.services.manage_people.set_role(
                tenant, person, login=f"u{user}", role=role, held=OPERATING, request=self.request()
            )
        return self.app.services.sign_in.begin(person, login=f"u{user}", request=self.request()).text

    def operator(self) -> str:
        """Sign in whoever runs the deployment."""
        return self.person(OPERATOR)

    # --- what there is

    def review(
        self,
        *,
        account: int = MINE,
        state: ReviewState = ReviewState.PARKED,
        number: int = 7,
        is_bypassed: bool = False,
        **changes: Any,
    ) -> UUID:
        """Store a review; each of another kind, so that there may be several."""
        tenant = self.tenant(account)
        kind = f"comment:{next(_numbers)}"
        key = ReviewKey(tenant=tenant.id, repository_id=5, number=number, head_sha=SHA, kind=kind)
        item = ReviewItem(key=key, state=state, is_bypassed=is_bypassed, **changes)
        place = PullRequestKey(tenant=tenant.id, repository_id=5, number=number)
        store = self.app.services.ask_reviews.store
        lease = store.seize(place, owner=UUID(int=1), until=self.clock.now())
        store.save(lease, item, now=self.clock.now())
        store.release(lease)
        return key.review_id

    def export(self, *, account: int = MINE, **changes: Any) -> UUID:
        """Have an export started, past the limit of how many may run."""
        tenant = self.tenant(account)
        job = ExportJob(
            id=UUID(int=next(_numbers)),
            tenant=tenant.id,
            format=ExportFormat.CSV,
            since=tenant.began_at,
            until=self.clock.now(),
            started_at=self.clock.now(),
        )
        job = replace(job, **changes)
        entry = audited(self.request(), tenant=tenant.id, action="exports.start", target=f"export/{job.id}")
        self.app.services.exports.jobs.add(job, audit=entry)
        return job.id

    def finish_exports(self, *, account: int = MINE, rows: int = 3) -> None:
        """Do what the maintenance function does: the file, then its report."""
        tenant = self.tenant(account).id
        page = self.app.services.exports.jobs.page(tenant, since=self.clock.now() - timedelta(days=1), limit=100)
        for job in page.items:
            if job.started_at > self.clock.now() or job.id in self.exported:
                continue
            self.exported.add(job.id)
            key = export_key(tenant, job.id, job.format.value)
            report = ExportReport(job=str(job.id), key=key, rows=rows, is_cut=False, last=job.until.isoformat())
            self._put(key, b"review_id,path\r\n")
            self._put(export_key(tenant, job.id, "json"), json.dumps(asdict(report)).encode())

    def _put(self, key: str, data: bytes) -> None:
        self.aws.client("s3").put_object(Bucket=self.settings.objects_bucket, Key=key, Body=data)

    def dead_letter(self, body: str, *, queue: str = "reviews") -> None:
        url = self.settings.review_dead_letters_url if queue == "reviews" else self.settings.record_dead_letters_url
        self.aws.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def queued(self) -> list[str]:
        """Take all messages out of the review queue."""
        client: Any = self.aws.client("sqs")
        answer = client.receive_message(QueueUrl=self.settings.review_queue_url, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        for message in messages:
            client.delete_message(QueueUrl=self.settings.review_queue_url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def audited(self) -> list[AuditEntry]:
        """Return all entries in the outbox but the world's own, oldest first."""
        entries = self.app.services.outbox.unsent(now=self.clock.now() + timedelta(days=1), limit=4_000)
        return sorted((each for each in entries if each.actor.id != "world"), key=lambda each: each.at)


def event(
    method: str, path: str, *, headers: Mapping[str, str] | None = None, body: str | None = None, query: str = ""
) -> dict[str, Any]:
    """Make an event as API Gateway does: HTTP API, payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "ANY /v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(headers or {}),
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"},
            "requestId": f"request-{next(_numbers)}",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def tenant_path(account: int = MINE, rest: str = "") -> str:
    return f"/v1/tenants/{TenantId(f'github.com:{account}')}{rest}"


def _queues(aws: Aws, name: str) -> Mapping[str, str]:
    client: Any = aws.client("sqs")
    urls = {}
    for queue in ("review", "record"):
        dead = client.create_queue(QueueName=f"{name}-{queue}-dead-letters")["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        urls[f"{queue}_queue_url"] = client.create_queue(
            QueueName=f"{name}-{queue}s", Attributes={"RedrivePolicy": policy}
        )["QueueUrl"]
        urls[f"{queue}_dead_letters_url"] = dead
    return urls


def _settings(table: str, urls: Mapping[str, str]) -> ApiSettings:
    return ApiSettings(
        log=LogSettings(service="api", level="INFO"),
        stage="test",
        control_table=table,
        github_secret_arn="github",
        api_secret_arn="api",
        objects_bucket=table,
        maintenance_function="maintenance",
        github_host="github.com",
        github_api_url="https://api.github.com",
        operators=frozenset({OPERATOR}),
        sign_in_redirect_url=None,
        **urls,
    )
