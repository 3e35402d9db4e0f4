"""Reviews: created whole or not at all, by GitHub's rules."""

from local.github import conversation
from local.github.placement import Placement, check_body, place
from local.github.pulls import READ, pull_of
from local.github.routing import Answer, Call, Refusal, operation, unprocessable
from local.github.state import Account, Json, Pull, Repository, Review, ReviewComment, World

WRITE = ("pull_requests", "write")
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
_OWN = {
    "APPROVE": "Can not approve your own pull request",
    "REQUEST_CHANGES": "Can not request changes on your own pull request",
}
_PLACES = {"path", "position", "body", "line", "side", "start_line", "start_side"}
_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"
_REVIEW = f"{_PULL}/reviews/{{review_id}}"


@operation("GET", f"{_PULL}/reviews", "pulls/list-reviews", READ)
def list_reviews(call: Call) -> Answer:
    """List the reviews, oldest first; of pending ones only the App's own."""
    repository, pull = call.repository, pull_of(call)
    found = [
        review
        for review in repository.reviews.values()
        if review.number == pull.number and (review.state != "PENDING" or review.user is call.world.bot)
    ]
    return call.page(found, lambda review: conversation.review(call.world, repository, review))


@operation("POST", f"{_PULL}/reviews", "pulls/create-review", WRITE)
def create_review(call: Call) -> Answer:
    """Create a review with all its comments; pending if there is no event."""
    review = add_review(call.world, call.repository, pull_of(call), call.world.bot, call.json())
    return Answer(document=conversation.review(call.world, call.repository, review))


@operation("GET", _REVIEW, "pulls/get-review", READ)
def get_review(call: Call) -> Answer:
    """Return a review."""
    return Answer(document=conversation.review(call.world, call.repository, review_of(call)))


@operation("PUT", _REVIEW, "pulls/update-review", WRITE)
def edit_review(call: Call) -> Answer:
    """Change what a review says."""
    review = _own_review(call)
    body = check_body(call.json().get("body"))
    if not body:
        raise unprocessable("Body can't be blank")
    review.body = body
    return Answer(document=conversation.review(call.world, call.repository, review))


@operation("DELETE", _REVIEW, "pulls/delete-pending-review", WRITE)
def delete_review(call: Call) -> Answer:
    """Delete a review that was never submitted, with its comments."""
    repository, review = call.repository, _own_review(call)
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    document = conversation.review(call.world, repository, review)
    del repository.reviews[review.id]
    for comment in [found for found in repository.review_comments.values() if found.review_id == review.id]:
        del repository.review_comments[comment.id]
    return Answer(document=document)


@operation("POST", f"{_REVIEW}/events", "pulls/submit-review", WRITE)
def submit_review(call: Call) -> Answer:
    """Submit a pending review."""
    review, body = _own_review(call), call.json()
    if review.state != "PENDING":
        raise unprocessable("Can not submit a non-pending pull request review")
    event = body.get("event")
    text = check_body(body.get("body") or review.body)
    has_comments = any(comment.review_id == review.id for comment in call.repository.review_comments.values())
    _check_event(call.world, pull_of(call), call.world.bot, event, text, has_comments=has_comments)
    review.state, review.body, review.submitted_at = _STATES[str(event)], text, call.world.now()
    return Answer(document=conversation.review(call.world, call.repository, review))


@operation("GET", f"{_REVIEW}/comments", "pulls/list-comments-for-review", READ)
def list_review_comments(call: Call) -> Answer:
    """List the comments of one review."""
    repository, review = call.repository, review_of(call)
    found = [comment for comment in repository.review_comments.values() if comment.review_id == review.id]
    return call.page(found, lambda comment: conversation.review_comment(call.world, repository, comment))


def review_of(call: Call) -> Review:
    """Return the review that the path names."""
    found = call.repository.reviews.get(call.number("review_id"))
    if found is None or found.number != pull_of(call).number:
        raise Refusal(404, "Not Found")
    return found


def commit_of(repository: Repository, pull: Pull, commit_id: object) -> str:
    """Return the commit that a review or comment is for: the head, or any other of the pull request."""
    if commit_id is None:
        return pull.head_sha
    if commit_id != pull.head_sha and commit_id not in repository.git.commits(pull.base_sha, pull.head_sha):
        raise unprocessable("Commit is not part of the pull request")
    return str(commit_id)


def add_review(world: World, repository: Repository, pull: Pull, author: Account, body: Json) -> Review:
    """Check everything first, then store the review and its comments."""
    event, text = body.get("event"), check_body(body.get("body") or "")
    drafts = body.get("comments") or []
    _check_event(world, pull, author, event, text, has_comments=bool(drafts))
    if any(
        review.number == pull.number and review.user is author and review.state == "PENDING"
        for review in repository.reviews.values()
    ):
        raise unprocessable("User can only have one pending review per pull request")
    commit_id = commit_of(repository, pull, body.get("commit_id"))
    placed = [_placed(repository, pull, commit_id, draft) for draft in drafts]
    review = Review(
        id=world.next_id(),
        number=pull.number,
        user=author,
        body=text,
        state=_STATES[event] if event else "PENDING",
        commit_id=commit_id,
        submitted_at=world.now() if event else None,
    )
    repository.reviews[review.id] = review
    for text, placement in placed:
        add_comment(world, repository, review, placement, text)
    return review


def add_comment(
    world: World,
    repository: Repository,
    review: Review,
    placement: Placement,
    text: str,
    *,
    subject_type: str = "line",
    in_reply_to: int | None = None,
) -> ReviewComment:
    """Store one comment of a review."""
    comment = ReviewComment(
        id=world.next_id(),
        number=review.number,
        review_id=review.id,
        user=review.user,
        body=text,
        path=placement.path,
        commit_id=review.commit_id,
        diff_hunk=placement.diff_hunk,
        position=placement.position,
        line=placement.line,
        side=placement.side,
        start_line=placement.start_line,
        start_side=placement.start_side,
        subject_type=subject_type,
        in_reply_to=in_reply_to,
        created_at=world.now(),
        updated_at=world.now(),
    )
    repository.review_comments[comment.id] = comment
    return comment


def _own_review(call: Call) -> Review:
    review = review_of(call)
    if review.user is not call.world.bot:
        raise Refusal(403, "Resource not accessible by integration")
    return review


def _check_event(world: World, pull: Pull, author: Account, event: object, text: str, *, has_comments: bool) -> None:
    del world
    if event is None:
        return
    if not isinstance(event, str) or event not in _STATES:
        raise unprocessable("Variable $event of type PullRequestReviewEvent was provided invalid value")
    if pull.user is author and event in _OWN:
        raise unprocessable(_OWN[event])
    is_enough = event == "APPROVE" or text.strip() or (event == "COMMENT" and has_comments)
    if not is_enough:
        raise unprocessable("Review body can't be blank")


def _placed(repository: Repository, pull: Pull, commit_id: str, draft: Json) -> tuple[str, Placement]:
    unknown = next((name for name in draft if name not in _PLACES), None)
    if unknown is not None:
        # A comment on a whole file, for one, has its own endpoint.
        raise Refusal(422, f'Invalid request.\n\n"{unknown}" is not a permitted key.')
    text = check_body(draft.get("body"))
    if not text.strip():
        raise unprocessable("Pull request review comment body can't be blank")
    path = draft.get("path")
    file = repository.git.changed_file(pull.base_sha, commit_id, path) if isinstance(path, str) else None
    return text, place(file, draft)
