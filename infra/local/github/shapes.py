"""Accounts, repositories, the App and its installations in GitHub's JSON."""

import base64
from datetime import datetime

from local.github.state import DEFAULT_EVENTS, Account, Installation, Json, Repository, World

WEB = "https://github.com"
_GHOST_AVATAR = "https://avatars.githubusercontent.com/u"

_USER_LINKS = {
    "followers": "followers",
    "following": "following{/other_user}",
    "gists": "gists{/gist_id}",
    "starred": "starred{/owner}{/repo}",
    "subscriptions": "subscriptions",
    "organizations": "orgs",
    "repos": "repos",
    "events": "events{/privacy}",
    "received_events": "received_events",
}
_REPOSITORY_LINKS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "contributors": "contributors",
    "deployments": "deployments",
    "downloads": "downloads",
    "events": "events",
    "forks": "forks",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "hooks": "hooks",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "languages": "languages",
    "merges": "merges",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "stargazers": "stargazers",
    "statuses": "statuses/{sha}",
    "subscribers": "subscribers",
    "subscription": "subscription",
    "tags": "tags",
    "teams": "teams",
    "trees": "git/trees{/sha}",
}


def stamp(moment: datetime) -> str:
    """Return a time as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_stamp(moment: datetime | None) -> str | None:
    """Return a time as GitHub writes it, or null."""
    return None if moment is None else stamp(moment)


def node_id(kind: str, number: int | str) -> str:
    """Return the global id of a thing."""
    return f"{kind}_{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"


def user(world: World, account: Account) -> Json:
    """Return an account as it stands beside everything that it wrote."""
    url = f"{world.base_url}/users/{account.login}"
    page = f"{WEB}/apps/{world.slug}" if account is world.bot else f"{WEB}/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"{_GHOST_AVATAR}/{account.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": page,
        **{f"{name}_url": f"{url}/{suffix}" for name, suffix in _USER_LINKS.items()},
        "type": account.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def optional_user(world: World, account: Account | None) -> Json | None:
    """Return an account, or null for one that was deleted."""
    return None if account is None else user(world, account)


def repository_url(world: World, repository: Repository) -> str:
    """Return the API's address of a repository."""
    return f"{world.base_url}/repos/{repository.full_name}"


def repository(world: World, found: Repository) -> Json:
    """Return a repository."""
    url, page = repository_url(world, found), f"{WEB}/{found.full_name}"
    created = stamp(found.created_at)
    open_pulls = sum(pull.closed_at is None for pull in found.pulls.values())
    return {
        "id": found.id,
        "node_id": node_id("R", found.id),
        "name": found.name,
        "full_name": found.full_name,
        "private": found.is_private,
        "owner": user(world, found.owner),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": url,
        **{f"{name}_url": f"{url}/{suffix}" for name, suffix in _REPOSITORY_LINKS.items()},
        "created_at": created,
        "updated_at": created,
        "pushed_at": created,
        "git_url": f"git://github.com/{found.full_name}.git",
        "ssh_url": f"git@github.com:{found.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "homepage": None,
        "mirror_url": None,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "watchers": 0,
        "language": None,
        "license": None,
        "has_issues": True,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "forks_count": 0,
        "forks": 0,
        "open_issues_count": open_pulls,
        "open_issues": open_pulls,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if found.is_private else "public",
        "default_branch": found.default_branch,
    }


def full_repository(world: World, found: Repository) -> Json:
    """Return a repository as its own endpoint has it."""
    return repository(world, found) | {"network_count": 0, "subscribers_count": 0}


def app(world: World) -> Json:
    """Return the App."""
    return {
        "id": world.app_id,
        "client_id": f"Iv23li{world.app_id}",
        "slug": world.slug,
        "node_id": node_id("A", world.app_id),
        "owner": user(world, world.owner),
        "name": world.slug,
        "description": "",
        "external_url": f"{WEB}/{world.owner.login}",
        "html_url": f"{WEB}/apps/{world.slug}",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "permissions": world.permissions,
        "events": list(DEFAULT_EVENTS),
    }


def installation(world: World, found: Installation) -> Json:
    """Return an installation of the App."""
    created = stamp(found.created_at)
    return {
        "id": found.id,
        "account": user(world, found.account),
        "repository_selection": "selected",
        "access_tokens_url": f"{world.base_url}/app/installations/{found.id}/access_tokens",
        "repositories_url": f"{world.base_url}/installation/repositories",
        "html_url": f"{WEB}/settings/installations/{found.id}",
        "app_id": world.app_id,
        "app_slug": world.slug,
        "target_id": found.account.id,
        "target_type": found.account.type,
        "permissions": found.permissions,
        "events": list(DEFAULT_EVENTS),
        "created_at": created,
        "updated_at": created,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None if found.suspended_at is None else user(world, found.account),
        "suspended_at": optional_stamp(found.suspended_at),
    }
