"""The server: finds the operation, checks who asks, answers as GitHub does."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from local.github.world import Fault, Pull, Repo, Token, World

_MAX_BODY = 10 * 1024 * 1024


class ApiError(Exception):
    """An error document of GitHub's."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back; `body` bytes are sent as they are, anything else as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of an operation."""

    world: World
    method: str
    path: str
    parameters: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    token: Token | None = None

    @property
    def repo(self) -> Repo:
        """The repository that the path names, if the token reaches it; GitHub does not tell it from a missing one."""
        name = f"{self.parameters['owner']}/{self.parameters['repo']}".lower()
        for repo in self.world.repositories.values():
            if repo.full_name.lower() == name and self.token and repo.id in self.token.repository_ids:
                return repo
        raise ApiError(404, "Not Found")

    @property
    def pull(self) -> Pull:
        """The pull request that the path names."""
        pull = self.repo.pulls.get(int(self.parameters["number"]))
        if pull is None:
            raise ApiError(404, "Not Found")
        return pull

    @property
    def wants_raw(self) -> bool:
        """Whether the raw media type was asked for."""
        return "raw" in self.headers.get("accept", "")

    @property
    def wants_diff(self) -> bool:
        """Whether the diff media type was asked for."""
        return ".diff" in self.headers.get("accept", "")

    def page(self, items: list[Any], *, most: int | None = None) -> Answer:
        """Answer one page of a list, with GitHub's links; `most` caps the whole list."""
        items = items[:most]
        size = min(max(_number(self.query.get("per_page"), 30), 1), 100)
        number = max(_number(self.query.get("page"), 1), 1)
        last = max((len(items) + size - 1) // size, 1)
        links = {"next": number + 1, "last": last} if number < last else {}
        links |= {"first": 1, "prev": number - 1} if number > 1 else {}
        header = ", ".join(f'<{self._page_url(page)}>; rel="{name}"' for name, page in links.items())
        return Answer(body=items[(number - 1) * size : number * size], headers={"Link": header} if header else {})

    def _page_url(self, page: int) -> str:
        return f"{self.world.url}{self.path}?{urlencode({**self.query, 'page': page})}"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


Operation = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An operation under GitHub's own template; `needs` is a permission and its level, or "app" for the App's JWT."""

    method: str
    template: str
    needs: str
    operation: Operation
    pattern: re.Pattern[str]

    @property
    def name(self) -> str:
        """The operation as tests name it."""
        return f"{self.method} {self.template}"


ROUTES: list[Route] = []


def route(method: str, template: str, *, needs: str) -> Callable[[Operation], Operation]:
    """Register an operation."""
    regex = re.sub(
        r"\{(\w+)\}", r"(?P<\1>[^/]+)", template.replace("{path}", r"{path_}").replace("{basehead}", r"{bh_}")
    )
    regex = regex.replace("(?P<path_>[^/]+)", "(?P<path>.+)").replace("(?P<bh_>[^/]+)", "(?P<basehead>.+)")

    def register(operation: Operation) -> Operation:
        pattern = re.compile(regex)
        ROUTES.append(Route(method=method, template=template, needs=needs, operation=operation, pattern=pattern))
        return operation

    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find the operation of a request and the values in its path."""
    for candidate in ROUTES:
        match = candidate.pattern.fullmatch(path) if candidate.method == method else None
        if match:
            return candidate, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Authorize = Callable[[World, Route, dict[str, str]], Token | None]
Observe = Callable[[World, Route, Request, Answer], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Answers requests; `observe` sees each with its answer, for checks against GitHub's description."""

    world: World
    authorize: Authorize
    observe: Observe | None = None

    def answer(self, request: Request) -> tuple[Answer, Fault | None]:
        """Do what is asked, unless a fault was scripted for the operation."""
        parts = urlsplit(request.target)
        found = find_route(request.method, parts.path)
        if found is None:
            return Answer(
                status=404, body={"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}
            ), None
        matched, parameters = found
        with self.world.lock:
            self.world.calls.append(matched.name)
            waiting = self.world.faults.get(matched.name)
            fault = waiting.pop(0) if waiting else None
        if fault is not None:
            time.sleep(fault.seconds)
            if fault.when == "before":
                return Answer(status=fault.status or 0, body=fault.body, headers=fault.headers), fault
        with self.world.lock:
            answer = self._do(matched, parameters, parts.path, parts.query, request)
        if self.observe is not None:
            self.observe(self.world, matched, request, answer)
        if fault is not None and fault.when == "after":
            return Answer(status=fault.status or 0, body=fault.body, headers=fault.headers), fault
        return answer, None

    def _do(self, matched: Route, parameters: dict[str, str], path: str, query: str, request: Request) -> Answer:
        try:
            call = Call(
                world=self.world,
                method=request.method,
                path=path,
                parameters=parameters,
                query={name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()},
                headers=request.headers,
                body=_document(request.body),
                token=self.authorize(self.world, matched, request.headers),
            )
            return matched.operation(call)
        except ApiError as error:
            document: dict[str, Any] = {"message": error.message, "documentation_url": "https://docs.github.com/rest"}
            document |= {"errors": error.errors} if error.errors is not None else {}
            return Answer(status=error.status, body={**document, "status": str(error.status)})


def _document(body: bytes) -> Any:
    try:
        return json.loads(body) if body else {}
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _serve(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _MAX_BODY)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(length)
        request = Request(method=self.command, target=self.path, headers=headers, body=body)
        answer, fault = self.server.api.answer(request)
        if fault is not None and fault.status is None:
            self.close_connection = True
            self.connection.close()
            return
        is_bytes = isinstance(answer.body, bytes)
        payload = answer.body if is_bytes else b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        defaults = {"Content-Type": "application/json; charset=utf-8", "X-GitHub-Request-Id": "LOCAL"}
        for name, value in {**defaults, **_rate_limit(), **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 -- http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's signature
        """Stay silent: the launcher shows what happens."""


def _rate_limit() -> dict[str, str]:
    return {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Resource": "core"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: Api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is its own affair; anything else is a bug of ours and shown."""


def serve(api: Api, port: int) -> tuple[ThreadingHTTPServer, threading.Thread]:
    """Listen on the loopback interface; port 0 takes a free one."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.api = api
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    return server, thread
