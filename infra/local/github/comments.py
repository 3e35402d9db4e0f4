"""Comments on the conversation, single inline comments, and reactions to both."""

from local.github import documents
from local.github.http import Answer, ApiError, Call, route
from local.github.pulls import changed_lines
from local.github.world import Comment, Pull

_REACTIONS = {"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}


@route("GET", "/repos/{owner}/{repo}/issues/{number}/comments", needs="pull_requests:read")
def list_issue_comments(call: Call) -> Answer:
    """The conversation."""
    return call.page([documents.issue_comment(call.world, call.repo, call.pull, one) for one in call.pull.comments])


@route("POST", "/repos/{owner}/{repo}/issues/{number}/comments", needs="pull_requests:write")
def create_issue_comment(call: Call) -> Answer:
    """Say something in the conversation."""
    world = call.world
    comment = Comment(id=world.new_id(), author=world.bot, body=call.body["body"], created_at=world.now())
    call.pull.comments.append(comment)
    return Answer(status=201, body=documents.issue_comment(world, call.repo, call.pull, comment))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/comments", needs="pull_requests:read")
def list_inline_comments(call: Call) -> Answer:
    """Every inline comment of the pull request."""
    found = [one for review in call.pull.reviews if review.state != "PENDING" for one in review.comments]
    return call.page([documents.review_comment(call.world, call.repo, call.pull, one) for one in found])


@route("PATCH", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", needs="pull_requests:write")
def edit_inline_comment(call: Call) -> Answer:
    """Change an inline comment's text."""
    pull, comment = _inline(call)
    comment.body = call.body["body"]
    return Answer(body=documents.review_comment(call.world, call.repo, pull, comment))


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/comments", needs="pull_requests:write")
def create_inline_comment(call: Call) -> Answer:
    """Comment on a line, or with `subject_type: file` on a whole file."""
    world, pull, body = call.world, call.pull, call.body
    is_file_level = body.get("subject_type") == "file"
    lines = changed_lines(call.repo, pull, body["commit_id"], body["path"])
    if lines is None or (not is_file_level and (body.get("side", "RIGHT"), body.get("line")) not in lines):
        raise ApiError(422, "Validation Failed", [{"resource": "PullRequestReviewComment", "field": "line"}])
    comment = Comment(
        id=world.new_id(), author=world.bot, body=body["body"], created_at=world.now(), path=body["path"],
        line=None if is_file_level else body["line"], side=body.get("side", "RIGHT"),
        commit_id=body["commit_id"], is_file_level=is_file_level,
    )  # fmt: skip
    pull.comments.append(comment)
    return Answer(status=201, body=documents.review_comment(world, call.repo, pull, comment))


@route("POST", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", needs="pull_requests:write")
def react_to_issue_comment(call: Call) -> Answer:
    """React to a comment on the conversation; the same reaction twice is one."""
    for pull in call.repo.pulls.values():
        for comment in pull.comments:
            if str(comment.id) == call.parameters["comment_id"]:
                return _react(call, comment)
    raise ApiError(404, "Not Found")


@route("POST", "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions", needs="pull_requests:write")
def react_to_inline_comment(call: Call) -> Answer:
    """React to an inline comment."""
    return _react(call, _inline(call)[1])


def _react(call: Call, comment: Comment) -> Answer:
    content, bot = call.body["content"], call.world.bot
    if content not in _REACTIONS:
        raise ApiError(422, "Validation Failed")
    is_new = all((who.login, what) != (bot.login, content) for who, what in comment.reactions)
    if is_new:
        comment.reactions.append((bot, content))
    document = {
        "id": comment.id,
        "node_id": documents.node_id("Reaction", comment.id),
        "user": documents.user(call.world, bot),
        "content": content,
        "created_at": documents.moment(call.world.now()),
    }
    return Answer(status=201 if is_new else 200, body=document)


def _inline(call: Call) -> tuple[Pull, Comment]:
    for pull in call.repo.pulls.values():
        for comment in [*pull.comments, *(one for review in pull.reviews for one in review.comments)]:
            if comment.path and str(comment.id) == call.parameters["comment_id"]:
                return pull, comment
    raise ApiError(404, "Not Found")
