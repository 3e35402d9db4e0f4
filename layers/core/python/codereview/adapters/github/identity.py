"""Who a person is: GitHub's web flow for Apps, with state and PKCE.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app

The person's own token is used for one question and then dropped: everything else is done as the App.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ValidationError

from codereview.adapters.github.client import API_VERSION, JSON
from codereview.adapters.http import send
from codereview.domain.control.identity import Identity
from codereview.errors import RetryableError

_DEADLINE = timedelta(seconds=8)  # for each of the two requests; the function has half a minute
_MAX_BYTES = 256 * 1024


class _TokenPayload(BaseModel):
    """`POST /login/oauth/access_token`; GitHub says 200 and `error` where it does not take the code."""

    access_token: str = ""


class _UserPayload(BaseModel):
    """`GET /user`."""

    id: int
    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """The GitHub App as an OAuth client; `redirect_url` None: the one that is registered with GitHub."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str | None = None


class GitHubIdentity:
    """GitHub as an IdentityProvider."""

    def __init__(self, http: httpx.Client, *, web_url: str, api_url: str, client: OAuthClient) -> None:
        """Send people to `web_url`, for example https://github.com, and ask `api_url` who they are."""
        self._http = http
        self._web_url = web_url.rstrip("/")
        self._api_url = api_url.rstrip("/")
        self._client = client

    def authorize_url(self, *, state: str, challenge: str) -> str:
        """Return GitHub's page that asks the person."""
        parameters = {
            "client_id": self._client.client_id,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **self._redirect(),
        }
        return f"{self._web_url}/login/oauth/authorize?{urlencode(parameters)}"

    def identify(self, *, code: str, verifier: str) -> Identity | None:
        """Redeem the code, and ask whose the token is."""
        form = {
            "client_id": self._client.client_id,
            "client_secret": self._client.client_secret,
            "code": code,
            "code_verifier": verifier,
            **self._redirect(),
        }
        url = f"{self._web_url}/login/oauth/access_token"
        request = self._http.build_request("POST", url, data=form, headers={"Accept": "application/json"})
        token = self._read(_TokenPayload, request).access_token
        if not token:
            return None
        headers = {"Accept": JSON, "Authorization": f"Bearer {token}", "X-GitHub-Api-Version": API_VERSION}
        user = self._read(_UserPayload, self._http.build_request("GET", f"{self._api_url}/user", headers=headers))
        return Identity(user_id=user.id, login=user.login)

    def _redirect(self) -> dict[str, str]:
        return {"redirect_uri": self._client.redirect_url} if self._client.redirect_url else {}

    def _read[M: BaseModel](self, kind: type[M], request: httpx.Request) -> M:
        """Send, and check the answer; a code is good for one try, so nothing is sent twice."""
        response = send(self._http, request, deadline=_DEADLINE, max_bytes=_MAX_BYTES)
        if response.status_code != httpx.codes.OK:
            raise RetryableError(f"GitHub answered {response.status_code} to a sign-in")
        try:
            document: Any = response.json()
            return kind.model_validate(document)
        except (ValueError, RecursionError, ValidationError):
            # Not chained: the document holds the person's token.
            raise RetryableError("GitHub's answer to a sign-in has an unexpected shape") from None
