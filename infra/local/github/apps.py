"""The App itself: its JWT, its installations and their tokens."""

import secrets
from datetime import timedelta
from typing import Any

import jwt

from local.github import shapes
from local.github.routing import Answer, Call, Refusal, operation
from local.github.state import Installation, Json, Repository, Token, World

_TOKEN_LIFE = timedelta(hours=1)
# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
_JWT_LIFE = timedelta(minutes=10)
_SKEW = timedelta(seconds=60)
_LEVELS = {"read": 1, "write": 2, "admin": 3}


def verify_app(world: World, credential: str) -> None:
    """Check the App's JWT; refuses with GitHub's words."""
    try:
        claims = jwt.decode(
            credential,
            world.public_key_pem,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_iss": False},
        )
    except jwt.PyJWTError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    _verify_claims(world, claims)


def _verify_claims(world: World, claims: dict[str, Any]) -> None:
    issuer, issued, expires = claims.get("iss"), claims.get("iat"), claims.get("exp")
    if str(issuer) not in (str(world.app_id), f"Iv23li{world.app_id}"):
        raise Refusal(404, "Integration not found")
    now = world.now().timestamp()
    if not isinstance(issued, int | float):
        raise Refusal(401, "Missing 'issued at' claim ('iat') in assertion")
    if issued > now + _SKEW.total_seconds():
        raise Refusal(
            401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )
    if not isinstance(expires, int | float):
        raise Refusal(401, "Missing 'expiration' claim ('exp') in assertion")
    if expires <= now:
        raise Refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the"
            " assertion expires",
        )
    if expires > now + _JWT_LIFE.total_seconds():
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")


def allows(held: dict[str, str], needed: tuple[tuple[str, str], ...]) -> bool:
    """Whether any of the needed permissions is held at its level or above."""
    return any(_LEVELS.get(held.get(name, ""), 0) >= _LEVELS[level] for name, level in needed)


@operation("GET", "/app", "apps/get-authenticated")
def get_app(call: Call) -> Answer:
    """Name the App."""
    return Answer(document=shapes.app(call.world) | {"installations_count": len(_installed(call.world))})


@operation("GET", "/app/installations", "apps/list-installations")
def list_installations(call: Call) -> Answer:
    """List who installed the App."""
    return call.page(_installed(call.world), lambda found: shapes.installation(call.world, found))


@operation("GET", "/app/installations/{installation_id}", "apps/get-installation")
def get_installation(call: Call) -> Answer:
    """Name one installation."""
    return Answer(document=shapes.installation(call.world, _installation(call)))


@operation("GET", "/installation/repositories", "apps/list-repos-accessible-to-installation", ("metadata", "read"))
def list_repositories(call: Call) -> Answer:
    """List the repositories that the call's token reaches."""
    held = sorted(call.held_token.repository_ids)
    found = [call.world.repositories[number] for number in held if number in call.world.repositories]
    return call.page(found, lambda repository: shapes.repository(call.world, repository), key="repositories")


@operation("GET", "/repos/{owner}/{repo}/installation", "apps/get-repo-installation")
def get_repository_installation(call: Call) -> Answer:
    """Name the installation that holds a repository."""
    found = call.world.installation_of(call.repository)
    if found is None:
        raise Refusal(404, "Not Found")
    return Answer(document=shapes.installation(call.world, found))


@operation("POST", "/app/installations/{installation_id}/access_tokens", "apps/create-installation-access-token")
def create_token(call: Call) -> Answer:
    """Sell a token for an hour, for all repositories and permissions of the installation or for fewer."""
    found = _installation(call)
    if found.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    body = call.json()
    repositories = _wanted_repositories(call.world, found, body)
    token = Token(
        value=f"ghs_{secrets.token_hex(18)}",
        installation_id=found.id,
        repository_ids=frozenset(repository.id for repository in repositories or _held(call.world, found)),
        permissions=_wanted_permissions(found, body.get("permissions") or {}),
        expires_at=call.world.now() + _TOKEN_LIFE,
    )
    call.world.tokens[token.value] = token
    document: Json = {
        "token": token.value,
        "expires_at": shapes.stamp(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": "selected",
    }
    if repositories is not None:
        document["repositories"] = [shapes.repository(call.world, repository) for repository in repositories]
    return Answer(status=201, document=document)


def _installed(world: World) -> list[Installation]:
    return [found for found in world.installations.values() if not found.is_deleted]


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.is_deleted:
        raise Refusal(404, "Not Found")
    return found


def _held(world: World, found: Installation) -> list[Repository]:
    return [world.repositories[number] for number in sorted(found.repository_ids) if number in world.repositories]


def _wanted_repositories(world: World, found: Installation, body: Json) -> list[Repository] | None:
    """Return the repositories that were asked for by id or name; None for all."""
    ids, names = body.get("repository_ids"), body.get("repositories")
    if ids is None and names is None:
        return None
    held = _held(world, found)
    wanted = [repository for repository in held if repository.id in (ids or ()) or repository.name in (names or ())]
    if not wanted or len(wanted) < len(set(ids or ()) | set(names or ())):
        raise Refusal(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return wanted


def _wanted_permissions(found: Installation, wanted: dict[str, str]) -> dict[str, str]:
    for name, level in wanted.items():
        if not allows(found.permissions, ((name, level),)):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    # Metadata cannot be given away.
    return {"metadata": "read", **wanted} if wanted else dict(found.permissions)
