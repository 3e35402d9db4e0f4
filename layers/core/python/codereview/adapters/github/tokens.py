"""The App's JWT and the short-lived tokens that it buys, each for one repository and no more than it needs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from pydantic import BaseModel

from codereview.errors import ConfigurationError

# A clock that runs ahead makes GitHub refuse an `exp` ten minutes away; nine leave room, and `iat` a minute back.
# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
_JWT_AGE = timedelta(minutes=1)
_JWT_LIFE = timedelta(minutes=9)

# A token must outlive the function that holds it: 300 s of run time and as much again to be safe.
TOKEN_MARGIN = timedelta(minutes=10)

PERMISSIONS = {"metadata": "read", "contents": "read", "pull_requests": "write", "checks": "write"}

# Of a token that reaches all repositories of an installation, to list them and their pull requests.
READING_PERMISSIONS = {"metadata": "read", "pull_requests": "read"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredentials:
    """The App's id and private key; kept out of logs by its repr."""

    app_id: str
    private_key: str

    def __repr__(self) -> str:
        """Show the id only."""
        return f"AppCredentials(app_id={self.app_id!r})"


def private_key_text(value: str) -> str:
    r"""Accept a PEM as people paste it: CRLF line ends, literal `\n`, spaces around it."""
    text = value.strip().replace("\r\n", "\n")
    return text.replace("\\n", "\n") if "\n" not in text else text


def app_jwt(credentials: AppCredentials, *, now: datetime) -> str:
    """Sign the App's JWT; raises ConfigurationError if the key is none."""
    claims = {"iat": int((now - _JWT_AGE).timestamp()), "exp": int((now + _JWT_LIFE).timestamp())}
    try:
        return jwt.encode(
            {**claims, "iss": credentials.app_id}, private_key_text(credentials.private_key), algorithm="RS256"
        )
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise ConfigurationError("the GitHub App's private key is not a PEM-encoded RSA key") from error


class TokenOwner(BaseModel):
    """The account that a repository belongs to."""

    id: int
    login: str


class TokenRepository(BaseModel):
    """A repository that a token reaches."""

    id: int
    name: str
    owner: TokenOwner


class InstallationToken(BaseModel):
    """The answer of `POST /app/installations/{id}/access_tokens`; it also proves whose the repository is."""

    token: str
    expires_at: datetime
    repositories: list[TokenRepository] = []

    def __repr__(self) -> str:
        """Show no token."""
        return f"InstallationToken(expires_at={self.expires_at!r})"

    def is_fresh(self, *, now: datetime) -> bool:
        """Whether it lives long enough to be handed to a new piece of work."""
        return self.expires_at - now > TOKEN_MARGIN
