"""Check runs, with the limits of their output."""

from typing import Any

from local.github import shapes
from local.github.routing import Answer, Call, Refusal, invalid, operation
from local.github.state import CheckRun, Json, Pull, Repository, World

READ, WRITE = ("checks", "read"), ("checks", "write")
# GitHub documents characters and counts bytes: https://github.com/github/rest-api-description/issues/5399
_OUTPUT_BYTES = 65_535
_ANNOTATIONS, _ACTIONS = 50, 3
_STATUSES = ("queued", "in_progress", "completed")
_CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
_RUNS = "/repos/{owner}/{repo}/check-runs"


@operation("POST", _RUNS, "checks/create", WRITE)
def create_check_run(call: Call) -> Answer:
    """Create a check run on a commit of the repository."""
    repository, body = call.repository, call.json()
    name, sha = body.get("name"), body.get("head_sha")
    if not isinstance(name, str) or not name:
        raise Refusal(422, 'Invalid request.\n\n"name" wasn\'t supplied.')
    if not isinstance(sha, str):
        raise Refusal(422, 'Invalid request.\n\n"head_sha" wasn\'t supplied.')
    if repository.git.commit_id(sha) != sha:
        raise Refusal(422, f"No commit found for SHA: {sha}")
    _check(body)
    run = CheckRun(id=call.world.next_id(), head_sha=sha, name=name)
    repository.check_suites.setdefault(sha, call.world.next_id())
    repository.check_runs[run.id] = run
    _apply(call.world, run, body)
    return Answer(status=201, document=check_run(call.world, repository, run))


@operation("GET", f"{_RUNS}/{{check_run_id}}", "checks/get", READ)
def get_check_run(call: Call) -> Answer:
    """Return a check run."""
    return Answer(document=check_run(call.world, call.repository, _run(call)))


@operation("PATCH", f"{_RUNS}/{{check_run_id}}", "checks/update", WRITE)
def update_check_run(call: Call) -> Answer:
    """Change a check run; its annotations are added to those it has."""
    run, body = _run(call), call.json()
    _check(body)
    _apply(call.world, run, body)
    return Answer(document=check_run(call.world, call.repository, run))


@operation("GET", f"{_RUNS}/{{check_run_id}}/annotations", "checks/list-annotations", READ)
def list_annotations(call: Call) -> Answer:
    """List the annotations of a check run."""
    return call.page(_run(call).annotations, _annotation)


@operation("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", "checks/list-for-ref", READ)
def list_check_runs(call: Call) -> Answer:
    """List the check runs of a commit, newest first: the last of each name, or all."""
    repository, query = call.repository, call.request.query
    sha = repository.resolve(call.path["ref"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.path['ref']}")
    found = [
        run
        for run in reversed(repository.check_runs.values())
        if run.head_sha == sha
        and query.get("check_name", run.name) == run.name
        and query.get("status", run.status) == run.status
        and query.get("app_id", str(call.world.app_id)) == str(call.world.app_id)
    ]
    if query.get("filter", "latest") == "latest":
        found = list({run.name: run for run in reversed(found)}.values())
    return call.page(found, lambda run: check_run(call.world, repository, run), key="check_runs")


@operation("POST", f"{_RUNS}/{{check_run_id}}/rerequest", "checks/rerequest-run", WRITE)
def rerequest_check_run(call: Call) -> Answer:
    """Ask for a check run once more."""
    run = _run(call)
    if run.status != "completed":
        raise Refusal(404, "Not Found")
    run.status, run.conclusion, run.completed_at = "queued", None, None
    return Answer(status=201, document={})


def check_run(world: World, repository: Repository, run: CheckRun) -> Json:
    """Return a check run in GitHub's JSON."""
    url = f"{shapes.repository_url(world, repository)}/check-runs/{run.id}"
    pulls = [pull for pull in repository.pulls.values() if pull.head_sha == run.head_sha and not pull.is_fork]
    output = {name: run.output.get(name) for name in ("title", "summary", "text")}
    return {
        "id": run.id,
        "node_id": shapes.node_id("CR", run.id),
        "head_sha": run.head_sha,
        "name": run.name,
        "external_id": run.external_id,
        "url": url,
        "status": run.status,
        "conclusion": run.conclusion,
        "html_url": f"{shapes.WEB}/{repository.full_name}/runs/{run.id}",
        "details_url": run.details_url or f"{shapes.WEB}/apps/{world.slug}",
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": output | {"annotations_count": len(run.annotations), "annotations_url": f"{url}/annotations"},
        "check_suite": {"id": repository.check_suites[run.head_sha]},
        "app": shapes.app(world),
        # A pull request from a fork is not named: the commit lies in another repository.
        "pull_requests": [_minimal(world, repository, pull) for pull in pulls if pull.closed_at is None],
    }


def check_run_of_event(world: World, repository: Repository, run: CheckRun) -> Json:
    """Return a check run as it stands in payloads, with its suite."""
    document = check_run(world, repository, run)
    suite = document["check_suite"]["id"]
    pull = next((pull for pull in repository.pulls.values() if pull.head_sha == run.head_sha), None)
    document["check_suite"] = {
        "id": suite,
        "node_id": shapes.node_id("CS", suite),
        "head_branch": None if pull is None or pull.is_fork else pull.head_ref,
        "head_sha": run.head_sha,
        "before": None,
        "after": None,
        "status": run.status,
        "conclusion": run.conclusion,
        "url": f"{shapes.repository_url(world, repository)}/check-suites/{suite}",
        "pull_requests": document["pull_requests"],
        "app": document["app"],
        "created_at": run.started_at,
        "updated_at": run.completed_at,
    }
    return document


def _minimal(world: World, repository: Repository, pull: Pull) -> Json:
    url = shapes.repository_url(world, repository)
    named = {"id": repository.id, "url": url, "name": repository.name}
    return {
        "id": pull.id,
        "number": pull.number,
        "url": f"{url}/pulls/{pull.number}",
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": named},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": named},
    }


