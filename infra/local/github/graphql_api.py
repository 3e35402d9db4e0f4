"""GraphQL, as much of it as we ask: files of a commit, many at a time, and threads of comments."""

from pathlib import Path
from typing import Any

import graphql

from local.github import apps, threads
from local.github.git import Entry
from local.github.routing import Answer, Call, operation
from local.github.state import Json, Repository
from local.github.threads import FieldError

OPERATION = "graphql"
SCHEMA = graphql.build_schema((Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8"))
_TYPES = {"blob": "Blob", "tree": "Tree", "commit": "Commit"}
_TEXT_BYTES = 512_000
_GITS_LOOK = 8_000  # bytes: git takes a file for binary that has a NUL among its first ones


@operation("POST", "/graphql", OPERATION, ("metadata", "read"))
def post_graphql(call: Call) -> Answer:
    """Run one query; its errors come with 200, beside what could be found."""
    body = call.json()
    result = graphql.graphql_sync(
        SCHEMA, str(body.get("query", "")), _Query(call), variable_values=body.get("variables")
    )
    document: Json = {"data": result.data} if result.data is not None or not result.errors else {}
    if result.errors:
        document["errors"] = [_error(error) for error in result.errors]
        call.world.violations += [
            f"request graphql: {error.message}" for error in result.errors if not _is_refusal(error)
        ]
    return Answer(document=document)


def _error(error: graphql.GraphQLError) -> Json:
    known = {"type": error.original_error.kind} if isinstance(error.original_error, FieldError) else {}
    return known | dict(error.formatted)


def _is_refusal(error: graphql.GraphQLError) -> bool:
    return isinstance(error.original_error, FieldError) or isinstance(error, FieldError)


class _Query:
    """The root of every query."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def repository(self, _info: object, owner: str, name: str, **_options: object) -> "_Repository":
        """Find what the token reaches; the rest is not there."""
        found = self._call.world.repository(f"{owner}/{name}")
        if found is None or found.id not in self._call.held_token.repository_ids:
            raise FieldError("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return _Repository(self._call, found)

    def resolveReviewThread(self, _info: object, input: Json) -> Json:  # noqa: N802, A002 - GitHub's names
        """Resolve a thread, which takes a right that no review needs."""
        if not apps.allows(self._call.held_token.permissions, (("contents", "write"),)):
            raise FieldError("FORBIDDEN", "Resource not accessible by integration")
        thread = threads.resolve(self._call.world, self._call.held_token.repository_ids, input["threadId"])
        return {"clientMutationId": input.get("clientMutationId"), "thread": thread}


class _Repository:
    """A repository, as its fields resolve."""

    def __init__(self, call: Call, repository: Repository) -> None:
        self._call = call
        self._repository = repository

    def pullRequest(self, _info: object, number: int) -> Json:  # noqa: N802 - GitHub's name
        """Return a pull request with its threads."""
        if not apps.allows(self._call.held_token.permissions, (("pull_requests", "read"),)):
            raise FieldError("FORBIDDEN", "Resource not accessible by integration")
        if number not in self._repository.pulls:
            raise FieldError("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return threads.of_pull(self._call.world, self._repository, number)

    def object(self, _info: object, expression: str | None = None, oid: str | None = None) -> Json | None:
        """Return what a revision such as `main:src/a.py` names."""
        if not apps.allows(self._call.held_token.permissions, (("contents", "read"),)):
            raise FieldError("FORBIDDEN", "Resource not accessible by integration")
        revision, _, path = (expression or oid or "").partition(":")
        commit = self._repository.resolve(revision)
        entry = self._repository.git.entry(commit, path) if commit is not None else None
        return _shown(self._repository, entry) if entry is not None else None


def _shown(repository: Repository, entry: Entry) -> Json:
    known: dict[str, Any] = {"__typename": _TYPES[entry.kind], "oid": entry.sha}
    if entry.kind != "blob":
        return known
    content = repository.git.blob(entry.sha) or b""
    is_binary = b"\0" in content[:_GITS_LOOK]
    text = None if is_binary else content[:_TEXT_BYTES].decode(errors="replace")
    whole = {"byteSize": len(content), "isBinary": is_binary, "isTruncated": len(content) > _TEXT_BYTES, "text": text}
    return known | whole
