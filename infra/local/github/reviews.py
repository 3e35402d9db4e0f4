"""Reviews and their inline comments, with the rules by which GitHub refuses them: all or nothing."""

from typing import Any

from local.github import documents
from local.github.http import Answer, ApiError, Call, route
from local.github.pulls import changed_lines
from local.github.world import Comment, Pull, Repo, Review

_LONGEST_BODY = 65_536
_STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}
_SIDES = ("LEFT", "RIGHT")


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews", needs="pull_requests:read")
def list_reviews(call: Call) -> Answer:
    """All reviews, oldest first; a pending one is seen by its author only, which we always are."""
    return call.page([documents.review(call.world, call.repo, call.pull, one) for one in call.pull.reviews])


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/reviews", needs="pull_requests:write")
def create_review(call: Call) -> Answer:
    """Create a review, or nothing at all if one of its comments breaks a rule."""
    world, repo, pull, body = call.world, call.repo, call.pull, call.body
    event = body.get("event")
    commit = body.get("commit_id") or pull.head_sha
    comments = body.get("comments") or []
    text = body.get("body") or ""
    _check_review(pull, event, commit, text, comments, author=world.bot.login)
    for number, comment in enumerate(comments):
        _check_comment(repo, pull, commit, comment, number)
    review = Review(
        id=world.new_id(),
        author=world.bot,
        body=text,
        state=_STATES[event] if event else "PENDING",
        commit_id=commit,
        submitted_at=world.now() if event else None,
    )
    review.comments += [_comment(call, review, one) for one in comments]
    pull.reviews.append(review)
    return Answer(body=documents.review(world, repo, pull, review))


def _check_review(pull: Pull, event: str | None, commit: str, text: str, comments: list[Any], *, author: str) -> None:
    if event is not None and event not in _STATES:
        raise _unprocessable(f"Variable $event of type PullRequestReviewEvent was provided invalid value: {event}")
    if event in ("COMMENT", "REQUEST_CHANGES") and not text and not comments:
        raise _unprocessable("Review Body can't be blank")
    if len(text) > _LONGEST_BODY:
        raise _unprocessable("Body is too long (maximum is 65536 characters)")
    if event in ("APPROVE", "REQUEST_CHANGES") and pull.author.login == author:
        raise _unprocessable("Review Can not approve your own pull request")
    if commit not in pull.heads:
        raise _unprocessable("commit_id is not part of the pull request")
    if any(review.state == "PENDING" for review in pull.reviews):
        raise _unprocessable("User can only have one pending review per pull request")


def _check_comment(repo: Repo, pull: Pull, commit: str, comment: dict[str, Any], number: int) -> None:
    """Raise GitHub's 422, which does not say which comment it is about (the number is for people who debug)."""
    path, line, side = comment.get("path"), comment.get("line"), comment.get("side", "RIGHT")
    start, start_side = comment.get("start_line"), comment.get("start_side", side)
    if not comment.get("body") or len(comment["body"]) > _LONGEST_BODY:
        raise _unprocessable("Body can't be blank or too long")
    lines = changed_lines(repo, pull, commit, path) if isinstance(path, str) else None
    if lines is None:
        raise _unprocessable("Path could not be resolved")
    if side not in _SIDES or not isinstance(line, int) or (side, line) not in lines:
        raise _unprocessable("Line could not be resolved")
    if start is None:
        return
    if (start_side, start) not in lines:
        raise _unprocessable("Start line could not be resolved")
    if start_side == side and start >= line:
        raise _unprocessable("Start line must precede the end line")
    if lines[start_side, start] != lines[side, line]:
        raise _unprocessable(f"Start line must be part of the same hunk as the line: comment {number}")


def _unprocessable(reason: str) -> ApiError:
    return ApiError(422, "Unprocessable Entity", [reason])


def _comment(call: Call, review: Review, document: dict[str, Any]) -> Comment:
    return Comment(
        id=call.world.new_id(),
        author=call.world.bot,
        body=document["body"],
        created_at=call.world.now(),
        path=document["path"],
        line=document.get("line"),
        side=document.get("side", "RIGHT"),
        start_line=document.get("start_line"),
        commit_id=review.commit_id,
        review_id=review.id,
    )


def _review(call: Call) -> Review:
    for review in call.pull.reviews:
        if str(review.id) == call.parameters["review_id"]:
            return review
    raise ApiError(404, "Not Found")


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}", needs="pull_requests:read")
def get_review(call: Call) -> Answer:
    """One review."""
    return Answer(body=documents.review(call.world, call.repo, call.pull, _review(call)))


@route("PUT", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}", needs="pull_requests:write")
def edit_review(call: Call) -> Answer:
    """Change a review's summary."""
    review = _review(call)
    if len(call.body["body"]) > _LONGEST_BODY:
        raise _unprocessable("Body is too long (maximum is 65536 characters)")
    review.body = call.body["body"]
    return Answer(body=documents.review(call.world, call.repo, call.pull, review))


@route("DELETE", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}", needs="pull_requests:write")
def delete_review(call: Call) -> Answer:
    """Remove a pending review; a submitted one stays for ever."""
    review = _review(call)
    if review.state != "PENDING":
        raise _unprocessable("Can not delete a non-pending pull request review")
    call.pull.reviews.remove(review)
    return Answer(body=documents.review(call.world, call.repo, call.pull, review))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}/comments", needs="pull_requests:read")
def list_review_comments(call: Call) -> Answer:
    """The inline comments of one review."""
    review = _review(call)
    return call.page([documents.review_comment(call.world, call.repo, call.pull, one) for one in review.comments])
