"""Everything that the stand-in remembers; in memory, and behind one lock."""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.github.git import GitRepository
from local.github.meters import Ceilings, Meter

Json = dict[str, Any]
Clock = Callable[[], datetime]

DEFAULT_PERMISSIONS = {"metadata": "read", "contents": "read", "pull_requests": "write", "checks": "write"}
DEFAULT_EVENTS = (
    *("pull_request", "issue_comment", "pull_request_review_comment", "pull_request_review_thread"),
    *("check_run", "check_suite"),
)


@dataclass(slots=True, kw_only=True)
class Account:
    """A person, a bot or an organisation."""

    id: int
    login: str
    type: str = "User"


@dataclass(slots=True, kw_only=True)
class Installation:
    """The App at one account."""

    id: int
    account: Account
    permissions: dict[str, str]
    repository_ids: set[int] = field(default_factory=set)
    created_at: datetime
    suspended_at: datetime | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An installation token; reaches exactly `repository_ids` with exactly `permissions`."""

    value: str
    installation_id: int
    repository_ids: frozenset[int]
    permissions: dict[str, str]
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class Comment:
    """A comment in the conversation of a pull request."""

    id: int
    number: int
    user: Account
    body: str
    is_by_app: bool
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class ReviewComment:
    """A comment on lines of a file, or on a file."""

    id: int
    number: int
    review_id: int
    user: Account
    body: str
    path: str
    commit_id: str
    diff_hunk: str
    position: int | None
    line: int | None
    side: str
    start_line: int | None
    start_side: str | None
    subject_type: str
    in_reply_to: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Review:
    """A review; `submitted_at` is None while it is pending."""

    id: int
    number: int
    user: Account
    body: str
    state: str
    commit_id: str
    submitted_at: datetime | None


@dataclass(slots=True, kw_only=True)
class CheckRun:
    """A check run of our App."""

    id: int
    head_sha: str
    name: str
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    details_url: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    output: Json = field(default_factory=dict)
    annotations: list[Json] = field(default_factory=list)
    actions: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """An emoji under a comment; `subject` is ("issue" or "review", comment id)."""

    id: int
    subject: tuple[str, int]
    user: Account
    content: str
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Pull:
    """A pull request: two commits of its repository's clone."""

    id: int
    number: int
    title: str
    body: str | None
    user: Account | None
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_owner: Account | None
    is_fork: bool
    is_draft: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None

    @property
    def state(self) -> str:
        """Return open or closed."""
        return "open" if self.closed_at is None else "closed"


@dataclass(slots=True, kw_only=True)
class Repository:
    """A repository and all that people and Apps left on it."""

    id: int
    owner: Account
    name: str
    git: GitRepository
    default_branch: str
    is_private: bool
    created_at: datetime
    last_number: int = 0
    pulls: dict[int, Pull] = field(default_factory=dict)
    reviews: dict[int, Review] = field(default_factory=dict)
    review_comments: dict[int, ReviewComment] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    reactions: list[Reaction] = field(default_factory=list)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    check_suites: dict[str, int] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Return owner/name."""
        return f"{self.owner.login}/{self.name}"

    def resolve(self, ref: str) -> str | None:
        """Resolve a branch, pull request ref or commit id as GitHub does: pull requests' branches come first."""
        short = ref.removeprefix("refs/").removeprefix("heads/")
        return self.refs.get(short) or self.git.commit_id(ref)


@dataclass(slots=True, kw_only=True)
class Limits:
    """What GitHub limits, smaller where a test wants to reach the end."""

    requests_per_hour: int = 5_000  # and 50 more for each repository above 20, up to 12,500
    concurrent: int | None = 100
    points_per_minute: int | None = 900
    content_per_minute: int | None = 80
    content_per_hour: int | None = 500
    # How a secondary limit is told: one of `gate.STYLES`, all of which GitHub uses.
    secondary_style: str = "403 retry-after"
    files: int = 3_000
    diff_files: int = 300
    diff_lines: int = 20_000
    diff_bytes: int = 1_000_000
    # None: off. A number: from about this many patch lines on, later rows of one answer lose patch and counts.
    files_answer_lines: int | None = None

    @property
    def ceilings(self) -> Ceilings:
        """Return the secondary limits."""
        return Ceilings(
            concurrent=self.concurrent,
            points_per_minute=self.points_per_minute,
            content_per_minute=self.content_per_minute,
            content_per_hour=self.content_per_hour,
        )


@dataclass(slots=True, kw_only=True)
class World:
    """The App, the accounts, the repositories, and what was sent and posted."""

    clock: Clock
    app_id: int
    slug: str
    public_key_pem: bytes
    webhook_secret: str
    bot: Account
    owner: Account
    permissions: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_PERMISSIONS))
    limits: Limits = field(default_factory=Limits)
    webhook_url: str | None = None
    base_url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    accounts: dict[str, Account] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    former_names: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    deliveries: list[Json] = field(default_factory=list)
    requests: list[Json] = field(default_factory=list)
    usage: dict[tuple[int, int], int] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=lambda: defaultdict(Meter))
    limit_violations: list[Json] = field(default_factory=list)
    webhook_problems: Callable[[str, Json], list[str]] | None = None
    violations: list[str] = field(default_factory=list)
    faults: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    resolved_threads: set[int] = field(default_factory=set)  # by their first comment's id
    last_id: int = 1_000_000

    def now(self) -> datetime:
        """Return GitHub's time: whole seconds, UTC."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def next_id(self) -> int:
        """Return an id that nothing has; ids are unique over all kinds, so that mixing two up shows."""
        with self.lock:
            self.last_id += 1
            return self.last_id

    def account(self, login: str, kind: str = "User") -> Account:
        """Return the account of that login, new if need be."""
        if login.lower() not in self.accounts:
            self.accounts[login.lower()] = Account(id=self.next_id(), login=login, type=kind)
        return self.accounts[login.lower()]

    def repository(self, full_name: str) -> Repository | None:
        """Return the repository that bears this name now; letter case does not matter."""
        wanted = full_name.lower()
        return next((found for found in self.repositories.values() if found.full_name.lower() == wanted), None)

    def installation_of(self, repository: Repository) -> Installation | None:
        """Return the installation that holds a repository."""
        return next(
            (
                found
                for found in self.installations.values()
                if repository.id in found.repository_ids and not found.is_deleted
            ),
            None,
        )
