"""The way in for the launcher and for tests in other processes; not part of any GitHub.

`POST /_control/<method>` with JSON arguments calls any public method of the stand-in, `GET /_control/<property>` reads
any property: what a test does in its own process it can do from any other. What the launcher needs has addresses of
its own. There is no credential: the server listens on the loopback interface only.
"""

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

from local.github.routing import Answer, Refusal, Request
from local.github.state import Json

if TYPE_CHECKING:
    from local.github.stand_in import StandIn

PREFIX = "/_control/"
_PULLS = re.compile(r"repositories/(\d+)/pulls(?:/(\d+))?")


def answer(target: "StandIn", request: Request) -> Answer:
    """Answer the launcher."""
    name = request.path.removeprefix(PREFIX)
    try:
        arguments = json.loads(request.body or b"{}")
        status, document = _resource(target, request.method, name, arguments) or _member(
            target, request.method, name, arguments
        )
        return Answer(status=status, document=document)
    except Refusal as refusal:
        return refusal.answer()
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return Refusal(422, f"{type(error).__name__}: {error}").answer()


def _resource(target: "StandIn", method: str, name: str, arguments: Json) -> tuple[int, Any] | None:
    """Do what has an address of its own; None for anything else."""
    pulls = _PULLS.fullmatch(name)
    if pulls is not None and pulls[2] is None and method == "POST":
        opened = target.open_pull_request(int(pulls[1]), **arguments)
        return 201, target.overview(int(pulls[1]), opened["number"])
    if pulls is not None and pulls[2] is not None and method == "GET":
        return 200, target.overview(int(pulls[1]), int(pulls[2]))
    if (method, name) == ("POST", "repositories"):
        return 201, target.add_repository(**arguments)
    if (method, name) == ("POST", "webhook"):
        target.set_webhook(**arguments)
        return 200, {}
    return None


def _member(target: "StandIn", method: str, name: str, arguments: Json) -> tuple[int, Any]:
    member = None if name.startswith("_") else inspect.getattr_static(target, name, None)
    if method == "GET" and isinstance(member, property):
        return 200, getattr(target, name)
    if method == "POST" and inspect.isfunction(member):
        return 200, {"result": getattr(target, name)(**arguments)}
    raise Refusal(404, f"no such control: {method} {name}")
