"""Many files of a commit in one request, exact to the byte.

REST gives one file a request, and a review of a hundred files would use up a fiftieth of an installation's hour.
GraphQL gives a hundred, but as text: what is not UTF-8 comes changed, what is binary or long not at all. It also tells
git's own hash of each, so a text is taken only if its bytes have that hash; all other files are left to REST.

Nothing depends on GraphQL: where a proxy blocks it, or its own limit is used up, every file is left to REST.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from codereview.adapters.github.client import GitHubClient, read_as
from codereview.errors import CodeReviewError

_FILES_A_REQUEST = 100
_DIGESTS = {40: hashlib.sha1, 64: hashlib.sha256}
_FRAGMENT = "fragment file on GitObject { __typename oid ... on Blob { isTruncated text } }"


class _Object(BaseModel):
    """What git has at a path: https://docs.github.com/en/graphql/reference/interfaces#gitobject."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(alias="__typename")
    oid: str
    is_truncated: bool | None = Field(default=None, alias="isTruncated")  # null where GitHub cannot tell
    text: str | None = None


class _Data(BaseModel):
    repository: dict[str, _Object | None]


class _Answer(BaseModel):
    """GraphQL's errors come with 200; where one names a file, its data is null and says nothing about the file."""

    data: _Data
    errors: None = None


def files_in_bulk(
    client: GitHubClient, owner: str, name: str, paths: Sequence[str], ref: str
) -> dict[str, bytes | None]:
    """Read what bulk gives exactly: bytes, or None where the commit has no file. What is left out is unknown."""
    read: dict[str, bytes | None] = {}
    for start in range(0, len(paths), _FILES_A_REQUEST):
        asked = paths[start : start + _FILES_A_REQUEST]
        try:
            answer = read_as(_Answer, client.query(*_question(owner, name, asked, ref)))
        except CodeReviewError:
            return read
        read |= _known(asked, answer.data.repository)
    return read


def _question(owner: str, name: str, paths: Sequence[str], ref: str) -> tuple[str, dict[str, Any]]:
    """Write the query; names from outside travel as variables, never as part of its text."""
    places = range(len(paths))
    declared = " ".join(f"$e{place}: String!" for place in places)
    objects = " ".join(f"f{place}: object(expression: $e{place}) {{ ...file }}" for place in places)
    query = (
        f"query($owner: String!, $name: String!, {declared}) "
        f"{{ repository(owner: $owner, name: $name) {{ {objects} }} }} {_FRAGMENT}"
    )
    expressions = {f"e{place}": f"{ref}:{path}" for place, path in enumerate(paths)}
    return query, {"owner": owner, "name": name, **expressions}


def _known(paths: Sequence[str], objects: Mapping[str, _Object | None]) -> dict[str, bytes | None]:
    known: dict[str, bytes | None] = {}
    for place, path in enumerate(paths):
        if f"f{place}" not in objects:
            continue
        found = objects[f"f{place}"]
        if found is None or found.kind != "Blob":
            known[path] = None
        elif (
            found.text is not None and not found.is_truncated and _is_whole(content := _encoded(found.text), found.oid)
        ):
            known[path] = content
    return known


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_whole(content: bytes, oid: str) -> bool:
    """Whether git would give the content this name."""
    digest = _DIGESTS.get(len(oid))
    return digest is not None and digest(b"blob %d\0" % len(content) + content).hexdigest() == oid
