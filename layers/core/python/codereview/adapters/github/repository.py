"""One repository through the REST API: pull requests, their files, reviews and check runs."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from codereview.adapters.github.blobs import files_in_bulk
from codereview.adapters.github.client import GitHubClient, read_as, read_list_of
from codereview.adapters.github.files import listed_files, looked_at
from codereview.adapters.github.payloads import (
    Account,
    CheckRunPayload,
    CheckRunsPayload,
    CommentPayload,
    PermissionPayload,
    PullRequestPayload,
    ReviewPayload,
)
from codereview.domain.change import FileChange
from codereview.domain.github_documents import check_document, review_document
from codereview.domain.publication import CheckOutput, Publication
from codereview.errors import NotFoundError, TooLargeError
from codereview.github_ports import (
    CheckRun,
    PostedComment,
    PostedReview,
    PullRequest,
    Quota,
    RepositoryIdentity,
    WriteSlot,
)

_RAW = "application/vnd.github.raw+json"
_PAGE = {"per_page": "100"}
_WRITERS = {"admin", "write"}


class GitHubRepository:
    """github_ports.Repository over HTTP."""

    def __init__(self, client: GitHubClient, identity: RepositoryIdentity, *, our_login: str) -> None:
        """Work on `identity`; `our_login` tells our own reviews from copies of their text."""
        self._client = client
        self._identity = identity
        self._our_login = our_login
        self._root = f"repos/{quote(identity.owner, safe='')}/{quote(identity.name, safe='')}"

    @property
    def identity(self) -> RepositoryIdentity:
        """What GitHub says the repository is."""
        return self._identity

    def pull_request(self, number: int) -> PullRequest:
        """Read the pull request as it is now."""
        payload = read_as(PullRequestPayload, self._client.get(f"{self._root}/pulls/{number}"))
        return PullRequest(
            number=payload.number,
            head_sha=payload.head.sha,
            base_sha=payload.base.sha,
            base_ref=payload.base.ref,
            is_open=payload.state == "open",
            is_draft=payload.draft,
            title=payload.title or "",
            description=payload.body or "",
            changed_files=payload.changed_files,
            author_id=payload.user.id if payload.user else None,
            is_author_bot=payload.user is not None and payload.user.type == "Bot",
        )

    def quota(self) -> Quota | None:
        """Say what the latest answer said."""
        return self._client.quota

    def has_write_access(self, account_id: int) -> bool:
        """Look the account up by its number, since logins change hands, then ask for its permission."""
        try:
            login = read_as(Account, self._client.get(f"user/{account_id}")).login
            answer = self._client.get(f"{self._root}/collaborators/{quote(login, safe='')}/permission")
        except NotFoundError:
            return False
        return read_as(PermissionPayload, answer).permission in _WRITERS

    def changed_files(self, pull_request: PullRequest) -> tuple[FileChange, ...]:
        """List the change, all pages."""
        return looked_at(
            listed_files(self._client, f"{self._root}/pulls/{pull_request.number}/files"),
            before=lambda path: self.content(path, pull_request.base_sha),
            after=lambda path: self.content(path, pull_request.head_sha),
        )

    def content(self, path: str, ref: str) -> bytes | None:
        """Read a file at a commit; None where there is none, a folder or submodule, or more than the client reads."""
        try:
            response = self._client.get(
                f"{self._root}/contents/{quote(path, safe='/')}", params={"ref": ref}, accept=_RAW
            )
        except (NotFoundError, TooLargeError):
            return None
        # A folder comes as a JSON list whatever was asked for; a file comes as the media type that was asked for.
        is_file = "raw" in response.headers.get("content-type", "")
        return response.content if is_file else None

    def contents(self, paths: Sequence[str], ref: str) -> Mapping[str, bytes | None]:
        """Read many files of a commit: in bulk what comes exact that way, the others one by one."""
        read = files_in_bulk(self._client, self._identity.owner, self._identity.name, paths, ref)
        return {path: read[path] if path in read else self.content(path, ref) for path in paths}

    def reviews(self, number: int) -> Iterator[PostedReview]:
        """List all reviews, every page."""
        for page in self._client.pages(f"{self._root}/pulls/{number}/reviews", params=_PAGE):
            for payload in read_list_of(ReviewPayload, page):
                yield self._posted(payload)

    def review_comments(self, number: int, review_id: int) -> Iterator[PostedComment]:
        """List the inline comments of one review, every page."""
        for page in self._client.pages(f"{self._root}/pulls/{number}/reviews/{review_id}/comments", params=_PAGE):
            for payload in read_list_of(CommentPayload, page):
                yield PostedComment(
                    id=payload.id,
                    body=payload.body or "",
                    path=payload.path,
                    thumbs_up=payload.reactions.thumbs_up if payload.reactions else 0,
                    thumbs_down=payload.reactions.thumbs_down if payload.reactions else 0,
                )

    def write_slot(self) -> WriteSlot:
        """Wait for the installation's next write."""
        return self._client.slot()

    def create_review(self, number: int, publication: Publication, slot: WriteSlot) -> PostedReview:
        """Post the review with its event, so that it is never left pending."""
        document = review_document(publication)
        answer = self._client.write("POST", f"{self._root}/pulls/{number}/reviews", document, slot=slot)
        return self._posted(read_as(ReviewPayload, answer))

    def edit_review(self, number: int, review_id: int, body: str) -> None:
        """Replace the body of a review."""
        self._client.write("PUT", f"{self._root}/pulls/{number}/reviews/{review_id}", {"body": body})

    def delete_pending_review(self, number: int, review_id: int) -> None:
        """Remove a review that was never submitted."""
        self._client.write("DELETE", f"{self._root}/pulls/{number}/reviews/{review_id}")

    def check_runs(self, head_sha: str, name: str) -> Iterator[CheckRun]:
        """List the App's check runs of that name on the commit, superseded ones too."""
        params = {"check_name": name, "filter": "all", **_PAGE}
        for page in self._client.pages(f"{self._root}/commits/{head_sha}/check-runs", params=params):
            for payload in read_as(CheckRunsPayload, page).check_runs:
                yield _check_run(payload)

    def start_check_run(self, head_sha: str, name: str, *, external_id: str) -> CheckRun:
        """Create a check run in progress."""
        document = {"name": name, "head_sha": head_sha, "status": "in_progress", "external_id": external_id}
        return _check_run(read_as(CheckRunPayload, self._client.write("POST", f"{self._root}/check-runs", document)))

    def update_check_run(self, check_run_id: int, *, title: str, summary: str) -> None:
        """Write into a check run without ending it."""
        document = {"status": "in_progress", "output": {"title": title, "summary": summary}}
        self._client.write("PATCH", f"{self._root}/check-runs/{check_run_id}", document)

    def finish_check_run(self, check_run_id: int, output: CheckOutput) -> None:
        """Complete a check run; doing it twice changes nothing."""
        self._client.write("PATCH", f"{self._root}/check-runs/{check_run_id}", check_document(output))

    def _posted(self, payload: ReviewPayload) -> PostedReview:
        return PostedReview(
            id=payload.id,
            body=payload.body or "",
            commit_id=payload.commit_id,
            is_ours=payload.user is not None and payload.user.login == self._our_login,
            is_pending=payload.state == "PENDING",
        )


def _check_run(payload: CheckRunPayload) -> CheckRun:
    return CheckRun(id=payload.id, external_id=payload.external_id or "", status=payload.status)
