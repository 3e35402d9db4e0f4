"""What people do on GitHub: open pull requests, push, comment, press buttons. Each sends its webhook."""

import subprocess

from local.github import checks, comments, conversation, overview, pull_shapes, webhooks
from local.github.owners import Owners
from local.github.reviews import add_review
from local.github.routing import Refusal
from local.github.state import Json, Pull, Repository


class People(Owners):
    """Everybody but the App. Refs are whatever git resolves in the clone."""

    def open_pull_request(
        self,
        repository: str | int,
        base: str,
        head: str,
        *,
        title: str | None = None,
        body: str | None = None,
        author: str = "contributor",
        draft: bool = False,
        fork_owner: str | None = None,
    ) -> Json:
        """Propose `head` for `base`; the title is the last commit's subject unless one is given."""
        world = self.world
        with world.lock:
            found = self._repository(repository)
            base_sha, head_sha = _commit(found, base), _commit(found, head)
            found.last_number += 1
            pull = Pull(
                id=world.next_id(),
                number=found.last_number,
                title=title or found.git.commit(head_sha).message.partition("\n")[0] or "Untitled",
                body=body,
                user=world.bot if author == world.bot.login else world.account(author),
                base_ref=_branch(found, base, found.default_branch),
                base_sha=base_sha,
                head_ref=_branch(found, head, f"change-{found.last_number}"),
                head_sha=head_sha,
                head_owner=world.account(fork_owner) if fork_owner else found.owner,
                is_fork=fork_owner is not None,
                is_draft=draft,
                created_at=world.now(),
                updated_at=world.now(),
            )
            found.pulls[pull.number] = pull
            _point_refs(found, pull)
        delivery = self._pull_event(found, pull, "opened")
        return self._summary(found, pull) | {"delivery": delivery}

    def push(self, repository: str | int, number: int, head: str) -> Json:
        """Move the head of a pull request, forward or by force."""
        with self.world.lock:
            found, pull = self._pull(repository, number)
            before, pull.head_sha = pull.head_sha, _commit(found, head)
            _point_refs(found, pull)
        details = {"before": before, "after": pull.head_sha}
        return self._summary(found, pull) | {"delivery": self._pull_event(found, pull, "synchronize", details)}

    def change_pull_request(
        self, repository: str | int, number: int, action: str, *, title: str | None = None, body: str | None = None
    ) -> Json:
        """Do one of closed, merged, reopened, converted_to_draft, ready_for_review, edited."""
        now = self.world.now()
        with self.world.lock:
            found, pull = self._pull(repository, number)
            changes: Json = {}
            if action in ("closed", "merged"):
                pull.closed_at, pull.merged_at = now, now if action == "merged" else None
            elif action == "reopened":
                pull.closed_at = None
            elif action in ("converted_to_draft", "ready_for_review"):
                pull.is_draft = action == "converted_to_draft"
            elif action == "edited":
                changes = {"changes": _edit(pull, title, body)}
            else:
                raise Refusal(422, f"no such action: {action}")
        event = "closed" if action == "merged" else action
        return self._summary(found, pull) | {"delivery": self._pull_event(found, pull, event, changes)}

    def forget_fork(self, repository: str | int, number: int) -> None:
        """Delete the fork that a pull request comes from; sends nothing."""
        self._pull(repository, number)[1].head_owner = None

    def comment(self, repository: str | int, number: int, body: str, *, author: str = "maintainer") -> Json:
        """Say something in the conversation of a pull request."""
        world = self.world
        with world.lock:
            found, pull = self._pull(repository, number)
            sender = world.account(author)
            comment = comments.add_comment(world, found, pull, sender, body)
            details = {
                "issue": pull_shapes.issue(world, found, pull),
                "comment": conversation.comment(world, found, comment),
            }
            payload = webhooks.repository_event(world, found, sender, "created", details)
        return {"id": comment.id, "delivery": webhooks.deliver(world, "issue_comment", payload)}

    def review(self, repository: str | int, number: int, review: Json, *, author: str = "maintainer") -> Json:
        """Review as somebody, with the body of GitHub's own request; sends nothing."""
        with self.world.lock:
            found, pull = self._pull(repository, number)
            stored = add_review(self.world, found, pull, self.world.account(author), review)
            return conversation.review(self.world, found, stored)

    def rerequest_check_run(self, repository: str | int, check_run_id: int, *, sender: str = "maintainer") -> Json:
        """Press "Re-run" on a check; GitHub offers it for completed ones only."""
        world = self.world
        with world.lock:
            found = self._repository(repository)
            run = found.check_runs[check_run_id]
            if run.status != "completed":
                raise Refusal(404, "Not Found")
            details = {"check_run": checks.check_run_of_event(world, found, run)}
            payload = webhooks.repository_event(world, found, world.account(sender), "rerequested", details)
        return webhooks.deliver(world, "check_run", payload)

    def posted(self, repository: str | int) -> Json:
        """Return all reviews with their comments, the conversation, the reactions and the check runs."""
        world = self.world
        with world.lock:
            found = self._repository(repository)
            inline = [conversation.review_comment(world, found, one) for one in found.review_comments.values()]
            reviews = [
                conversation.review(world, found, review)
                | {"comments": [one for one in inline if one["pull_request_review_id"] == review.id]}
                for review in found.reviews.values()
            ]
            return {
                "reviews": reviews,
                "comments": [conversation.comment(world, found, one) for one in found.comments.values()],
                "reactions": [conversation.reaction(world, one) for one in found.reactions],
                "check_runs": [
                    checks.check_run(world, found, run) | {"annotations": run.annotations}
                    for run in found.check_runs.values()
                ],
            }

    def overview(self, repository: str | int, number: int) -> Json:
        """Return the parts of a pull request that are shown to people, flat."""
        with self.world.lock:
            return overview.overview(self.world, *self._pull(repository, number))

    def deliver(self, event: str, payload: Json) -> Json:
        """Send any payload, signed."""
        return webhooks.deliver(self.world, event, payload)

    def redeliver(self, guid: str) -> Json:
        """Send a delivery again under its old GUID."""
        return webhooks.redeliver(self.world, guid)

    def _pull(self, name: str | int, number: int) -> tuple[Repository, Pull]:
        found = self._repository(name)
        if number not in found.pulls:
            raise Refusal(404, f"no such pull request: {name}#{number}")
        return found, found.pulls[number]

    def _pull_event(self, repository: Repository, pull: Pull, action: str, details: Json | None = None) -> Json:
        world = self.world
        with world.lock:
            pull.updated_at = world.now()
            document = pull_shapes.pull_full(world, repository, pull)
            payload = webhooks.repository_event(
                world,
                repository,
                pull.user or repository.owner,
                action,
                {"number": pull.number, "pull_request": document, **(details or {})},
            )
        return webhooks.deliver(world, "pull_request", payload)

    def _summary(self, repository: Repository, pull: Pull) -> Json:
        names = ("number", "base_sha", "head_sha", "base_ref", "head_ref", "title", "state")
        return {"repository": repository.full_name, **{name: getattr(pull, name) for name in names}}