def _annotation(found: Json) -> Json:
    defaults: Json = {"start_column": None, "end_column": None, "title": None, "raw_details": None, "blob_href": ""}
    return defaults | found


def _run(call: Call) -> CheckRun:
    found = call.repository.check_runs.get(call.number("check_run_id"))
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _check(body: Json) -> None:
    """Refuse what GitHub refuses, before anything is stored."""
    if body.get("status") is not None and body["status"] not in _STATUSES:
        raise invalid("CheckRun", "status", "invalid")
    if body.get("conclusion") is not None and body["conclusion"] not in _CONCLUSIONS:
        raise invalid("CheckRun", "conclusion", "invalid")
    if (body.get("status") == "completed" or body.get("completed_at")) and not body.get("conclusion"):
        raise invalid("CheckRun", "conclusion", "missing_field")
    if len(body.get("actions") or ()) > _ACTIONS:
        raise _too_many(_ACTIONS, len(body["actions"]))
    output = body.get("output")
    if output is None:
        return
    for name in ("title", "summary"):
        if not isinstance(output.get(name), str) or not output[name]:
            raise Refusal(422, f"Invalid request.\n\nFor 'links/1/schema', \"{name}\" wasn't supplied.")
    for name in ("summary", "text"):
        _check_length(output.get(name))
    annotations = output.get("annotations") or ()
    if len(annotations) > _ANNOTATIONS:
        raise _too_many(_ANNOTATIONS, len(annotations))


def _too_many(most: int, got: int) -> Refusal:
    return Refusal(422, f"Invalid request.\n\nNo more than {most} items are allowed; {got} were supplied.")


def _check_length(text: Any) -> None:
    size = len(text.encode("utf-8", "replace")) if isinstance(text, str) else 0
    if size > _OUTPUT_BYTES:
        raise Refusal(422, f"Invalid request.\n\nOnly {_OUTPUT_BYTES} characters are allowed; {size} were supplied.")


def _apply(world: World, run: CheckRun, body: Json) -> None:
    now = shapes.stamp(world.now())
    run.name = body.get("name") or run.name
    run.external_id = body.get("external_id", run.external_id)
    run.details_url = body.get("details_url", run.details_url)
    run.actions = body.get("actions", run.actions)
    if body.get("output"):
        run.output |= {name: text for name, text in body["output"].items() if name != "annotations"}
        run.annotations += body["output"].get("annotations") or []
    status = "completed" if body.get("conclusion") else body.get("status", run.status)
    if status != "completed":
        run.conclusion, run.completed_at = None, None
    else:
        run.conclusion = body.get("conclusion", run.conclusion)
        run.completed_at = body.get("completed_at") or run.completed_at or now
    if status != "queued":
        run.started_at = body.get("started_at") or run.started_at or now
    run.status = status
