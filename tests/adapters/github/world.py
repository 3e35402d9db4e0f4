"""A small GitHub behind httpx's mock transport: answers by path, and remembers what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from codereview.adapters.github.app import GitHubApp, Pace, unpaced
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
API = "https://api.github.test"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class FakeClock:
    """Time that passes only by sleeping."""

    time: datetime = NOW
    slept: list[timedelta] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        self.time += duration


@dataclass
class World:
    """Answers in the order given, the last one for ever; tokens and the App itself are always there."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)
    tokens: int = 0

    def on(self, call: str, *answers: Answer | httpx.Response) -> "World":
        """Answer `call`, for example "GET /repos/o/r/pulls/1"."""
        self.answers[call] = [_constant(answer) if isinstance(answer, httpx.Response) else answer for answer in answers]
        return self

    def app(self, private_key: str = PEM, api_url: str = API, pace: Pace = unpaced) -> GitHubApp:
        return GitHubApp(
            outbound_client(transport=httpx.MockTransport(self._answer)),
            api_url=api_url,
            credentials=AppCredentials(app_id="12345", private_key=private_key),
            clock=self.clock,
            jitter=lambda: 0.0,
            pace=pace,
        )

    def asked(self, call: str) -> list[httpx.Request]:
        return [request for request in self.requests if _name(request) == call]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        queue = self.answers.get(_name(request))
        if queue:
            return (queue.pop(0) if len(queue) > 1 else queue[0])(request)
        if request.url.path.endswith("/app"):
            return httpx.Response(200, json={"id": 12345, "slug": "codereview"})
        if request.url.path.endswith("/access_tokens"):
            return self._token()
        return httpx.Response(404, json={"message": "Not Found"})

    def _token(self) -> httpx.Response:
        self.tokens += 1
        expires = (self.clock.time + timedelta(hours=1)).isoformat()
        repositories = [{"id": 2, "name": "r", "owner": {"id": 1, "login": "o"}}]
        document = {"token": f"token-{self.tokens}", "expires_at": expires, "repositories": repositories}
        return httpx.Response(201, json=document)


def _name(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path}"


def _constant(response: httpx.Response) -> Answer:
    """Answer alike each time; a response that was read once cannot be sent again."""
    content, headers = response.content, dict(response.headers)
    return lambda _request: httpx.Response(response.status_code, content=content, headers=headers)
