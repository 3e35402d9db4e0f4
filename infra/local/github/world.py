"""What this GitHub remembers: all of it in memory, changed under one lock."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.github.git import Repository as Git

TOKEN_LIFE = timedelta(hours=1)


@dataclass(slots=True)
class Account:
    """A user, an organisation or a bot."""

    id: int
    login: str
    type: str = "User"


@dataclass(slots=True)
class Comment:
    """An inline comment, or a comment on the conversation (then `path` is empty)."""

    id: int
    author: Account
    body: str
    created_at: datetime
    path: str = ""
    line: int | None = None
    side: str = "RIGHT"
    start_line: int | None = None
    commit_id: str = ""
    review_id: int | None = None
    is_file_level: bool = False
    reactions: list[tuple[Account, str]] = field(default_factory=list)


@dataclass(slots=True)
class Review:
    """A review with its inline comments."""

    id: int
    author: Account
    body: str
    state: str  # PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED
    commit_id: str
    submitted_at: datetime | None
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True)
class CheckRun:
    """A check run; `document` holds what was last written to it."""

    id: int
    head_sha: str
    name: str
    external_id: str
    status: str = "queued"
    conclusion: str | None = None
    title: str | None = None
    summary: str | None = None
    annotations: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(slots=True)
class Pull:
    """A pull request between two refs of the clone."""

    number: int
    id: int
    author: Account
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    title: str
    body: str | None
    created_at: datetime
    state: str = "open"
    is_draft: bool = False
    heads: list[str] = field(default_factory=list)  # every head it ever had
    reviews: list[Review] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True)
class Repo:
    """A repository and its clone on this machine."""

    id: int
    owner: Account
    name: str
    git: Git
    pulls: dict[int, Pull] = field(default_factory=dict)
    checks: list[CheckRun] = field(default_factory=list)
    permissions: dict[str, str] = field(default_factory=dict)  # login → read, write, admin

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"


@dataclass(slots=True)
class Installation:
    """The App on one account."""

    id: int
    account: Account
    repository_ids: set[int] = field(default_factory=set)
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """What an installation token reaches."""

    installation_id: int
    repository_ids: frozenset[int]
    permissions: tuple[tuple[str, str], ...]
    expires_at: datetime


@dataclass(slots=True)
class Fault:
    """What happens to one call of an operation instead of a normal answer.

    `before`: nothing is done; `after`: it is done, and the answer lost. `status` None cuts the connection.
    """

    when: str = "before"
    status: int | None = 502
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, object] = field(default_factory=lambda: {"message": "Server Error"})
    seconds: float = 0.0


@dataclass(slots=True)
class Delivery:
    """A webhook that was sent, and what came back; status 0 if nothing did."""

    guid: str
    event: str
    action: str
    status: int
    delivered_at: datetime


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


@dataclass(slots=True)
class World:
    """Everything there is on this GitHub."""

    url: str = ""
    app_id: int = 4321
    app_slug: str = "codereview"
    private_key_pem: str = field(default_factory=_new_key)
    webhook_secret: str = "local webhook secret"  # noqa: S105 -- guards nothing but this machine's own traffic
    webhook_url: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(tz=UTC)  # noqa: TID251 -- this program's own clock
    accounts: dict[str, Account] = field(default_factory=dict)
    repositories: dict[int, Repo] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    ids: "count[int]" = field(default_factory=lambda: count(1001))

    @property
    def bot(self) -> Account:
        """The account that the App writes as."""
        return self.account(f"{self.app_slug}[bot]", kind="Bot")

    def new_id(self) -> int:
        """Return an id that nothing here has yet."""
        return next(self.ids)

    def account(self, login: str, *, kind: str = "User") -> Account:
        """Return an account, made on first use."""
        if login not in self.accounts:
            self.accounts[login] = Account(self.new_id(), login, kind)
        return self.accounts[login]

    def installation_of(self, repository_id: int) -> Installation | None:
        """Return the installation that has the repository."""
        return next((one for one in self.installations.values() if repository_id in one.repository_ids), None)
