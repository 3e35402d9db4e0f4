"""Signed deliveries, as GitHub sends them: once, whatever becomes of them."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from typing import Any
from uuid import UUID, uuid5

from local.github import documents
from local.github.world import Account, CheckRun, Comment, Delivery, Pull, Repo, World

# GitHub cuts the connection after this many seconds.
_TIMEOUT_SECONDS = 10
_GUIDS = UUID("0d9f4f5e-6f0e-4a52-9a32-8f7f3b8b3b52")


def pull_request_event(world: World, repo: Repo, pull: Pull, action: str) -> dict[str, Any]:
    """`pull_request`."""
    payload = {"number": pull.number, "pull_request": documents.pull_request(world, repo, pull)}
    return _in_repository(world, repo, action, pull.author, payload)


def comment_event(world: World, repo: Repo, pull: Pull, comment: Comment) -> dict[str, Any]:
    """`issue_comment`."""
    html = f"{world.url}/{repo.full_name}/pull/{pull.number}"
    issue = {
        "id": pull.id,
        "number": pull.number,
        "title": pull.title,
        "state": pull.state,
        "user": documents.user(world, pull.author),
        "pull_request": {"url": f"{documents.repository_url(world, repo)}/pulls/{pull.number}", "html_url": html},
    }
    payload = {"issue": issue, "comment": documents.issue_comment(world, repo, pull, comment)}
    return _in_repository(world, repo, "created", comment.author, payload)


def check_run_event(world: World, repo: Repo, run: CheckRun, sender: Account) -> dict[str, Any]:
    """`check_run` with `rerequested`; the list of pull requests is empty, as it is for forks."""
    return _in_repository(world, repo, "rerequested", sender, {"check_run": documents.check_run(world, repo, run)})


def _in_repository(world: World, repo: Repo, action: str, sender: Account, payload: dict[str, Any]) -> dict[str, Any]:
    installation = world.installation_of(repo.id)
    document = {"action": action, **payload, "repository": documents.repository(world, repo)}
    if installation is not None:
        node = documents.node_id("Installation", installation.id)
        document["installation"] = {"id": installation.id, "node_id": node}
    return {**document, "sender": documents.user(world, sender)}


def signature(secret: str, body: bytes) -> str:
    """Sign a body as `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def deliver(world: World, event: str, payload: dict[str, Any]) -> Delivery | None:
    """Send a delivery to the App's webhook address; None if it has none."""
    if world.webhook_url is None:
        return None
    body = json.dumps(payload).encode()
    guid = str(uuid5(_GUIDS, str(world.new_id()) + world.url))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/local",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "1",
        "X-GitHub-Hook-Installation-Target-ID": str(world.app_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature-256": signature(world.webhook_secret, body),
    }
    request = urllib.request.Request(world.webhook_url, data=body, headers=headers)  # noqa: S310 -- our own address
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 -- likewise
            status = answer.status
    except urllib.error.HTTPError as error:
        error.close()
        status = error.code
    except OSError:
        status = 0
    delivery = Delivery(guid, event, str(payload.get("action", "")), status, world.now())
    world.deliveries.append(delivery)
    return delivery
