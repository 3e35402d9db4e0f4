"""Threads of review comments, which only GraphQL knows: listed, and resolved."""

from collections.abc import Iterator
from typing import Any

import graphql

from local.github.state import Json, Repository, ReviewComment, World

_ID = "PRRT_stand_in_"  # GitHub's are opaque, and begin so
_MOST_AT_ONCE = 100


class FieldError(graphql.GraphQLError):
    """GitHub says no to one field, with 200."""

    def __init__(self, kind: str, message: str) -> None:
        """Refuse with one of GitHub's kinds, such as FORBIDDEN."""
        super().__init__(message)
        self.kind = kind


def of_pull(world: World, repository: Repository, number: int) -> Json:
    """Return a pull request as its fields resolve."""
    found = [comment for comment in _first_comments(repository) if comment.number == number]

    def page(_info: object, first: int | None = None, after: str | None = None) -> Json:
        if first is None or not 1 <= first <= _MOST_AT_ONCE:
            raise FieldError("MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` value between 1 and 100.")
        begin = int(after or 0)
        rows = found[begin : begin + first]
        return {
            "nodes": [_shown(world, repository, comment) for comment in rows],
            "pageInfo": {"endCursor": str(begin + len(rows)), "hasNextPage": begin + len(rows) < len(found)},
            "totalCount": len(found),
        }

    return {"reviewThreads": page}


def resolve(world: World, repository_ids: frozenset[int], thread_id: str) -> Json:
    """Resolve a thread of one of the repositories; again changes nothing."""
    for repository in (world.repositories[one] for one in repository_ids if one in world.repositories):
        for comment in _first_comments(repository):
            if f"{_ID}{comment.id}" == thread_id:
                world.resolved_threads.add(comment.id)
                return _shown(world, repository, comment)
    raise FieldError("NOT_FOUND", f"Could not resolve to a node with the global id of '{thread_id}'.")


def _first_comments(repository: Repository) -> Iterator[ReviewComment]:
    return (comment for comment in repository.review_comments.values() if comment.in_reply_to is None)


def _shown(world: World, repository: Repository, comment: ReviewComment) -> dict[str, Any]:
    held = [one for one in repository.review_comments.values() if comment.id in (one.id, one.in_reply_to)]

    def comments(_info: object, first: int | None = None) -> Json:
        rows = [{"body": one.body, "databaseId": one.id} for one in held[: first or 0]]
        return {"nodes": rows, "totalCount": len(held)}

    return {
        "comments": comments,
        "id": f"{_ID}{comment.id}",
        "isResolved": comment.id in world.resolved_threads,
        "line": comment.line,
        "path": comment.path,
    }
