"""One operation of the control plane, whichever way it is reached."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Document = dict[str, Any]
_MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call by the operation's stable name; `version` is what a change is made over."""

    operation: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Document | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back; an empty document where there is nothing to say."""

    document: Document
    version: int | None = None


class Api(Protocol):
    """The control plane."""

    def call(self, ask: Ask) -> Reply:
        """Do it; raises CommandError with the reason and the exit code."""
        ...


def pages(api: Api, ask: Ask, *, limit: int) -> Document:
    """Follow a list until there are `limit` rows; `next` is null when there are no more."""
    rows: list[Document] = []
    cursor = ""
    while True:
        wanted = {"limit": str(min(limit - len(rows), _MOST_PER_PAGE)), **({"cursor": cursor} if cursor else {})}
        page = api.call(_with_query(ask, wanted)).document
        rows += page["items"]
        cursor = page.get("next") or ""
        if not cursor or len(rows) >= limit:
            return {"items": rows, "next": cursor or None}


def _with_query(ask: Ask, more: Mapping[str, str]) -> Ask:
    return Ask(operation=ask.operation, path=ask.path, query={**ask.query, **more}, body=ask.body, version=ask.version)


def rows_of(document: Document) -> Iterator[Document]:
    """Return a list's rows."""
    yield from document["items"]