def _point_refs(repository: Repository, pull: Pull) -> None:
    """Let the pull request's names lead to its commits, whatever the clone's own branches do later."""
    repository.refs |= {
        f"pull/{pull.number}/head": pull.head_sha,
        pull.head_ref: pull.head_sha,
        pull.base_ref: pull.base_sha,
    }


def _commit(repository: Repository, ref: str) -> str:
    sha = repository.git.commit_id(ref)
    if sha is None:
        raise Refusal(422, f"no such commit in {repository.git.folder}: {ref}")
    return sha


def _branch(repository: Repository, ref: str, otherwise: str) -> str:
    """Return the branch that a ref names; a commit's id or a tag names none."""
    name = ref.removeprefix("refs/heads/").removeprefix("refs/remotes/").removeprefix("origin/")
    try:
        repository.git.run("show-ref", "--verify", "--quiet", f"refs/heads/{name}")
    except subprocess.CalledProcessError:
        return otherwise
    return name


def _edit(pull: Pull, title: str | None, body: str | None) -> Json:
    """Change title and description; return what they were."""
    changes: Json = {}
    if title is not None:
        changes["title"], pull.title = {"from": pull.title}, title
    if body is not None:
        changes["body"], pull.body = {"from": pull.body or ""}, body
    return changes
