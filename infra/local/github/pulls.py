"""Pull requests: themselves, their files, their commits."""

from local.github import documents
from local.github.http import Answer, ApiError, Call, route
from local.github.world import Pull, Repo

# https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
_MOST_FILES = 3_000
# https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits#diff-limits
_DIFF_LINES, _DIFF_BYTES, _DIFF_FILES = 20_000, 1_000_000, 300
# Not documented, seen since 2026-11: rows behind this many lines of patches in one answer come without their patch.
_PAGE_LINES = 20_000


@route("GET", "/repos/{owner}/{repo}/pulls", needs="pull_requests:read")
def list_pulls(call: Call) -> Answer:
    """Pull requests by state."""
    state = call.query.get("state", "open")
    pulls = [pull for pull in call.repo.pulls.values() if state in ("all", pull.state)]
    pulls.sort(key=lambda pull: -pull.number)
    return call.page([documents.pull_request(call.world, call.repo, pull, is_full=False) for pull in pulls])


@route("GET", "/repos/{owner}/{repo}/pulls/{number}", needs="pull_requests:read")
def get_pull(call: Call) -> Answer:
    """One pull request, as JSON or as a diff."""
    repo, pull = call.repo, call.pull
    if not call.wants_diff:
        return Answer(body=documents.pull_request(call.world, repo, pull))
    diff = repo.git.diff(pull.base_sha, pull.head_sha)
    files = repo.git.changed_files(pull.base_sha, pull.head_sha)
    if diff.count(b"\n") > _DIFF_LINES or len(diff) > _DIFF_BYTES or len(files) > _DIFF_FILES:
        reason = {"resource": "PullRequest", "field": "diff", "code": "too_large"}
        raise ApiError(406, "Sorry, the diff exceeded the maximum number of lines (20000)", [reason])
    return Answer(body=diff, headers={"Content-Type": "application/vnd.github.diff; charset=utf-8"})


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/files", needs="pull_requests:read")
def list_files(call: Call) -> Answer:
    """The changed files, at most 3,000, with the patches that fit."""
    repo, pull = call.repo, call.pull
    files = repo.git.changed_files(pull.base_sha, pull.head_sha)[:_MOST_FILES]
    page = call.page([documents.file(call.world, repo, file, pull.head_sha) for file in files])
    lines = 0
    for row in page.body:
        lines += row.get("patch", "").count("\n") + 1
        if lines > _PAGE_LINES and "patch" in row and row is not page.body[0]:
            del row["patch"]
            row |= {"additions": 0, "deletions": 0, "changes": 0}
    return page


@route("GET", "/repos/{owner}/{repo}/commits/{sha}/pulls", needs="pull_requests:read")
def list_pulls_of_commit(call: Call) -> Answer:
    """The pull requests that a commit belongs to."""
    pulls = [pull for pull in call.repo.pulls.values() if call.parameters["sha"] in pull.heads]
    return call.page([documents.pull_request(call.world, call.repo, pull, is_full=False) for pull in pulls])


def changed_lines(repo: Repo, pull: Pull, commit: str, path: str) -> dict[tuple[str, int], int] | None:
    """Return where comments on `path` may stand at a head of the pull request; None if it is not in the change."""
    found = repo.git.commentable(pull.base_sha, commit, path)
    return None if found is None else found.hunks
