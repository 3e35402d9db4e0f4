"""One authenticated request to GitHub at a time: retries of reads, pages, redirects, and nothing to any other host."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from codereview.adapters.circuit import Circuit
from codereview.adapters.github.failures import failure
from codereview.adapters.github.quota import LatestQuota
from codereview.adapters.http import send
from codereview.errors import CodeReviewError, ForbiddenError, PermanentError, RetryableError, ThrottledError
from codereview.github_ports import Quota, WriteSlot
from codereview.ports import Clock

API_VERSION = "2022-11-28"
JSON = "application/vnd.github+json"
_DEADLINE = timedelta(seconds=30)
_MAX_BYTES = 32 * 1024 * 1024
_READ_ATTEMPTS = 3
_FIRST_PAUSE = timedelta(milliseconds=500)
_MAX_REDIRECTS = 3
# 3,000 files at 10 a page are the most that we ever ask for; more pages than that are a loop.
_MAX_PAGES = 300

Authorization = Callable[[bool], str]  # given whether the last one was refused, returns the header's value


class BeforeWrite(Protocol):
    """What a write waits for."""

    def __call__(self, *, is_ahead: bool = False) -> None:
        """Return when a write may be sent, `is_ahead` within the second that follows; may raise ThrottledError."""
        ...


def _at_once(*, is_ahead: bool = False) -> None:
    del is_ahead


class GitHubClient:
    """Speaks to one API root; `authorization` is asked for the header of each request."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        api_url: str,
        clock: Clock,
        authorization: Authorization,
        jitter: Callable[[], float],
        circuit: Circuit | None = None,
        before_write: BeforeWrite = _at_once,
        quota: LatestQuota | None = None,
        unauthorized: type[CodeReviewError] = ForbiddenError,
    ) -> None:
        """Work on `api_url`; `jitter` returns 0..1 and spreads retries; `circuit` is shared by who shares a limit.

        `before_write` is called once for each write, and may raise ThrottledError instead of letting it be sent.
        `quota` is kept up to date by each answer; `unauthorized` is what a refused renewed authorization means.
        """
        self._circuit = circuit or Circuit(clock, name="GitHub")
        self._http = http
        self._api_url = api_url.rstrip("/") + "/"
        # Beside /api/v3 on a server of one's own: https://docs.github.com/en/enterprise-server/graphql/guides
        self._graphql_url = urljoin(self._api_url, "../graphql" if self._api_url.endswith("/api/v3/") else "graphql")
        self._host = urlsplit(self._api_url).netloc
        self._clock = clock
        self._authorization = authorization
        self._jitter = jitter
        self._before_write = before_write
        self._unauthorized = unauthorized
        self._quota = quota or LatestQuota()

    @property
    def quota(self) -> Quota | None:
        """How the installation stands, by the latest answer."""
        return self._quota.value

    def get(
        self, path: str, *, params: dict[str, str] | None = None, accept: str = JSON, etag: str | None = None
    ) -> httpx.Response:
        """Read; tries up to three times, follows renames. With an `etag`, the answer may be an empty 304."""
        for attempt in range(1, _READ_ATTEMPTS + 1):
            try:
                return self._circuit.call(lambda: self._read(path, params=params, accept=accept, etag=etag))
            except ThrottledError:
                raise
            except RetryableError:
                if attempt == _READ_ATTEMPTS:
                    raise
                self._clock.sleep(_FIRST_PAUSE * 2 ** (attempt - 1) * (1 + self._jitter()))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def pages(self, path: str, *, params: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        """Read every page, by GitHub's own links."""
        url, query, seen = path, params, set[str]()
        while url:
            response = self.get(url, params=query)
            yield response
            seen.add(url)
            url, query = response.links.get("next", {}).get("url", ""), None
            if url in seen or len(seen) > _MAX_PAGES:
                raise PermanentError(f"GitHub's pages of {path} do not end")

    def slot(self) -> WriteSlot:
        """Wait as a write does, before it."""
        self._before_write(is_ahead=True)
        return WriteSlot()

    def write(
        self, method: str, path: str, document: dict[str, Any] | None = None, *, slot: WriteSlot | None = None
    ) -> httpx.Response:
        """Write once; an unknown outcome is the caller's to clear up, since only it knows how to look."""
        if slot is None:
            self._before_write()
        return self._circuit.call(lambda: self._write(method, path, document))

    def query(self, query: str, variables: dict[str, Any]) -> httpx.Response:
        """Ask GraphQL once, for what REST can be asked for too: its trouble is not taken for GitHub's."""
        response = self._send("POST", self._graphql_url, document={"query": query, "variables": variables})
        problem = self._problem(response)
        if problem is not None:
            raise problem
        return response

    def _write(self, method: str, path: str, document: dict[str, Any] | None) -> httpx.Response:
        response = self._send(method, path, document=document)
        problem = self._problem(response)
        if problem is not None:
            raise problem
        return response

    def _read(self, path: str, *, params: dict[str, str] | None, accept: str, etag: str | None) -> httpx.Response:
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._send("GET", path, params=params, accept=accept, etag=etag)
            if etag is not None and response.status_code == httpx.codes.NOT_MODIFIED:
                return response
            if not response.has_redirect_location:
                problem = self._problem(response)
                if problem is not None:
                    raise problem
                return response
            path, params = urljoin(str(response.request.url), response.headers["location"]), None
        raise PermanentError(f"GitHub redirects {path} in circles")

    def _problem(self, response: httpx.Response) -> CodeReviewError | None:
        problem = failure(response, now=self._clock.now())
        is_unauthorized = response.status_code == httpx.codes.UNAUTHORIZED
        return self._unauthorized(str(problem)) if is_unauthorized else problem

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        document: dict[str, Any] | None = None,
        accept: str = JSON,
        etag: str | None = None,
    ) -> httpx.Response:
        """Send with a token, and once more with a new one if the first was refused (it may have been revoked)."""
        url = urljoin(self._api_url, path.lstrip("/")) if "://" not in path else path
        if urlsplit(url).netloc != self._host:
            raise ForbiddenError(f"GitHub points to another host, {urlsplit(url).netloc}: no token goes there")
        wanted = {"Accept": accept, **({"If-None-Match": etag} if etag is not None else {})}
        response = self._attempt(method, url, params, document, wanted, is_renewal=False)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response = self._attempt(method, url, params, document, wanted, is_renewal=True)
        return response

    def _attempt(
        self,
        method: str,
        url: str,
        params: dict[str, str] | None,
        document: dict[str, Any] | None,
        wanted: Mapping[str, str],
        *,
        is_renewal: bool,
    ) -> httpx.Response:
        headers = {
            **wanted,
            "Authorization": self._authorization(is_renewal),
            "User-Agent": "codereview",
            "X-GitHub-Api-Version": API_VERSION,
        }
        request = self._http.build_request(method, url, params=params, json=document, headers=headers)
        response = send(self._http, request, deadline=_DEADLINE, max_bytes=_MAX_BYTES)
        self._quota.observe(response)
        return response


def read_as[Model: BaseModel](model: type[Model], response: httpx.Response) -> Model:
    """Check an answer against the shape we rely on."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise _unexpected(response, error) from error


def read_list_of[Model: BaseModel](model: type[Model], response: httpx.Response) -> list[Model]:
    """Check an answer that is a list."""
    try:
        return TypeAdapter(list[model]).validate_json(response.content)  # type: ignore[valid-type]
    except ValidationError as error:
        raise _unexpected(response, error) from error


def _unexpected(response: httpx.Response, error: ValidationError) -> CodeReviewError:
    """A 200 that is not GitHub's document comes from a proxy or a cut connection, and may be right next time."""
    return RetryableError(
        f"GitHub's answer to {response.request.url.path} has an unexpected shape: {error.error_count()} problems"
    )
