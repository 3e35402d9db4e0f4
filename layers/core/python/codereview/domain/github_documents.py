"""A publication as the documents that GitHub's REST API takes, field for field."""

from typing import Any

from codereview.domain.publication import CheckOutput, Publication, ReviewComment
from codereview.errors import PermanentError


def review_document(publication: Publication) -> dict[str, Any]:
    """Spell out `POST /repos/{owner}/{repo}/pulls/{number}/reviews`.

    The event is always there: without it GitHub leaves the review pending, and a pending one blocks all later ones.
    """
    return {
        "commit_id": publication.commit_id,
        "event": publication.event,
        "body": publication.body,
        "comments": [_comment_document(comment) for comment in publication.comments],
    }


def check_document(output: CheckOutput) -> dict[str, Any]:
    """Spell out `PATCH /repos/{owner}/{repo}/check-runs/{id}` of a finished check run."""
    return {
        "status": "completed",
        "conclusion": output.conclusion.value,
        "output": {"title": output.title, "summary": output.summary},
    }


def _comment_document(comment: ReviewComment) -> dict[str, Any]:
    if comment.start_line is not None and comment.start_line >= comment.line:
        raise PermanentError("a comment's range must start before it ends")
    document: dict[str, Any] = {
        "path": comment.path,
        "body": comment.body,
        "line": comment.line,
        "side": comment.side.value,
    }
    if comment.start_line is not None:
        document |= {"start_line": comment.start_line, "start_side": comment.side.value}
    return document
