"""The parts of GitHub's answers that we read. Everything that GitHub may leave out or send as null is optional."""

from pydantic import BaseModel, Field


class Account(BaseModel):
    """A user, bot or organisation."""

    id: int
    login: str
    type: str = "User"


class Ref(BaseModel):
    """One end of a pull request; `repo` is null when the fork was deleted and is not read."""

    sha: str
    ref: str


class PullRequestPayload(BaseModel):
    """`GET /repos/{owner}/{repo}/pulls/{n}`."""

    number: int
    state: str
    draft: bool = False
    title: str | None = None
    body: str | None = None
    user: Account | None = None
    head: Ref
    base: Ref
    changed_files: int


class FilePayload(BaseModel):
    """A row of `GET …/pulls/{n}/files`; `patch` is missing for what GitHub does not show."""

    filename: str
    status: str
    previous_filename: str | None = None
    patch: str | None = None
    changes: int = 0


class ReviewPayload(BaseModel):
    """A review; `user` is null when the account was deleted."""

    id: int
    body: str | None = None
    state: str
    user: Account | None = None
    commit_id: str | None = None


class ReactionsPayload(BaseModel):
    """How often each emoji stands under a comment."""

    thumbs_up: int = Field(default=0, alias="+1")
    thumbs_down: int = Field(default=0, alias="-1")


class CommentPayload(BaseModel):
    """An inline comment."""

    id: int
    body: str | None = None
    path: str
    reactions: ReactionsPayload | None = None


class CheckRunPayload(BaseModel):
    """A check run."""

    id: int
    external_id: str | None = None
    status: str


class CheckRunsPayload(BaseModel):
    """`GET …/commits/{ref}/check-runs`."""

    check_runs: list[CheckRunPayload]


class AppPayload(BaseModel):
    """`GET /app`."""

    id: int
    slug: str


class PermissionPayload(BaseModel):
    """`GET …/collaborators/{username}/permission`; GitHub folds maintain into write and triage into read."""

    permission: str
