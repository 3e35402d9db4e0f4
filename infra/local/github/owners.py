"""What owners do on GitHub: show clones as repositories, install the App, rename. Each sends its webhook."""

from pathlib import Path

from local.github import webhooks
from local.github.git import GitRepository
from local.github.routing import Refusal
from local.github.state import Installation, Json, Repository, World


class Owners:
    """Owners of repositories, which are named by `owner/name` or by id."""

    def __init__(self, world: World) -> None:
        """Act in a world."""
        self.world = world

    def add_repository(
        self,
        path: str,
        owner: str,
        name: str,
        *,
        private: bool = True,
        owner_type: str = "Organization",
        installed: bool = True,
    ) -> Json:
        """Show a local clone as `owner/name`, and install the App on it; the same name is the same repository."""
        world, git = self.world, GitRepository(Path(path).resolve())
        git.run("rev-parse", "--git-dir")
        with world.lock:
            held = world.repository(f"{owner}/{name}")
            if held is not None:
                held.git = git
                installation = world.installation_of(held)
                return _named(held) | {"installation_id": installation.id if installation else None}
            repository = Repository(
                id=world.next_id(),
                owner=world.account(owner, owner_type),
                name=name,
                git=git,
                default_branch=git.head_branch(),
                is_private=private,
                created_at=world.now(),
            )
            world.repositories[repository.id] = repository
            found = next((one for one in self._live() if one.account is repository.owner), None)
        return _named(repository) | {"installation_id": self._install(repository, found) if installed else None}

    def _install(self, repository: Repository, found: Installation | None) -> int:
        world = self.world
        if found is not None:
            found.repository_ids.add(repository.id)
            payload = webhooks.repositories_event(world, found, "added", [repository])
            webhooks.deliver(world, "installation_repositories", payload)
            return found.id
        new = Installation(
            id=world.next_id(),
            account=repository.owner,
            permissions=dict(world.permissions),
            repository_ids={repository.id},
            created_at=world.now(),
        )
        world.installations[new.id] = new
        webhooks.deliver(world, "installation", webhooks.installation_event(world, new, "created", [repository]))
        return new.id

    def change_installation(self, installation_id: int, action: str) -> None:
        """Do one of suspend, unsuspend, deleted."""
        world = self.world
        with world.lock:
            found = world.installations[installation_id]
            repositories = [world.repositories[number] for number in sorted(found.repository_ids)]
            if action == "deleted":
                found.is_deleted = True
            elif action in ("suspend", "unsuspend"):
                found.suspended_at = world.now() if action == "suspend" else None
            else:
                raise Refusal(422, f"no such action: {action}")
            payload = webhooks.installation_event(world, found, action, repositories)
        webhooks.deliver(world, "installation", payload)

    def set_permissions(self, installation_id: int, permissions: dict[str, str]) -> None:
        """Grant an installation other permissions than the App's own."""
        self.world.installations[installation_id].permissions = {"metadata": "read", **permissions}

    def rename_repository(self, repository: str | int, name: str, owner: str | None = None) -> Json:
        """Give a repository another name, or another owner; the old name leads to the new one."""
        world = self.world
        with world.lock:
            found = self._repository(repository)
            world.former_names[found.full_name.lower()] = found.id
            old, old_owner, found.name = found.name, found.owner, name
            if owner is not None:
                found.owner = world.account(owner, "Organization")
            changes: Json = {"repository": {"name": {"from": old}}}
            action = "renamed" if found.owner is old_owner else "transferred"
            if action == "transferred":
                changes = {"owner": {"from": {"organization": webhooks.organization(world, old_owner)}}}
            payload = webhooks.repository_event(world, found, found.owner, action, {"changes": changes})
        return webhooks.deliver(world, "repository", payload)

    def grant(self, repository: str | int, login: str, role: str) -> None:
        """Make somebody a collaborator: read, triage, write, maintain or admin."""
        with self.world.lock:
            account = self.world.account(login)
            self._repository(repository).collaborators[account.login.lower()] = role

    def _live(self) -> list[Installation]:
        return [found for found in self.world.installations.values() if not found.is_deleted]

    def _repository(self, name: str | int) -> Repository:
        known = self.world.repositories
        found = known.get(name) if isinstance(name, int) else self.world.repository(name)
        if found is None:
            raise Refusal(404, f"no such repository: {name}")
        return found


def _named(repository: Repository) -> Json:
    return {"id": repository.id, "owner_id": repository.owner.id, "full_name": repository.full_name}
