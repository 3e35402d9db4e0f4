"""GitHub in memory: one pull request, its reviews and check runs, and whatever it refuses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from codereview.domain.change import FileChange, FileStatus
from codereview.domain.diff import parse_patch
from codereview.domain.publication import CheckOutput, Publication
from codereview.errors import NotFoundError, RejectedError
from codereview.github_ports import (
    CheckRun,
    PostedComment,
    PostedReview,
    PullRequest,
    Quota,
    RepositoryIdentity,
    WriteSlot,
)

if TYPE_CHECKING:
    from tests.scenarios.world import World

LATEST_READ = timedelta(seconds=2)  # of the head, before a post


@dataclass
class GitHub:
    world: "World"

    def repository(self, installation_id: int, repository_id: int) -> "Repository":
        return self.world.call("github.repository", lambda: self._open(repository_id))

    def _open(self, repository_id: int) -> "Repository":
        return Repository(
            self.world, RepositoryIdentity(id=repository_id, owner_id=self.world.account, owner="o", name="r")
        )


@dataclass
class Repository:
    world: "World"
    identity: RepositoryIdentity

    def pull_request(self, number: int) -> PullRequest:
        return self.world.call("github.pull_request", lambda: self._pull_request(number))

    def _pull_request(self, number: int) -> PullRequest:
        self.world.read_at = (self.world.now, self.world.head)
        if not self.world.is_found:
            raise NotFoundError("no such pull request")
        return PullRequest(
            number=number,
            head_sha=self.world.head,
            base_sha="0" * 40,
            base_ref="main",
            is_open=self.world.is_open,
            is_draft=self.world.is_draft,
            title="T",
            description="",
            changed_files=1,
            author_id=7,
            is_author_bot=False,
        )

    def has_write_access(self, account_id: int) -> bool:
        return self.world.call("github.has_write_access", lambda: account_id in self.world.writers)

    def changed_files(self, pull_request: PullRequest) -> tuple[FileChange, ...]:
        hunks = parse_patch(self.world.patch)
        file = FileChange(path=self.world.path, status=FileStatus.MODIFIED, hunks=hunks)
        return self.world.call("github.changed_files", lambda: (file,))

    def content(self, path: str, ref: str) -> bytes | None:
        return self.world.call("github.content", lambda: None)

    def contents(self, paths: Sequence[str], ref: str) -> Mapping[str, bytes | None]:
        return self.world.call("github.contents", lambda: dict.fromkeys(paths))

    def reviews(self, number: int) -> Iterator[PostedReview]:
        yield from self.world.call("github.reviews", self._listed)

    def _listed(self) -> list[PostedReview]:
        world = self.world
        return [review for review, _ in world.reviews if world.listed_from.get(review.id, world.now) <= world.now]

    def review_comments(self, number: int, review_id: int) -> Iterator[PostedComment]:
        yield from self.world.call("github.review_comments", lambda: self._comments(review_id))

    def _comments(self, review_id: int) -> list[PostedComment]:
        return [
            PostedComment(id=number, body=comment.body, path=comment.path, thumbs_up=up, thumbs_down=down)
            for review, posted in self.world.reviews
            if review.id == review_id
            for index, comment in enumerate(posted.comments)
            for number in [review.id * 100 + index]
            for up, down in [self.world.thumbs.get(number, (0, 0))]
        ]

    def quota(self) -> Quota | None:
        return self.world.quota()

    def write_slot(self) -> WriteSlot:
        return self.world.call("pacing.slot", WriteSlot)

    def create_review(self, number: int, publication: Publication, slot: WriteSlot) -> PostedReview:
        return self.world.call("github.create_review", lambda: self._create(publication), is_write=True)

    def _create(self, publication: Publication) -> PostedReview:
        read_at, head = self.world.read_at
        if self.world.now - read_at > LATEST_READ or publication.commit_id != head:
            self.world.hasty_posts.append(publication.commit_id)
        is_refused = any(map(self.world.refuses, publication.comments))
        if is_refused and self.world.keeps_refused:
            publication = replace(publication, comments=())
        review = PostedReview(
            id=self.world.next_id(),
            body=publication.body,
            commit_id=publication.commit_id,
            is_ours=True,
            is_pending=False,
        )
        if is_refused:
            self.world.refusals += 1
        if not is_refused or self.world.keeps_refused:
            self.world.reviews.append((review, publication))
            self.world.listed_from[review.id] = self.world.now + self.world.lag
        if is_refused:
            raise RejectedError("GitHub answered 422")
        return review

    def edit_review(self, number: int, review_id: int, body: str) -> None:
        def edit() -> None:
            self.world.reviews = [
                (replace(review, body=body), replace(publication, body=body)) if review.id == review_id else entry
                for entry in self.world.reviews
                for review, publication in [entry]
            ]

        self.world.call("github.edit_review", edit, is_write=True)

    def delete_pending_review(self, number: int, review_id: int) -> None:
        def delete() -> None:
            self.world.reviews = [entry for entry in self.world.reviews if entry[0].id != review_id]

        self.world.call("github.delete_pending_review", delete, is_write=True)

    def check_runs(self, head_sha: str, name: str) -> Iterator[CheckRun]:
        yield from self.world.call(
            "github.check_runs", lambda: [run for run, head, _ in self.world.checks.values() if head == head_sha]
        )

    def start_check_run(self, head_sha: str, name: str, *, external_id: str) -> CheckRun:
        return self.world.call("github.start_check_run", lambda: self._start(head_sha, external_id), is_write=True)

    def _start(self, head_sha: str, external_id: str) -> CheckRun:
        run = CheckRun(id=self.world.next_id(), external_id=external_id, status="in_progress")
        self.world.checks[run.id] = (run, head_sha, None)
        return run

    def update_check_run(self, check_run_id: int, *, title: str, summary: str) -> None:
        def update() -> None:
            run, head, output = self.world.checks[check_run_id]
            self.world.checks[check_run_id] = (replace(run, status="in_progress"), head, output)
            self.world.waiting_notes.append((title, summary))

        self.world.call("github.update_check_run", update, is_write=True)

    def finish_check_run(self, check_run_id: int, output: CheckOutput) -> None:
        self.world.call("github.finish_check_run", lambda: self._finish(check_run_id, output), is_write=True)

    def _finish(self, check_run_id: int, output: CheckOutput) -> None:
        run, head, _ = self.world.checks[check_run_id]
        self.world.checks[check_run_id] = (replace(run, status="completed"), head, output)
