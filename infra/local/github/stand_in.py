"""The stand-in in one object: a running server, and what people do on GitHub as methods."""

from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from local.github import checks, comments, contents, control, pulls, reviews, webhooks
from local.github.apps import authorize
from local.github.git import Repository as Git
from local.github.http import Api, Observe, serve
from local.github.world import Comment, Delivery, Fault, Installation, Pull, Repo, World

# Importing a module of operations registers them.
_OPERATIONS = (checks, comments, contents, control, pulls, reviews)


@dataclass(slots=True)
class StandIn:
    """A GitHub on this machine; use it as a context, or call `start` and `stop`."""

    world: World = field(default_factory=World)
    port: int = 0
    observe: Observe | None = None
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        api = Api(world=self.world, authorize=authorize, observe=self.observe)
        self._server, _ = serve(api, self.port)
        self.world.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """The API's root."""
        return self.world.url

    def add_repository(self, folder: Path, *, owner: str = "acme", name: str = "sample") -> Repo:
        """Make a clone a repository of an account that has the App installed; the same name is the same repository."""
        with self.world.lock:
            for repo in self.world.repositories.values():
                if repo.full_name == f"{owner}/{name}":
                    repo.git = Git(folder)
                    return repo
            account = self.world.account(owner, kind="Organization")
            repo = Repo(id=self.world.new_id(), owner=account, name=name, git=Git(folder))
            self.world.repositories[repo.id] = repo
            self._installation(repo).repository_ids.add(repo.id)
            return repo

    def _installation(self, repo: Repo) -> Installation:
        for installation in self.world.installations.values():
            if installation.account is repo.owner:
                return installation
        installation = Installation(id=self.world.new_id(), account=repo.owner)
        self.world.installations[installation.id] = installation
        return installation

    def open_pull(
        self,
        repo: Repo,
        *,
        base: str,
        head: str,
        title: str = "A change",
        body: str | None = None,
        author: str = "octocat",
        is_draft: bool = False,
    ) -> Pull:
        """Open a pull request between two refs of the clone and say so to the App; raises ValueError for a bad ref."""
        with self.world.lock:
            base_sha, head_sha = self._sha(repo, base), self._sha(repo, head)
            pull = Pull(
                number=len(repo.pulls) + 1,
                id=self.world.new_id(),
                author=self.world.account(author),
                base_ref=base,
                base_sha=base_sha,
                head_ref=head,
                head_sha=head_sha,
                title=title,
                body=body,
                created_at=self.world.now(),
                is_draft=is_draft,
                heads=[head_sha],
            )
            repo.pulls[pull.number] = pull
        self.send_pull(repo, pull, "opened")
        return pull

    def push(self, repo: Repo, pull: Pull, head: str, *, is_told: bool = True) -> None:
        """Move the pull request's head; `is_told` False: the webhook is lost on the way."""
        with self.world.lock:
            pull.head_ref, pull.head_sha = head, self._sha(repo, head)
            pull.heads.append(pull.head_sha)
        if is_told:
            self.send_pull(repo, pull, "synchronize")

    def set_state(self, repo: Repo, pull: Pull, action: str) -> None:
        """Close, reopen, convert to draft or mark as ready: GitHub's action names."""
        with self.world.lock:
            match action:
                case "closed" | "reopened":
                    pull.state = "closed" if action == "closed" else "open"
                case "converted_to_draft" | "ready_for_review":
                    pull.is_draft = action == "converted_to_draft"
                case _:
                    raise ValueError(f"{action} is no action of a pull request")
        self.send_pull(repo, pull, action)

    def comment(self, repo: Repo, pull: Pull, body: str, *, author: str = "octocat") -> Comment:
        """Say something in the conversation, as a person."""
        with self.world.lock:
            account, now = self.world.account(author), self.world.now()
            comment = Comment(id=self.world.new_id(), author=account, body=body, created_at=now)
            pull.comments.append(comment)
        webhooks.deliver(self.world, "issue_comment", webhooks.comment_event(self.world, repo, pull, comment))
        return comment

    def send_pull(self, repo: Repo, pull: Pull, action: str) -> Delivery | None:
        """Deliver a `pull_request` event, also again."""
        payload = webhooks.pull_request_event(self.world, repo, pull, action)
        return webhooks.deliver(self.world, "pull_request", payload)

    def script(self, operation: str, *faults: Fault) -> None:
        """Let the next calls of an operation, for example "GET /app", go wrong, one fault each."""
        with self.world.lock:
            self.world.faults.setdefault(operation, []).extend(faults)

    def _sha(self, repo: Repo, ref: str) -> str:
        commit = repo.git.commit(ref)
        if commit is None:
            raise ValueError(f"{repo.git.folder}: there is no commit {ref!r}")
        return commit
