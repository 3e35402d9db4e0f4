"""What every request passes before an operation answers it: credentials, scope, permissions, rate limit."""

import hashlib
import math
import re
from dataclasses import dataclass

from local.github import apps, meters
from local.github.routing import Call, Refusal, Request, Route
from local.github.state import Installation, Repository, Token, World

_CREDENTIAL = re.compile(r"(?i)(?:bearer|token|jwt) +(\S+)")
_HOUR = 3_600
_FREE_REPOSITORIES, _MORE_PER_REPOSITORY, _MOST_PER_HOUR = 20, 50, 12_500
_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
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


def holder(world: World, request: Request) -> int | None:
    """Return whose limits a request counts against: an installation's; None without a token of one."""
    credential = _CREDENTIAL.fullmatch(request.headers.get("authorization", ""))
    token = world.tokens.get(credential[1]) if credential else None
    return token.installation_id if token is not None else None


def charge(call: Call, route: Route) -> Quota:
    """Count a request against its installation; refuses what is above a limit, and notes that as a violation."""
    world = call.world
    reset = (int(world.now().timestamp()) // _HOUR + 1) * _HOUR
    installation_id = call.token.installation_id if call.token is not None else 0
    used = world.usage.get((installation_id, reset), 0) + 1
    world.usage[installation_id, reset] = used
    quota = Quota(_requests_per_hour(world, installation_id), used, reset)
    if used > quota.limit:
        _note(call, route, installation_id, "requests_per_hour")
        message = f"API rate limit exceeded for installation ID {installation_id}."
        raise Refusal(403, message, headers=quota.headers())
    if installation_id:
        _charge_secondary(call, route, installation_id, quota)
    return quota


def give_back(world: World, installation_id: int | None, quota: Quota) -> Quota:
    """Take a request out of the hour's count again: that nothing has changed is told for nothing."""
    world.usage[installation_id or 0, quota.reset] -= 1
    return Quota(quota.limit, quota.used - 1, quota.reset)


# GitHub tells a secondary limit in any of these ways, and promises none of them.
STYLES = ("403 retry-after", "429 retry-after", "403 reset", "403 bare")


def _charge_secondary(call: Call, route: Route, installation_id: int, quota: Quota) -> None:
    world, limits = call.world, call.world.limits
    is_query = route.template == "/graphql" and not call.json().get("query", "").lstrip().startswith("mutation")
    excess = world.meters[installation_id].charge(
        world.clock().timestamp(),
        is_read=call.request.method in meters.READS or is_query,
        # What is created is content; to change or remove it costs points only.
        is_content=call.request.method == "POST" and route.template != "/graphql",
        ceilings=limits.ceilings,
    )
    if excess is None:
        return
    _note(call, route, installation_id, excess.limit)
    status, _, style = limits.secondary_style.partition(" ")
    wait = max(1, math.ceil(excess.wait))
    told = {
        "retry-after": {"Retry-After": str(wait)},
        "reset": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(world.now().timestamp()) + wait)},
        "bare": {},
    }
    raise Refusal(int(status), _SECONDARY, headers=quota.headers() | told[style])


def _note(call: Call, route: Route, installation_id: int, limit: str) -> None:
    call.world.limit_violations.append(
        {
            "limit": limit,
            "installation_id": installation_id,
            "operation": route.operation,
            "at": call.world.clock().isoformat(),
        }
    )


def _requests_per_hour(world: World, installation_id: int) -> int:
    """Return the hour's limit, which grows with the installation, but lowers no limit that is higher already."""
    base, installation = world.limits.requests_per_hour, world.installations.get(installation_id)
    more = max(0, len(installation.repository_ids) - _FREE_REPOSITORIES) if installation is not None else 0
    return max(base, min(_MOST_PER_HOUR, base + _MORE_PER_REPOSITORY * more))


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
