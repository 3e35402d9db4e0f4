"""Reviews, review comments, issue comments and reactions in GitHub's JSON."""

from local.github import shapes
from local.github.pull_shapes import pull_page
from local.github.state import Comment, Json, Reaction, Repository, Review, ReviewComment, World

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def review(world: World, repository: Repository, found: Review) -> Json:
    """Return a review; a pending one has no time of submission."""
    page = pull_page(repository, repository.pulls[found.number])
    html, pull_url = f"{page}#pullrequestreview-{found.id}", _pull_url(world, repository, found.number)
    document: Json = {
        "id": found.id,
        "node_id": shapes.node_id("PRR", found.id),
        "user": shapes.user(world, found.user),
        "body": found.body,
        "state": found.state,
        "html_url": html,
        "pull_request_url": pull_url,
        "author_association": "NONE",
        "_links": {"html": {"href": html}, "pull_request": {"href": pull_url}},
        "commit_id": found.commit_id,
    }
    if found.submitted_at is not None:
        document["submitted_at"] = shapes.stamp(found.submitted_at)
    return document


def review_comment(world: World, repository: Repository, found: ReviewComment) -> Json:
    """Return a comment on a line or on a file."""
    page = pull_page(repository, repository.pulls[found.number])
    url = f"{shapes.repository_url(world, repository)}/pulls/comments/{found.id}"
    html, pull_url = f"{page}#discussion_r{found.id}", _pull_url(world, repository, found.number)
    position = found.position if found.position is not None else 1
    document: Json = {
        "url": url,
        "html_url": html,
        "pull_request_url": pull_url,
        "id": found.id,
        "node_id": shapes.node_id("PRRC", found.id),
        "pull_request_review_id": found.review_id,
        "diff_hunk": found.diff_hunk,
        "path": found.path,
        "commit_id": found.commit_id,
        "original_commit_id": found.commit_id,
        "position": position,
        "original_position": position,
        "user": shapes.user(world, found.user),
        "body": found.body,
        "author_association": "NONE",
        "created_at": shapes.stamp(found.created_at),
        "updated_at": shapes.stamp(found.updated_at),
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": pull_url}},
        "reactions": _rollup(repository, f"{url}/reactions", ("review", found.id)),
        "start_line": found.start_line,
        "original_start_line": found.start_line,
        "start_side": found.start_side,
        "side": found.side,
        "subject_type": found.subject_type,
    }
    if found.line is not None:
        document |= {"line": found.line, "original_line": found.line}
    if found.in_reply_to is not None:
        document["in_reply_to_id"] = found.in_reply_to
    return document


def comment(world: World, repository: Repository, found: Comment) -> Json:
    """Return a comment of the conversation."""
    root = shapes.repository_url(world, repository)
    url = f"{root}/issues/comments/{found.id}"
    page = pull_page(repository, repository.pulls[found.number])
    return {
        "url": url,
        "html_url": f"{page}#issuecomment-{found.id}",
        "issue_url": f"{root}/issues/{found.number}",
        "id": found.id,
        "node_id": shapes.node_id("IC", found.id),
        "user": shapes.user(world, found.user),
        "created_at": shapes.stamp(found.created_at),
        "updated_at": shapes.stamp(found.updated_at),
        "author_association": "NONE",
        "body": found.body,
        "reactions": _rollup(repository, f"{url}/reactions", ("issue", found.id)),
        "performed_via_github_app": shapes.app(world) if found.is_by_app else None,
    }


def reaction(world: World, found: Reaction) -> Json:
    """Return one emoji."""
    return {
        "id": found.id,
        "node_id": shapes.node_id("REA", found.id),
        "user": shapes.user(world, found.user),
        "content": found.content,
        "created_at": shapes.stamp(found.created_at),
    }


def _rollup(repository: Repository, url: str, subject: tuple[str, int]) -> Json:
    contents = [found.content for found in repository.reactions if found.subject == subject]
    return {"url": url, "total_count": len(contents), **{name: contents.count(name) for name in REACTIONS}}


def _pull_url(world: World, repository: Repository, number: int) -> str:
    return f"{shapes.repository_url(world, repository)}/pulls/{number}"
