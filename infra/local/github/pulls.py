"""Pull requests: the request itself, its files, its diff and its commits."""

from dataclasses import replace

from local.github import pull_shapes
from local.github.git import ChangedFile
from local.github.routing import Answer, Call, Refusal, operation
from local.github.state import Limits, Pull

READ = ("pull_requests", "read")
_MOST_COMMITS = 250


def pull_of(call: Call) -> Pull:
    """Return the pull request that the path names."""
    found = call.repository.pulls.get(call.number("pull_number"))
    if found is None:
        raise Refusal(404, "Not Found")
    return found


@operation("GET", "/repos/{owner}/{repo}/pulls", "pulls/list", READ)
def list_pulls(call: Call) -> Answer:
    """List pull requests, newest first: open ones unless `state` says otherwise."""
    query = call.request.query
    state, head, base = query.get("state", "open"), query.get("head"), query.get("base")
    found = [
        pull
        for pull in reversed(call.repository.pulls.values())
        if state in ("all", pull.state)
        and (head is None or head == f"{pull.head_owner.login if pull.head_owner else ''}:{pull.head_ref}")
        and (base is None or base == pull.base_ref)
    ]
    return call.page(found, lambda pull: pull_shapes.pull_simple(call.world, call.repository, pull))


@operation("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", "pulls/get", READ)
def get_pull(call: Call) -> Answer:
    """Return a pull request, or its diff."""
    pull = pull_of(call)
    if call.accepts("diff"):
        return _diff(call, pull)
    return Answer(document=pull_shapes.pull_full(call.world, call.repository, pull))


@operation("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", "pulls/list-files", READ)
def list_files(call: Call) -> Answer:
    """List the files of a change."""
    repository, pull, limits = call.repository, pull_of(call), call.world.limits
    files = repository.git.changed_files(pull.base_sha, pull.head_sha)[: limits.files]
    answer = call.page(files, lambda file: {"file": file})
    rows = _cut([row["file"] for row in answer.document], limits)
    answer.document = [pull_shapes.file_row(call.world, repository, pull.head_sha, row) for row in rows]
    return answer


@operation("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits", "pulls/list-commits", READ)
def list_commits(call: Call) -> Answer:
    """List the commits of a pull request, oldest first, 250 at most."""
    pull = pull_of(call)
    commits = call.repository.git.commits(pull.base_sha, pull.head_sha)[:_MOST_COMMITS]
    return call.page(commits, lambda sha: pull_shapes.commit(call.world, call.repository, sha))


@operation(
    "GET",
    "/repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    "repos/list-pull-requests-associated-with-commit",
    READ,
)
def list_pulls_of_commit(call: Call) -> Answer:
    """List the pull requests that hold a commit."""
    repository = call.repository
    sha = repository.resolve(call.path["commit_sha"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.path['commit_sha']}")
    found = [
        pull
        for pull in repository.pulls.values()
        if sha == pull.head_sha or sha in repository.git.commits(pull.base_sha, pull.head_sha)
    ]
    return call.page(found, lambda pull: pull_shapes.pull_simple(call.world, repository, pull))


def _diff(call: Call, pull: Pull) -> Answer:
    limits, git = call.world.limits, call.repository.git
    diff = git.diff(pull.base_sha, pull.head_sha)
    files = len(git.changed_files(pull.base_sha, pull.head_sha))
    excess = (
        (files > limits.diff_files, f"the maximum number of files ({limits.diff_files})"),
        (diff.count(b"\n") > limits.diff_lines, f"the maximum number of lines ({limits.diff_lines})"),
        (len(diff) > limits.diff_bytes, f"the maximum size ({limits.diff_bytes} bytes)"),
    )
    for is_exceeded, what in excess:
        if is_exceeded:
            problem = {"resource": "PullRequest", "field": "diff", "code": "too_large"}
            raise Refusal(406, f"Sorry, the diff exceeded {what}.", [problem])
    return Answer(text=diff, media_type="application/vnd.github.diff; charset=utf-8")


def _cut(files: list[ChangedFile], limits: Limits) -> list[ChangedFile]:
    """Leave out what GitHub leaves out of one answer once its patches have grown long: as if nothing had changed."""
    if limits.files_answer_lines is None:
        return files
    rows: list[ChangedFile] = []
    lines = 0
    for file in files:
        is_over = lines >= limits.files_answer_lines
        rows.append(replace(file, patch=None, additions=0, deletions=0) if is_over else file)
        lines += 0 if file.patch is None else file.patch.count(b"\n") + 1
    return rows
