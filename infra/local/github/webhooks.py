"""Webhooks: GitHub's payloads, signed and sent once; GitHub never sends one again by itself."""

import hashlib
import hmac
import http.client
import json
import time
import uuid
from urllib.parse import urlsplit

from local.github import shapes
from local.github.state import Account, Installation, Json, Repository, World

TIMEOUT_SECONDS = 10.0
_OK = range(200, 300)


def signature(secret: str, body: bytes) -> str:
    """Sign the raw bytes, as X-Hub-Signature-256 has it."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def repository_event(world: World, repository: Repository, sender: Account, action: str, details: Json) -> Json:
    """Return a payload about something in a repository."""
    payload: Json = {
        "action": action,
        **details,
        "repository": shapes.repository(world, repository) | {"topics": [], "custom_properties": {}},
        "sender": shapes.user(world, sender),
    }
    if repository.owner.type == "Organization":
        payload["organization"] = organization(world, repository.owner)
    found = world.installation_of(repository)
    if found is not None:
        payload["installation"] = {"id": found.id, "node_id": shapes.node_id("MDIz", found.id)}
    return payload


def installation_event(world: World, found: Installation, action: str, repositories: list[Repository]) -> Json:
    """Return a payload about an installation."""
    return {
        "action": action,
        "installation": shapes.installation(world, found) | {"client_id": f"Iv23li{world.app_id}"},
        "repositories": [_named(repository) for repository in repositories],
        "requester": None,
        "sender": shapes.user(world, found.account),
    }


def repositories_event(world: World, found: Installation, action: str, repositories: list[Repository]) -> Json:
    """Return a payload about repositories that joined or left an installation."""
    changed = [_named(repository) for repository in repositories]
    return {
        "action": action,
        "installation": shapes.installation(world, found) | {"client_id": f"Iv23li{world.app_id}"},
        "repository_selection": "selected",
        "repositories_added": changed if action == "added" else [],
        "repositories_removed": changed if action == "removed" else [],
        "requester": None,
        "sender": shapes.user(world, found.account),
    }


def deliver(world: World, event: str, payload: Json, *, guid: str | None = None) -> Json:
    """Send a payload and remember what came back; a redelivery keeps its GUID."""
    if world.webhook_problems is not None:
        world.violations += world.webhook_problems(event, payload)
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    record: Json = {
        "id": world.next_id(),
        "guid": guid or _guid(world),
        "event": event,
        "action": payload.get("action"),
        "delivered_at": shapes.stamp(world.now()),
        "redelivery": guid is not None,
        "installation_id": (payload.get("installation") or {}).get("id"),
        "repository_id": (payload.get("repository") or {}).get("id"),
        "headers": {},
        "body": body.decode(),
    }
    record["headers"] = _headers(world, record["event"], record["guid"], body)
    record |= _send(world.webhook_url, record["headers"], body)
    with world.lock:
        world.deliveries.append(record)
    return record


def redeliver(world: World, guid: str) -> Json:
    """Send a delivery again, byte for byte."""
    first = next(record for record in world.deliveries if record["guid"] == guid)
    return deliver(world, first["event"], json.loads(first["body"]), guid=guid)


def _headers(world: World, event: str, guid: str, body: bytes) -> dict[str, str]:
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(world.app_id + 1),
        "X-GitHub-Hook-Installation-Target-ID": str(world.app_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature-256": signature(world.webhook_secret, body),
    }


def _send(url: str | None, headers: dict[str, str], body: bytes) -> Json:
    if url is None:
        return {"status": "not sent", "status_code": 0, "duration": 0.0, "answer": ""}
    parts, started = urlsplit(url), time.monotonic()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", parts.path or "/", body, headers)
        response = connection.getresponse()
        answer, code = response.read().decode("utf-8", "replace"), response.status
        status = "OK" if code in _OK else f"Invalid HTTP Response: {code}"
    except TimeoutError:
        answer, code, status = "", 0, "timed out"
    except (OSError, http.client.HTTPException) as error:
        answer, code, status = str(error), 0, "failed to connect to host"
    finally:
        connection.close()
    return {"status": status, "status_code": code, "duration": round(time.monotonic() - started, 3), "answer": answer}


def _guid(world: World) -> str:
    """Return an id that no other delivery has, in the form of GitHub's."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{world.webhook_secret}/{world.next_id()}"))


def _named(repository: Repository) -> Json:
    return {
        "id": repository.id,
        "node_id": shapes.node_id("R", repository.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.is_private,
    }


def organization(world: World, account: Account) -> Json:
    """Return an organisation as it stands in payloads."""
    url = f"{world.base_url}/orgs/{account.login}"
    links = {name: f"{url}/{name}" for name in ("repos", "events", "hooks", "issues")}
    return {
        "login": account.login,
        "id": account.id,
        "node_id": shapes.node_id("O", account.id),
        "url": url,
        **{f"{name}_url": link for name, link in links.items()},
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}?v=4",
        "description": None,
    }
