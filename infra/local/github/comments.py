"""Single comments on lines, on files and in the conversation, and the emoji under them."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.github import conversation, reviews
from local.github.placement import Placement, check_body, place
from local.github.pulls import READ, pull_of
from local.github.reviews import WRITE
from local.github.routing import Answer, Call, Refusal, invalid, operation, unprocessable
from local.github.state import Account, Comment, Json, Pull, Reaction, Repository, Review, ReviewComment, World

_ISSUES_READ, _ISSUES_WRITE = ("issues", "read"), ("issues", "write")
_REPO = "/repos/{owner}/{repo}"
_LINE_COMMENT = f"{_REPO}/pulls/comments/{{comment_id}}"
_COMMENT = f"{_REPO}/issues/comments/{{comment_id}}"


@operation("GET", f"{_REPO}/pulls/{{pull_number}}/comments", "pulls/list-review-comments", READ)
def list_line_comments(call: Call) -> Answer:
    """List the comments on lines and files of a pull request, replies too."""
    repository, pull = call.repository, pull_of(call)
    found = [comment for comment in repository.review_comments.values() if comment.number == pull.number]
    return call.page(found, lambda comment: conversation.review_comment(call.world, repository, comment))


@operation("POST", f"{_REPO}/pulls/{{pull_number}}/comments", "pulls/create-review-comment", WRITE)
def create_line_comment(call: Call) -> Answer:
    """Comment on a line or a file; it becomes a review of its own."""
    repository, pull, body = call.repository, pull_of(call), call.json()
    text = _text(body, "PullRequestReviewComment")
    if body.get("in_reply_to") is not None:
        return _reply(call, pull, body["in_reply_to"], text)
    if not isinstance(body.get("commit_id"), str):
        raise Refusal(422, 'Invalid request.\n\n"commit_id" wasn\'t supplied.')
    with _by_field("PullRequestReviewComment", "commit_id"):
        commit_id = reviews.commit_of(repository, pull, body["commit_id"])
    with _by_field("PullRequestReviewComment", "pull_request_review_thread.line"):
        placement = _placement(repository, pull, commit_id, body)
    review = _silent_review(call.world, repository, pull, call.world.bot, commit_id)
    kind = "file" if body.get("subject_type") == "file" else "line"
    comment = reviews.add_comment(call.world, repository, review, placement, text, subject_type=kind)
    return Answer(status=201, document=conversation.review_comment(call.world, repository, comment))


@operation(
    "POST",
    f"{_REPO}/pulls/{{pull_number}}/comments/{{comment_id}}/replies",
    "pulls/create-reply-for-review-comment",
    WRITE,
)
def create_reply(call: Call) -> Answer:
    """Answer in a thread."""
    text = _text(call.json(), "PullRequestReviewComment")
    return _reply(call, pull_of(call), call.number("comment_id"), text)


@operation("GET", _LINE_COMMENT, "pulls/get-review-comment", READ)
def get_line_comment(call: Call) -> Answer:
    """Return a comment on a line or file."""
    return Answer(document=conversation.review_comment(call.world, call.repository, _line_comment(call)))


@operation("PATCH", _LINE_COMMENT, "pulls/update-review-comment", WRITE)
def edit_line_comment(call: Call) -> Answer:
    """Change what a comment says."""
    comment = _line_comment(call)
    _edit(call, comment)
    return Answer(document=conversation.review_comment(call.world, call.repository, comment))


@operation("GET", f"{_REPO}/issues/{{issue_number}}/comments", "issues/list-comments", _ISSUES_READ, READ)
def list_comments(call: Call) -> Answer:
    """List the conversation."""
    repository, pull = call.repository, _issue(call)
    found = [comment for comment in repository.comments.values() if comment.number == pull.number]
    return call.page(found, lambda comment: conversation.comment(call.world, repository, comment))


@operation("POST", f"{_REPO}/issues/{{issue_number}}/comments", "issues/create-comment", _ISSUES_WRITE, WRITE)
def create_comment(call: Call) -> Answer:
    """Say something in the conversation."""
    comment = add_comment(call.world, call.repository, _issue(call), call.world.bot, _text(call.json(), "IssueComment"))
    return Answer(status=201, document=conversation.comment(call.world, call.repository, comment))


@operation("GET", _COMMENT, "issues/get-comment", _ISSUES_READ, READ)
def get_comment(call: Call) -> Answer:
    """Return a comment of the conversation."""
    return Answer(document=conversation.comment(call.world, call.repository, _comment(call)))


@operation("PATCH", _COMMENT, "issues/update-comment", _ISSUES_WRITE, WRITE)
def edit_comment(call: Call) -> Answer:
    """Change what a comment says."""
    comment = _comment(call)
    _edit(call, comment)
    return Answer(document=conversation.comment(call.world, call.repository, comment))


@operation("POST", f"{_COMMENT}/reactions", "reactions/create-for-issue-comment", _ISSUES_WRITE, WRITE)
def react_to_comment(call: Call) -> Answer:
    """Put an emoji under a comment of the conversation."""
    return _react(call, ("issue", _comment(call).id))


@operation("POST", f"{_LINE_COMMENT}/reactions", "reactions/create-for-pull-request-review-comment", WRITE)
def react_to_line_comment(call: Call) -> Answer:
    """Put an emoji under a comment on a line."""
    return _react(call, ("review", _line_comment(call).id))


def add_comment(world: World, repository: Repository, pull: Pull, author: Account, text: str) -> Comment:
    """Store a comment of the conversation."""
    comment = Comment(
        id=world.next_id(),
        number=pull.number,
        user=author,
        body=text,
        is_by_app=author is world.bot,
        created_at=world.now(),
        updated_at=world.now(),
    )
    repository.comments[comment.id] = comment
    return comment


def _text(body: Json, resource: str) -> str:
    with _by_field(resource, "body"):
        text = check_body(body.get("body"))
    if not text.strip():
        raise invalid(resource, "body", "missing_field")
    return text


@contextmanager
def _by_field(resource: str, field: str) -> Iterator[None]:
    """Say what reviews say in plain sentences as the single comments' endpoints do: by resource and field."""
    try:
        yield
    except Refusal as refusal:
        if not refusal.errors:
            raise
        problems = [
            {"resource": resource, "code": "custom", "field": field, "message": message} for message in refusal.errors
        ]
        raise Refusal(422, "Validation Failed", problems) from None


