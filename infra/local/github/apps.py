"""The App's own operations: its JWT, its installations, and the tokens that it buys."""

from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from local.github import documents
from local.github.http import Answer, ApiError, Call, Route, route
from local.github.world import TOKEN_LIFE, Installation, Token, World

_LONGEST_JWT = timedelta(minutes=10)
_GRANTED = {"metadata": "read", "contents": "read", "pull_requests": "write", "checks": "write", "issues": "write"}
_LEVELS = ("read", "write", "admin")


def authorize(world: World, matched: Route, headers: dict[str, str]) -> Token | None:
    """Check the request's credentials against what the operation needs."""
    if matched.needs == "nothing":
        return None
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "token") or not secret:
        raise ApiError(401, "Requires authentication")
    if matched.needs == "app":
        _verify_jwt(world, secret)
        return None
    token = world.tokens.get(secret)
    if token is None or token.expires_at <= world.now():
        raise ApiError(401, "Bad credentials")
    if world.installations[token.installation_id].is_suspended:
        raise ApiError(403, "This installation has been suspended")
    permission, _, level = matched.needs.partition(":")
    held = dict(token.permissions).get(permission)
    if held is None or _LEVELS.index(held) < _LEVELS.index(level):
        raise ApiError(403, "Resource not accessible by integration")
    return token


def _verify_jwt(world: World, token: str) -> None:
    key = serialization.load_pem_private_key(world.private_key_pem.encode(), password=None).public_key()
    options: Any = {"verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "iss"]}
    try:
        claims = jwt.decode(token, key, algorithms=["RS256"], options=options)  # type: ignore[arg-type]
    except jwt.PyJWTError as error:
        raise ApiError(401, "A JSON web token could not be decoded") from error
    now = world.now().timestamp()
    if str(claims["iss"]) != str(world.app_id):
        raise ApiError(401, "Integration not found")
    if claims["exp"] - now > _LONGEST_JWT.total_seconds():
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    if claims["exp"] <= now or claims["iat"] > now:
        raise ApiError(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")


@route("GET", "/app", needs="app")
def get_app(call: Call) -> Answer:
    """Who the JWT belongs to."""
    return Answer(body=documents.app(call.world))


@route("POST", "/app/installations/{installation_id}/access_tokens", needs="app")
def create_token(call: Call) -> Answer:
    """Buy a token for an installation, for all of its repositories or fewer, with all of its rights or fewer."""
    world = call.world
    installation = world.installations.get(int(call.parameters["installation_id"]))
    if installation is None:
        raise ApiError(404, "Not Found")
    if installation.is_suspended:
        raise ApiError(403, "This installation has been suspended")
    wanted = _wanted_repositories(world, installation, call.body)
    permissions = call.body.get("permissions") or _GRANTED
    for name, level in permissions.items():
        if name not in _GRANTED or _LEVELS.index(level) > _LEVELS.index(_GRANTED[name]):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    expires = world.now() + TOKEN_LIFE
    text = f"ghs_{world.new_id():036d}"
    granted = tuple({**permissions, "metadata": "read"}.items())
    world.tokens[text] = Token(installation.id, frozenset(wanted), granted, expires)
    is_scoped = bool(call.body.get("repository_ids") or call.body.get("repositories"))
    document: dict[str, Any] = {
        "token": text,
        "expires_at": documents.moment(expires),
        "permissions": dict(granted),
        "repository_selection": "selected",
    }
    if is_scoped:
        document["repositories"] = [documents.repository(world, world.repositories[one]) for one in sorted(wanted)]
    return Answer(status=201, body=document)


def _wanted_repositories(world: World, installation: Installation, body: dict[str, Any]) -> set[int]:
    wanted = set(body.get("repository_ids") or ())
    names = set(body.get("repositories") or ())
    wanted |= {one for one in installation.repository_ids if world.repositories[one].name in names}
    if not wanted and not names:
        return set(installation.repository_ids)
    if not wanted <= installation.repository_ids or len(wanted) < len(names):
        raise ApiError(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return wanted


@route("GET", "/user/{account_id}", needs="metadata:read")
def get_user(call: Call) -> Answer:
    """An account by its number."""
    for account in call.world.accounts.values():
        if str(account.id) == call.parameters["account_id"]:
            return Answer(body=documents.user(call.world, account))
    raise ApiError(404, "Not Found")


@route("GET", "/repos/{owner}/{repo}", needs="metadata:read")
def get_repository(call: Call) -> Answer:
    """A repository."""
    return Answer(body=documents.repository(call.world, call.repo))


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", needs="metadata:read")
def get_permission(call: Call) -> Answer:
    """What somebody may do in the repository; strangers may read a public one."""
    account = call.world.accounts.get(call.parameters["username"])
    if account is None:
        raise ApiError(404, "Not Found")
    level = call.repo.permissions.get(account.login, "read")
    user = documents.user(call.world, account)
    return Answer(body={"permission": level, "role_name": level, "user": user})
