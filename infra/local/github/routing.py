"""Requests, answers, and which function answers which of GitHub's operations."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from local.github.state import Json, Repository, Token, World

_WIDE = {"path": r".+", "basehead": r".+", "ref": r".+?"}  # these may hold slashes
_PER_PAGE, _MOST_PER_PAGE = 30, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; header names are lower-case, `path` is still percent-encoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: dict[str, str], body: bytes) -> "Request":
        """Make a request of what stands in the request line."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return cls(method=method, path=parts.path, query=query, headers=headers, body=body)


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer; `document` is None where there is no JSON. `is_cut`: the connection ends instead.

    `is_truncated`: it ends in the middle of the body.
    """

    status: int = 200
    document: Any = None
    text: bytes | None = None
    media_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    is_truncated: bool = False

    def body(self) -> bytes:
        """Return what goes over the wire."""
        if self.text is not None:
            return self.text
        return (
            b"" if self.document is None else json.dumps(self.document, ensure_ascii=False).encode("utf-8", "replace")
        )


class Refusal(Exception):  # noqa: N818 - an answer of GitHub's, not an error of ours
    """GitHub says no, with its own words."""

    def __init__(
        self, status: int, message: str, errors: Sequence[Any] = (), headers: dict[str, str] | None = None
    ) -> None:
        """Refuse with GitHub's status, message and list of errors."""
        super().__init__(message)
        self.status = status
        self.errors = list(errors)
        self.headers = headers or {}

    def answer(self) -> Answer:
        """Return the error document."""
        document: Json = {"message": str(self)}
        if self.errors:
            document["errors"] = self.errors
        document |= {"documentation_url": "https://docs.github.com/rest", "status": str(self.status)}
        return Answer(status=self.status, document=document, headers=self.headers)


def unprocessable(*errors: str) -> Refusal:
    """Refuse as the review endpoints do: a list of sentences."""
    return Refusal(422, "Unprocessable Entity", errors)


def invalid(resource: str, field_name: str, code: str, message: str | None = None) -> Refusal:
    """Refuse as the older endpoints do: a list of fields."""
    problem = {"resource": resource, "code": code, "field": field_name}
    return Refusal(422, "Validation Failed", [problem | ({"message": message} if message else {})])


@dataclass(slots=True, kw_only=True)
class Call:
    """A request on its way to the function that answers it."""

    world: World
    request: Request
    path: dict[str, str]
    token: Token | None = None
    found: Repository | None = None

    @property
    def repository(self) -> Repository:
        """Return the repository that the path names and the token reaches."""
        if self.found is None:
            raise Refusal(404, "Not Found")
        return self.found

    @property
    def held_token(self) -> Token:
        """Return the installation token of the call."""
        if self.token is None:
            raise Refusal(401, "Requires authentication")
        return self.token

    def number(self, name: str) -> int:
        """Return a whole number of the path; anything else is not found."""
        value = self.path[name]
        if not value.isdecimal():
            raise Refusal(404, "Not Found")
        return int(value)

    def json(self) -> Json:
        """Return the body, an object."""
        try:
            document = json.loads(self.request.body or b"{}")
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None
        if not isinstance(document, dict):
            raise Refusal(400, "Body should be a JSON object")
        return document

    def accepts(self, kind: str) -> bool:
        """Whether the client asked for a media type such as diff or raw."""
        accept = self.request.headers.get("accept", "")
        return re.search(rf"application/vnd\.github(\.v3)?\.{kind}\b", accept) is not None

    def page(self, items: Sequence[Any], shape: Callable[[Any], Json], *, key: str | None = None) -> Answer:
        """Return one page, linked to its neighbours. `key`: under that name, next to total_count."""
        per_page = min(_positive(self.request.query.get("per_page"), _PER_PAGE), _MOST_PER_PAGE)
        number = _positive(self.request.query.get("page"), 1)
        rows = [shape(item) for item in items[(number - 1) * per_page : number * per_page]]
        document: Any = rows if key is None else {"total_count": len(items), key: rows}
        last = max(1, -(-len(items) // per_page))
        return Answer(document=document, headers=self._links(number, last))

    def _links(self, number: int, last: int) -> dict[str, str]:
        pages = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number <= 1:
            del pages["prev"], pages["first"]
        if number >= last:
            del pages["next"], pages["last"]
        # GitHub's own links name the repository by its id.
        path = re.sub(r"^/repos/[^/]+/[^/]+", f"/repositories/{self.found.id}" if self.found else "", self.request.path)
        links = [
            f'<{self.world.base_url}{path}?{urlencode(self.request.query | {"page": str(page)})}>; rel="{name}"'
            for name, page in pages.items()
        ]
        return {"Link": ", ".join(links)} if links else {}


def _positive(value: str | None, default: int) -> int:
    return max(1, int(value)) if value is not None and value.isdecimal() else default


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One of GitHub's operations. `needs`: permission and level, any of which opens it; empty: the App's JWT does."""

    method: str
    template: str
    operation: str
    needs: tuple[tuple[str, str], ...]
    is_public: bool
    pattern: re.Pattern[str]
    handler: Handler

    def match(self, request: Request) -> dict[str, str] | None:
        """Return the path's parameters, decoded; None if the request is for another operation."""
        found = self.pattern.fullmatch(request.path) if request.method == self.method else None
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


ROUTES: list[Route] = []


def operation(
    method: str, template: str, name: str, *needs: tuple[str, str], is_public: bool = False
) -> Callable[[Handler], Handler]:
    """Register the function that answers an operation of GitHub's OpenAPI."""

    def register(handler: Handler) -> Handler:
        pattern = re.sub(r"\{(\w+)\}", lambda hit: f"(?P<{hit[1]}>{_WIDE.get(hit[1], '[^/]+')})", template)
        ROUTES.append(
            Route(
                method=method,
                template=template,
                operation=name,
                needs=needs,
                is_public=is_public,
                pattern=re.compile(pattern),
                handler=handler,
            )
        )
        # What names more of its path itself is tried first: commits/{ref}/check-runs before commits/{ref}.
        ROUTES.sort(key=lambda route: -len(re.sub(r"\{\w+\}", "", route.template)))
        return handler

    return register


def find(request: Request) -> tuple[Route, dict[str, str]] | None:
    """Find the operation that a request is for."""
    for route in ROUTES:
        parameters = route.match(request)
        if parameters is not None:
            return route, parameters
    return None
