"""Notes what was deployed, and leads all aliases back to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from codereview.control_ports import AuditOutbox
from codereview.domain.control.audit import AuditEntry, AuditOutcome, Request, audited
from codereview.domain.deployments import Deployed, DeployLog, Move, live_entry, noted, way_back
from codereview.errors import CodeReviewError, PermanentError


class Aliases(Protocol):
    """What callers reach the functions by."""

    def versions(self) -> Mapping[str, str]:
        """Return the version that each function's alias leads to."""
        ...

    def move(self, move: Move) -> None:
        """Lead an alias elsewhere, all of its calls."""
        ...


class DeployLogs(Protocol):
    """Where it is noted."""

    def load(self) -> DeployLog:
        """Read it, strongly consistent."""
        ...

    def save(self, log: DeployLog, *, audit: AuditEntry) -> None:
        """Write it over what was read, together with the entry."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OperateReleases:
    """An operator's hands on what runs."""

    aliases: Aliases
    logs: DeployLogs
    outbox: AuditOutbox
    migrations: str  # the function that the way back leaves alone

    def list(self) -> tuple[tuple[Deployed, ...], Deployed | None]:
        """Return the releases, the oldest first, and the one that runs."""
        log = self.logs.load()
        return log.entries, live_entry(log, self.aliases.versions())

    def record(self, *, request: Request, commit: str | None = None) -> Deployed:
        """Note what runs as a release; what is noted already is not noted again."""
        before = self.logs.load()
        versions = self.aliases.versions()
        after = noted(before, versions, at=request.at, by=request.actor.id, commit=commit)
        entry = after.entries[-1]
        if after != before:
            target = f"release/{entry.number}"
            told = {**versions, **({"commit": commit} if commit else {})}
            audit = audited(request, tenant=None, action="releases.record", target=target, after=told)
            self.logs.save(after, audit=audit)
        return entry

    def plan(self, to: int | None) -> tuple[Deployed, tuple[Move, ...]]:
        """Say what going back would move."""
        return way_back(self.logs.load(), self.aliases.versions(), to=to, left_alone=self.migrations)

    def roll_back(self, entry: Deployed, moves: tuple[Move, ...], *, request: Request) -> None:
        """Move every alias; where one does not move, the error says how to go on."""
        self.outbox.put(self._entry(entry, moves, request, AuditOutcome.DONE))
        try:
            for move in moves:
                self.aliases.move(move)
        except CodeReviewError as error:
            self.outbox.put(self._entry(entry, moves, request, AuditOutcome.REFUSED))
            message = f"{error}; to go on: codereview releases rollback --to {entry.number}"
            raise PermanentError(message) from error

    def _entry(self, entry: Deployed, moves: tuple[Move, ...], request: Request, outcome: AuditOutcome) -> AuditEntry:
        return audited(
            request,
            tenant=None,
            action="releases.rollback",
            target=f"release/{entry.number}",
            before={move.function: move.before for move in moves},
            after={move.function: move.after for move in moves},
            outcome=outcome,
        )
