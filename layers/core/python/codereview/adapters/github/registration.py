"""The App as it is registered at GitHub, and whether its webhook's address is ours."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from pydantic import BaseModel

from codereview.adapters.github.client import GitHubClient, read_as
from codereview.adapters.http import send

_PATIENCE = timedelta(seconds=15)
_MOST_BYTES = 1024 * 1024
_PING = b'{"zen":"Anything added dilutes everything else.","hook_id":0}'


class OwnerPayload(BaseModel):
    """Whose App it is."""

    login: str
    type: str


class RegisteredApp(BaseModel):
    """`GET /app`, with what it may do and what it is told."""

    slug: str
    owner: OwnerPayload
    html_url: str
    permissions: Mapping[str, str]
    events: Sequence[str]

    @property
    def settings_page(self) -> str:
        """Where its owner changes it."""
        parts = urlsplit(self.html_url)
        whose = f"/organizations/{self.owner.login}" if self.owner.type == "Organization" else ""
        return f"{parts.scheme}://{parts.netloc}{whose}/settings/apps/{self.slug}"


class HookPayload(BaseModel):
    """`GET /app/hook/config`."""

    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """The status that a rightly signed ping got, and the one that a forged ping got."""

    signed: int
    forged: int


class GitHubRegistration:
    """The App at GitHub, seen with its own credentials."""

    def __init__(self, client: GitHubClient) -> None:
        """Ask as the App."""
        self._client = client

    def app(self) -> RegisteredApp:
        """Read the App; that GitHub answers proves that the private key is its own."""
        return read_as(RegisteredApp, self._client.get("app"))

    def hook_url(self) -> str | None:
        """Return where GitHub sends webhooks; None: nowhere."""
        return read_as(HookPayload, self._client.get("app/hook/config")).url

    def set_hook_secret(self, secret: str) -> None:
        """Have GitHub sign with this secret from now on; where webhooks go stays as it is."""
        self._client.write("PATCH", "app/hook/config", {"secret": secret})


def github_time(http: httpx.Client, api_url: str) -> datetime | None:
    """Read GitHub's clock off an answer that needs no credentials; None where it does not say."""
    request = http.build_request("GET", f"{api_url.rstrip('/')}/meta")
    date = send(http, request, deadline=_PATIENCE, max_bytes=_MOST_BYTES).headers.get("date")
    return parsedate_to_datetime(date) if date else None


def ping(http: httpx.Client, url: str, secret: bytes, *, guid: UUID) -> RoundTrip:
    """Send a webhook's address two pings, one signed with the secret, one with another; neither does anything."""
    forged = hashlib.sha256(secret).digest()
    return RoundTrip(
        signed=_send_ping(http, url, secret, guid),
        forged=_send_ping(http, url, forged, guid),
    )


def _send_ping(http: httpx.Client, url: str, secret: bytes, guid: UUID) -> int:
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": str(guid),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, _PING, hashlib.sha256).hexdigest(),
    }
    request = http.build_request("POST", url, content=_PING, headers=headers)
    return send(http, request, deadline=_PATIENCE, max_bytes=_MOST_BYTES).status_code
