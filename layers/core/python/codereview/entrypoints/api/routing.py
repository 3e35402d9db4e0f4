"""A route, what it may be asked by whom, and how a request finds it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from codereview.domain.control.audit import Request
from codereview.domain.control.callers import Caller, PersonCaller
from codereview.domain.control.scopes import Scope
from codereview.domain.control.tenants import Tenant
from codereview.entrypoints.api.fields import Body, NoQuery, Page, Query, Shown
from codereview.errors import ForbiddenError
from codereview.ports import Ids


class Who(StrEnum):
    """Who may use a route that belongs to no tenant."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"  # every key and every person
    PERSON = "person"
    OPERATOR = "operator"


Access = Who | Scope  # a scope: who has it in the tenant of the path

_PARAMETER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a route says: `content` None is an empty answer; `version` becomes the ETag."""

    content: BaseModel | None = None
    version: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWanted:
    """Which part of a list."""

    limit: int
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was let in, taken apart and checked."""

    request: Request
    caller: Caller | None
    bound: Tenant | None
    scopes: frozenset[Scope]
    path: Mapping[str, str]
    query: Query
    body: Body | None
    version: int | None
    page: PageWanted
    ids: Ids

    @property
    def tenant(self) -> Tenant:
        """The tenant of the path, which the caller belongs to or operates."""
        if self.bound is None:
            raise LookupError("the route has no tenant")
        return self.bound

    @property
    def known_version(self) -> int:
        """The version of If-Match, without which the request was not let in."""
        if self.version is None:
            raise LookupError("the route does not ask for If-Match")
        return self.version

    @property
    def person(self) -> PersonCaller:
        """The person who asks; raises ForbiddenError for a key."""
        if not isinstance(self.caller, PersonCaller):
            raise ForbiddenError("only people may do this")
        return self.caller

    def body_as[B: Body](self, kind: type[B]) -> B:
        """Return the body, which is of the kind that the route declares."""
        if not isinstance(self.body, kind):
            raise TypeError(f"the route declares no {kind.__name__}")
        return self.body

    def query_as[Q: Query](self, kind: type[Q]) -> Q:
        """Return the query, which is of the kind that the route declares."""
        if not isinstance(self.query, kind):
            raise TypeError(f"the route declares no {kind.__name__}")
        return self.query


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `operation` is its stable name: the command line, the matrix of rights and OpenAPI go by it."""

    method: str
    path: str
    operation: str
    summary: str
    access: Access
    run: Callable[[Any, Call], Answer]  # with the services of the function that serves it
    answer: type[Shown] | None = None
    status: int = 200
    body: type[Body] | None = None
    query: type[Query] = NoQuery
    takes_version: bool = False  # If-Match may say which version the change is made over
    needs_version: bool = False  # … must say it
    has_version: bool = False  # the answer has an ETag
    page: Callable[[Any], str] | None = None  # writes the answer as HTML, for browsers
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the path; a parameter is one segment, whatever it holds."""
        literal = [re.escape(part) if number % 2 == 0 else f"(?P<{part}>[^/]+)" for number, part in self._parts()]
        object.__setattr__(self, "pattern", re.compile("".join(literal)))

    def _parts(self) -> Iterable[tuple[int, str]]:
        return enumerate(_PARAMETER.split(self.path))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path, in their order."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def is_change(self) -> bool:
        """Whether it changes something, and so is audited where it is refused."""
        return self.method != "GET"

    @property
    def is_conditional(self) -> bool:
        """Whether If-Match is read."""
        return self.takes_version or self.needs_version

    @property
    def has_pages(self) -> bool:
        """Whether it answers with a part of a list."""
        return issubclass(self.query, Page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A route with the texts of its path's parameters."""

    route: Route
    path: Mapping[str, str]


def find(routes: Iterable[Route], method: str, path: str) -> Found | tuple[str, ...]:
    """Return the route; or the methods that the path knows, none of them the asked one; empty: no such path.

    The path is compared as it came: no case is folded, no slash or dot is tidied, no method is overridden.
    """
    methods = set[str]()
    for route in routes:
        found = route.pattern.fullmatch(path)
        if found is not None and route.method == method:
            return Found(route=route, path=found.groupdict())
        if found is not None:
            methods.add(route.method)
    return tuple(sorted(methods))
