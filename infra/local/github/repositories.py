"""Repositories by name and by id, who may write to them, and where GitHub's requests come from."""

from local.github import shapes
from local.github.routing import Answer, Call, Refusal, operation

_METADATA = ("metadata", "read")
_ROLES = {
    "admin": "admin",
    "maintain": "write",
    "write": "write",
    "triage": "read",
    "read": "read",
    "none": "none",
}


@operation("GET", "/meta", "meta/get", is_public=True)
def get_meta(call: Call) -> Answer:
    """Say from which addresses webhooks come: this machine's."""
    del call
    return Answer(
        document={"verifiable_password_authentication": False, "hooks": ["127.0.0.0/8"], "api": ["127.0.0.0/8"]}
    )


@operation("GET", "/repos/{owner}/{repo}", "repos/get", _METADATA)
def get_repository(call: Call) -> Answer:
    """Name a repository."""
    return Answer(document=shapes.full_repository(call.world, call.repository))


@operation(
    "GET",
    "/repos/{owner}/{repo}/collaborators/{username}/permission",
    "repos/get-collaborator-permission-level",
    _METADATA,
)
def get_permission(call: Call) -> Answer:
    """Say what somebody may do; GitHub folds maintain into write and triage into read."""
    account = call.world.accounts.get(call.path["username"].lower())
    if account is None:
        raise Refusal(404, "Not Found")
    repository = call.repository
    default = "none" if repository.is_private else "read"
    role = "admin" if account is repository.owner else repository.collaborators.get(account.login.lower(), default)
    document = {
        "permission": _ROLES[role],
        "role_name": role,
        "user": shapes.user(call.world, account) | {"role_name": role, "permissions": _flags(role)},
    }
    return Answer(document=document)


@operation("GET", "/user/{account_id}", "users/get-by-id", is_public=True)
def get_user(call: Call) -> Answer:
    """Name an account by its number, which stays when the login changes hands."""
    number = call.number("account_id")
    account = next((found for found in call.world.accounts.values() if found.id == number), None)
    if account is None:
        raise Refusal(404, "Not Found")
    profile = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
    numbers = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    times = dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z")
    return Answer(document=shapes.user(call.world, account) | profile | numbers | times)


def _flags(role: str) -> dict[str, bool]:
    order = ("none", "read", "triage", "write", "maintain", "admin")
    names = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
    return {flag: order.index(role) >= order.index(least) for flag, least in names.items()}
