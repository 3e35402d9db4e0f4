"""A pull request as the launcher shows it to people: the parts that matter, flat."""

from local.github.state import Json, Pull, Repository, Review, World


def overview(world: World, repository: Repository, pull: Pull) -> Json:
    """Return what stands on a pull request."""
    commits = {pull.head_sha, *repository.git.commits(pull.base_sha, pull.head_sha)}
    return {
        "number": pull.number,
        "title": pull.title,
        "base_sha": pull.base_sha,
        "head_sha": pull.head_sha,
        "state": pull.state,
        "html_url": f"{world.base_url}/{repository.full_name}/pull/{pull.number}",
        "deliveries": [
            {"guid": one["guid"], "event": one["event"], "action": one["action"], "status": one["status_code"]}
            for one in world.deliveries
        ],
        "reviews": [
            _review(repository, review) for review in repository.reviews.values() if review.number == pull.number
        ],
        "check_runs": [
            {
                "id": run.id,
                "name": run.name,
                "external_id": run.external_id,
                "status": run.status,
                "conclusion": run.conclusion,
                "title": run.output.get("title"),
                "summary": run.output.get("summary"),
            }
            for run in repository.check_runs.values()
            if run.head_sha in commits
        ],
    }


def _review(repository: Repository, review: Review) -> Json:
    return {
        "id": review.id,
        "author": review.user.login,
        "state": review.state,
        "body": review.body,
        "commit_id": review.commit_id,
        "comments": [
            {name: getattr(comment, name) for name in ("id", "path", "line", "side", "start_line", "body")}
            for comment in repository.review_comments.values()
            if comment.review_id == review.id
        ],
    }
