"""What was deployed when, by the versions that aliases led to, and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from codereview.errors import ConflictError, NotFoundError

_MOST_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One deploy that went well: the version of each function, and the commit that it was built from.

    `commit` as git names it, `-dirty` behind it where the checkout differed; None where nobody said.
    """

    number: int
    at: datetime
    by: str
    versions: Mapping[str, str]
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployLog:
    """The latest deploys, the oldest first; `version` counts the changes."""

    entries: tuple[Deployed, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One alias, from a version to another."""

    function: str
    before: str
    after: str


def noted(
    log: DeployLog, versions: Mapping[str, str], *, at: datetime, by: str, commit: str | None = None
) -> DeployLog:
    """Add a deploy; one that changed nothing is none."""
    if log.entries and log.entries[-1].versions == versions:
        return log
    number = log.entries[-1].number + 1 if log.entries else 1
    entry = Deployed(number=number, at=at, by=by, versions=dict(versions), commit=commit)
    return replace(log, entries=(*log.entries, entry)[-_MOST_KEPT:])


def live_entry(log: DeployLog, versions: Mapping[str, str]) -> Deployed | None:
    """Return the deploy that runs: the newest of which no function runs an older version.

    A function that was resized by hand runs a newer one, of the same deploy.
    """
    for entry in reversed(log.entries):
        if all(int(versions[name]) >= int(version) for name, version in entry.versions.items() if name in versions):
            return entry
    return None


def way_back(
    log: DeployLog, versions: Mapping[str, str], *, to: int | None, left_alone: str
) -> tuple[Deployed, tuple[Move, ...]]:
    """Return the deploy to go to, and what has to be moved; `to` None: the one before what runs.

    `left_alone` is the function of the migrations: the database does not go back.
    """
    entry = _before(log, versions) if to is None else _numbered(log, to)
    moves = tuple(
        Move(function=name, before=versions[name], after=version)
        for name, version in sorted(entry.versions.items())
        if name in versions and versions[name] != version and name != left_alone
    )
    return entry, moves


def _before(log: DeployLog, versions: Mapping[str, str]) -> Deployed:
    live = live_entry(log, versions)
    earlier = [entry for entry in log.entries if live is not None and entry.number < live.number]
    if not earlier:
        raise ConflictError("there is no earlier release to go back to; codereview releases list shows those there are")
    return earlier[-1]


def _numbered(log: DeployLog, number: int) -> Deployed:
    for entry in log.entries:
        if entry.number == number:
            return entry
    raise NotFoundError(f"there is no release {number}; codereview releases list shows those there are")
