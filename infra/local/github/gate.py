"""What every request passes before an operation answers it: credentials, scope, permissions, rate limit."""

import hashlib
import re
from dataclasses import dataclass

from local.github import apps
from local.github.routing import Call, Refusal, Request, Route
from local.github.state import Installation, Repository, Token, World

_CREDENTIAL = re.compile(r"(?i)(?:bearer|token|jwt) +(\S+)")
_HOUR = 3_600
_RENAMED, _RENAMED_WRITE = 301, 307


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of the hour."""

    limit: int
    used: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Return the headers that tell it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Resource": "core",
        }


def by_name(world: World, request: Request) -> Request:
    """Return the request with the repository's name for `/repositories/{id}`, under which GitHub serves it too."""
    found = re.match(r"/repositories/(\d+)(?=/|$)", request.path)
    repository = world.repositories.get(int(found[1])) if found else None
    if found is None or repository is None:
        return request
    path = f"/repos/{repository.full_name}{request.path[found.end() :]}"
    return Request(method=request.method, path=path, query=request.query, headers=request.headers, body=request.body)


def admit(call: Call, route: Route) -> None:
    """Let the call through, with its token and repository; refuses as GitHub does."""
    if "user-agent" not in call.request.headers:
        raise Refusal(
            403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."
        )
    if route.is_public:
        return
    credential = _CREDENTIAL.fullmatch(call.request.headers.get("authorization", ""))
    if credential is None:
        raise Refusal(401, "Requires authentication")
    if not route.needs:
        apps.verify_app(call.world, credential[1])
        call.found = _named(call)
        return
    call.token = _token(call.world, credential[1])
    call.found = _named(call)
    if call.found is not None:
        _check_scope(call.token, call.found, route)


def charge(world: World, call: Call) -> Quota:
    """Count a request against its installation; refuses once the hour's are used up."""
    reset = (int(world.now().timestamp()) // _HOUR + 1) * _HOUR
    holder = call.token.installation_id if call.token is not None else 0
    used = world.usage.get((holder, reset), 0) + 1
    world.usage[holder, reset] = used
    quota = Quota(world.limits.requests_per_hour, used, reset)
    if used > quota.limit:
        raise Refusal(403, f"API rate limit exceeded for installation ID {holder}.", headers=quota.headers())
    return quota


def entity_tag(body: bytes) -> str:
    """Return the tag under which a client may ask whether an answer is still the same."""
    return f'W/"{hashlib.sha256(body).hexdigest()}"'


def _token(world: World, value: str) -> Token:
    token = world.tokens.get(value)
    installation: Installation | None = world.installations.get(token.installation_id) if token else None
    if token is None or installation is None or installation.is_deleted or token.expires_at <= world.now():
        raise Refusal(401, "Bad credentials")
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    return token


def _named(call: Call) -> Repository | None:
    """Return the repository of the path; an old name leads to the new one."""
    if "repo" not in call.path:
        return None
    full_name = f"{call.path['owner']}/{call.path['repo']}"
    found = call.world.repository(full_name)
    if found is not None:
        return found
    moved = call.world.former_names.get(full_name.lower())
    if moved is None:
        raise Refusal(404, "Not Found")
    rest = call.request.path.split("/", 4)[4:]
    query = "&".join(f"{name}={value}" for name, value in call.request.query.items())
    location = "/".join([f"{call.world.base_url}/repositories/{moved}", *rest]) + (f"?{query}" if query else "")
    status = _RENAMED if call.request.method == "GET" else _RENAMED_WRITE
    raise Refusal(status, "Moved Permanently", headers={"Location": location})


def _check_scope(token: Token, repository: Repository, route: Route) -> None:
    is_read = route.method == "GET"
    if repository.id not in token.repository_ids:
        if repository.is_private:
            raise Refusal(404, "Not Found")
        # Anybody may read what is public; to write, the App must be installed.
        if is_read:
            return
        raise Refusal(403, "Resource not accessible by integration")
    if not apps.allows(token.permissions, route.needs):
        accepted = "; ".join(f"{name}={level}" for name, level in route.needs)
        headers = {"X-Accepted-GitHub-Permissions": accepted}
        raise Refusal(403, "Resource not accessible by integration", headers=headers)
