"""Check runs."""

from local.github import documents
from local.github.http import Answer, ApiError, Call, route
from local.github.world import CheckRun

_LONGEST_TEXT = 65_535  # bytes of UTF-8
_MOST_ANNOTATIONS = 50
_CONCLUSIONS = {"success", "neutral", "failure", "skipped", "cancelled", "timed_out", "action_required", "stale"}
_STATUSES = {"queued", "in_progress", "completed"}


@route("POST", "/repos/{owner}/{repo}/check-runs", needs="checks:write")
def create_check_run(call: Call) -> Answer:
    """Create a check run on a commit."""
    body, repo = call.body, call.repo
    if not body.get("name") or repo.git.commit(str(body.get("head_sha"))) != body.get("head_sha"):
        raise ApiError(422, "No commit found for SHA")
    run = CheckRun(
        id=call.world.new_id(),
        head_sha=body["head_sha"],
        name=body["name"],
        external_id=body.get("external_id", ""),
        started_at=call.world.now(),
    )
    _write(call, run)
    repo.checks.append(run)
    return Answer(status=201, body=documents.check_run(call.world, repo, run))


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", needs="checks:write")
def update_check_run(call: Call) -> Answer:
    """Change a check run."""
    for run in call.repo.checks:
        if str(run.id) == call.parameters["check_run_id"]:
            _write(call, run)
            return Answer(body=documents.check_run(call.world, call.repo, run))
    raise ApiError(404, "Not Found")


def _write(call: Call, run: CheckRun) -> None:
    body = call.body
    output = body.get("output") or {}
    conclusion = body.get("conclusion")
    if conclusion is not None and conclusion not in _CONCLUSIONS:
        raise ApiError(422, "Invalid request.", [f"{conclusion} is not a conclusion"])
    status = "completed" if conclusion else body.get("status", run.status)
    if status not in _STATUSES or (status == "completed" and not (conclusion or run.conclusion)):
        raise ApiError(422, "Invalid request.", ["a completed check run needs a conclusion"])
    for name in ("summary", "text"):
        if len((output.get(name) or "").encode()) > _LONGEST_TEXT:
            raise ApiError(422, "Invalid request.", [f"{name} exceeds a maximum bytesize of {_LONGEST_TEXT}"])
    if len(output.get("annotations") or []) > _MOST_ANNOTATIONS:
        raise ApiError(422, "Invalid request.", ["No more than 50 annotations"])
    run.status, run.conclusion = status, conclusion or run.conclusion
    run.completed_at = call.world.now() if status == "completed" else None
    run.title, run.summary = output.get("title", run.title), output.get("summary", run.summary)
    run.annotations += len(output.get("annotations") or [])


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", needs="checks:read")
def list_check_runs(call: Call) -> Answer:
    """The check runs of a commit; only the latest of each name unless all are asked for."""
    name, runs = call.query.get("check_name"), call.repo.checks
    commit = call.repo.git.commit(call.parameters["ref"])
    found = [run for run in runs if run.head_sha == commit and name in (None, run.name)]
    if call.query.get("filter", "latest") == "latest":
        found = list({run.name: run for run in found}.values())
    page = call.page([documents.check_run(call.world, call.repo, run) for run in found])
    return Answer(body={"total_count": len(found), "check_runs": page.body}, headers=page.headers)
