"""The API over HTTP: waits when it is told to, while patience lasts, and repeats only what is safe to repeat."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote

import click
import httpx

from codereview.adapters.system import RandomIds, SystemClock
from codereview.cli.control.api import Ask, Reply
from codereview.cli.control.failures import CommandError, ExitCode, exit_code_of
from codereview.entrypoints.api.routing import Route
from codereview.entrypoints.api.table import ROUTES
from codereview.ports import Clock, Ids

_ROUTES = {route.operation: route for route in ROUTES}
_TIMEOUT = httpx.Timeout(35.0, connect=10.0)  # API Gateway gives up after 30 s
_SHORTEST_WAIT = 1
_MOST_TRIES = 20
_WAITABLE = {429, 503}
_ETAG = re.compile(r'"(\d+)"')


@dataclass(frozen=True)
class HttpApi:
    """The control plane at `url`; `patience` is how many seconds one call may wait for limits and outages."""

    url: str
    token: str | None
    patience: float
    transport: httpx.BaseTransport | None = None
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)

    @cached_property
    def _client(self) -> httpx.Client:
        headers = {"user-agent": "codereview-cli"} | ({"authorization": f"Bearer {self.token}"} if self.token else {})
        return httpx.Client(transport=self.transport, timeout=_TIMEOUT, headers=headers)

    def call(self, ask: Ask) -> Reply:
        """Send it, again after each wait that the answer asks for, as long as patience lasts."""
        route, waited = _ROUTES[ask.operation], 0.0
        # Under one name the service does a repeated request once.
        headers = {"idempotency-key": str(self.ids.new())} if route.method == "POST" else {}
        for _ in range(_MOST_TRIES):
            response = self._send(route, ask, headers)
            wait = _wait_of(response)
            if wait is None or waited + wait > self.patience:
                return _reply(route, response) if response is not None else _unreachable(self.url)
            click.echo(f"codereview: {_why(response)}, trying again in {wait} s", err=True)
            self.clock.sleep(timedelta(seconds=wait))
            waited += wait
        return _unreachable(self.url)

    def _send(self, route: Route, ask: Ask, headers: dict[str, str]) -> httpx.Response | None:
        path = route.path.format_map({name: quote(value, safe=":") for name, value in ask.path.items()})
        if ask.version is not None:
            headers = {**headers, "if-match": f'"{ask.version}"'}
        try:
            return self._client.request(
                route.method, self.url.rstrip("/") + path, params=dict(ask.query), json=ask.body, headers=headers
            )
        except httpx.TransportError:
            return None
        except httpx.InvalidURL as error:
            raise CommandError(f"{self.url} is no address: {error}") from None


def _wait_of(response: httpx.Response | None) -> int | None:
    """Return the seconds to wait before another try; None if the answer stands."""
    if response is None:
        return _SHORTEST_WAIT
    if response.status_code not in _WAITABLE:
        return None
    asked = response.headers.get("retry-after", "")
    return max(int(asked), _SHORTEST_WAIT) if re.fullmatch(r"\d{1,6}", asked) else None


def _why(response: httpx.Response | None) -> str:
    if response is None:
        return "the API cannot be reached"
    return "too many requests" if response.status_code == httpx.codes.TOO_MANY_REQUESTS else "the API is not available"


def _unreachable(url: str) -> Reply:
    hint = "with AWS credentials, --stack NAME works without it"
    raise CommandError(f"{url} cannot be reached; {hint}", ExitCode.UNAVAILABLE)


def _reply(route: Route, response: httpx.Response) -> Reply:
    if not response.is_success:
        raise CommandError(_problem(response), exit_code_of(response.status_code))
    tag = _ETAG.fullmatch(response.headers.get("etag", ""))
    try:
        document: Any = response.json() if response.content or route.answer is not None else {}
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CommandError(f"{response.request.url} is not the API of a code review", ExitCode.UNAVAILABLE)
    return Reply(document=document, version=int(tag[1]) if tag else None)


def _problem(response: httpx.Response) -> str:
    """Return the problem's own words with its request id, which is what the log knows it by."""
    try:
        problem = response.json()
        errors = "".join(f"\n  {each['pointer'] or '/'}: {each['problem']}" for each in problem.get("errors") or ())
        return f"{problem['detail']} (HTTP {response.status_code}, request {problem['request_id']}){errors}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{response.request.url.host} answered {response.status_code}, without a reason"