def _placement(repository: Repository, pull: Pull, commit_id: str, body: Json) -> Placement:
    path = body.get("path")
    if not isinstance(path, str):
        raise Refusal(422, 'Invalid request.\n\n"path" wasn\'t supplied.')
    file = repository.git.changed_file(pull.base_sha, commit_id, path)
    if body.get("subject_type") != "file":
        return place(file, body)
    if file is None:
        raise unprocessable("Path could not be resolved")
    return Placement(path=path)


def _silent_review(world: World, repository: Repository, pull: Pull, author: Account, commit_id: str) -> Review:
    """Store the review without words that stands round every single comment."""
    review = Review(
        id=world.next_id(),
        number=pull.number,
        user=author,
        body="",
        state="COMMENTED",
        commit_id=commit_id,
        submitted_at=world.now(),
    )
    repository.reviews[review.id] = review
    return review


def _reply(call: Call, pull: Pull, comment_id: object, text: str) -> Answer:
    world, repository = call.world, call.repository
    parent = repository.review_comments.get(comment_id) if isinstance(comment_id, int) else None
    if parent is None or parent.number != pull.number:
        raise Refusal(404, "Not Found")
    review = _silent_review(world, repository, pull, world.bot, parent.commit_id)
    placement = Placement(path=parent.path, position=parent.position, line=parent.line, diff_hunk=parent.diff_hunk)
    comment = reviews.add_comment(
        world, repository, review, placement, text, subject_type=parent.subject_type, in_reply_to=parent.id
    )
    return Answer(status=201, document=conversation.review_comment(world, repository, comment))


def _react(call: Call, subject: tuple[str, int]) -> Answer:
    content = call.json().get("content")
    if content not in conversation.REACTIONS:
        raise invalid("Reaction", "content", "invalid")
    held = [
        found
        for found in call.repository.reactions
        if (found.subject, found.content, found.user) == (subject, content, call.world.bot)
    ]
    if held:
        return Answer(status=200, document=conversation.reaction(call.world, held[0]))
    reaction = Reaction(
        id=call.world.next_id(), subject=subject, user=call.world.bot, content=content, created_at=call.world.now()
    )
    call.repository.reactions.append(reaction)
    return Answer(status=201, document=conversation.reaction(call.world, reaction))


def _edit(call: Call, comment: Comment | ReviewComment) -> None:
    if comment.user is not call.world.bot:
        raise Refusal(403, "Resource not accessible by integration")
    comment.body = _text(call.json(), "IssueComment" if isinstance(comment, Comment) else "PullRequestReviewComment")
    comment.updated_at = call.world.now()


def _issue(call: Call) -> Pull:
    found = call.repository.pulls.get(call.number("issue_number"))
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _comment(call: Call) -> Comment:
    found = call.repository.comments.get(call.number("comment_id"))
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _line_comment(call: Call) -> ReviewComment:
    found = call.repository.review_comments.get(call.number("comment_id"))
    if found is None:
        raise Refusal(404, "Not Found")
    return found
