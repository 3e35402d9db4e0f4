"""The launcher's own way in, beside the API: not part of any GitHub, and open, since only this machine reaches it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.github.http import Answer, ApiError, Call, route
from local.github.world import Pull, Repo, World

if TYPE_CHECKING:
    from local.github.stand_in import StandIn

_stand_ins: dict[int, "StandIn"] = {}


def register(stand_in: "StandIn") -> None:
    """Let a stand-in be controlled over HTTP."""
    _stand_ins[id(stand_in.world)] = stand_in


def _stand_in(call: Call) -> "StandIn":
    found = _stand_ins.get(id(call.world))
    if found is None:
        raise ApiError(404, "Not Found")
    return found


@route("POST", "/_control/repositories", needs="nothing")
def add_repository(call: Call) -> Answer:
    """Body: `path`, `owner`, `name`."""
    body = call.body
    repo = _stand_in(call).add_repository(Path(body["path"]), owner=body["owner"], name=body["name"])
    return Answer(status=201, body={"id": repo.id, "full_name": repo.full_name})


@route("POST", "/_control/repositories/{id}/pulls", needs="nothing")
def open_pull(call: Call) -> Answer:
    """Body: `base`, `head`, `title`, `body`, `author`."""
    repo = _repo(call)
    try:
        pull = _stand_in(call).open_pull(repo, **call.body)
    except ValueError as error:
        raise ApiError(422, str(error)) from None
    return Answer(status=201, body=posted(call.world, repo, pull))


@route("GET", "/_control/repositories/{id}/pulls/{number}", needs="nothing")
def show_pull(call: Call) -> Answer:
    """Return what stands on a pull request: reviews with their comments, and check runs."""
    repo = _repo(call)
    return Answer(body=posted(call.world, repo, repo.pulls[int(call.parameters["number"])]))


@route("POST", "/_control/webhook", needs="nothing")
def set_webhook(call: Call) -> Answer:
    """Body: `url`, where deliveries go from now on."""
    call.world.webhook_url = call.body["url"]
    return Answer(body={})


@route("GET", "/_control/app", needs="nothing")
def show_app(call: Call) -> Answer:
    """Return the App's credentials, for the deployment's secrets."""
    world = call.world
    return Answer(
        body={
            "app_id": str(world.app_id),
            "private_key": world.private_key_pem,
            "webhook_secret": world.webhook_secret,
        }
    )


@route("GET", "/_control/violations", needs="nothing")
def show_violations(call: Call) -> Answer:
    """Return what did not fit GitHub's description."""
    return Answer(body=call.world.violations)


def posted(world: World, repo: Repo, pull: Pull) -> dict[str, Any]:
    """Describe what stands on a pull request."""
    return {
        "number": pull.number,
        "title": pull.title,
        "base_sha": pull.base_sha,
        "head_sha": pull.head_sha,
        "state": pull.state,
        "html_url": f"{world.url}/{repo.full_name}/pull/{pull.number}",
        "deliveries": [
            {"guid": one.guid, "event": one.event, "action": one.action, "status": one.status}
            for one in world.deliveries
        ],
        "reviews": [
            {
                "id": review.id,
                "author": review.author.login,
                "state": review.state,
                "body": review.body,
                "commit_id": review.commit_id,
                "comments": [
                    {
                        "id": comment.id,
                        "path": comment.path,
                        "line": comment.line,
                        "side": comment.side,
                        "start_line": comment.start_line,
                        "body": comment.body,
                    }
                    for comment in review.comments
                ],
            }
            for review in pull.reviews
        ],
        "check_runs": [
            {
                "id": run.id,
                "name": run.name,
                "external_id": run.external_id,
                "status": run.status,
                "conclusion": run.conclusion,
                "title": run.title,
                "summary": run.summary,
            }
            for run in repo.checks
            if run.head_sha in pull.heads
        ],
    }


def _repo(call: Call) -> Repo:
    repo = call.world.repositories.get(int(call.parameters["id"]))
    if repo is None:
        raise ApiError(404, "Not Found")
    return repo
