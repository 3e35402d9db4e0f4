"""A local clone as GitHub shows it: files of a change, their patches, and which lines can carry a comment."""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_HUNK = re.compile(rb"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_FILE = re.compile(rb"^(?=diff --git )", re.MULTILINE)
_FIRST_HUNK = re.compile(rb"^@@ ", re.MULTILINE)
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
_RENAMES = ("-M50%", "-l3000")
# What a developer has configured for their own diffs must not show in GitHub's.
_DIFF = (
    *("--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--unified=3", "--diff-algorithm=myers"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=none"),
    *_RENAMES,
)
_EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

# Of one file: https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits#diff-limits
PATCH_LINES, PATCH_BYTES = 20_000, 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Where a line stands in its file's patch: indexes of the row and of its hunk's header."""

    hunk: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file between two commits; `patch` is None for what is binary, empty or too large."""

    path: str
    old_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A path of a commit: `kind` is blob, tree or commit (a submodule)."""

    mode: str
    kind: str
    sha: str
    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a commit says about itself; times are ISO 8601."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A clone, bare or not; everything is read by git itself."""

    folder: Path

    def run(self, *arguments: str) -> bytes:
        """Run git; raises CalledProcessError where it refuses."""
        settings = ("-c", "core.quotePath=false", "-c", "safe.directory=*", "-c", "diff.suppressBlankEmpty=false")
        command = ["git", *settings, "-C", str(self.folder), "--no-pager", "--literal-pathspecs", *arguments]
        return subprocess.run(command, check=True, capture_output=True, env=_environment()).stdout

    def commit_id(self, ref: str) -> str | None:
        """Resolve to a full commit id."""
        try:
            found = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except subprocess.CalledProcessError:
            return None
        return found.decode().strip()

    def head_branch(self) -> str:
        """Return the branch that is checked out; `main` for a detached head."""
        try:
            return self.run("symbolic-ref", "--short", "HEAD").decode().strip()
        except subprocess.CalledProcessError:
            return "main"

    def merge_base(self, base: str, head: str) -> str | None:
        """Return where head left base, both by their full ids; None for unrelated histories."""
        return _merge_base(self, base, head)

    def commits(self, base: str, head: str) -> list[str]:
        """List what head has and base has not, oldest first; both by their full ids."""
        return list(_commits(self, base, head))

    def commit(self, sha: str) -> Commit:
        """Read a commit by its full id."""
        return _commit(self, sha)

    def entry(self, commit: str, path: str) -> Entry | None:
        """Return what stands at a path of a commit; the root for an empty path."""
        if not path:
            sha = self.run("rev-parse", f"{commit}^{{tree}}").decode().strip()
            return Entry(mode="040000", kind="tree", sha=sha, path="", size=0)
        found = _entries(self.run("ls-tree", "-z", "-l", commit, "--", path))
        return found[0] if found else None

    def listing(self, tree: str) -> list[Entry]:
        """List a folder by its tree's id."""
        return _entries(self.run("ls-tree", "-z", "-l", tree))

    def blob(self, sha: str) -> bytes | None:
        """Return a blob by its id."""
        try:
            return self.run("cat-file", "blob", sha)
        except subprocess.CalledProcessError:
            return None

    def diff(self, base: str, head: str) -> bytes:
        """Return the whole diff of a pull request, as the diff media type has it."""
        return self.run("diff", *_DIFF, self.merge_base(base, head) or base, head)

    def changed_files(self, base: str, head: str) -> tuple[ChangedFile, ...]:
        """List the files of a pull request from `base` to `head`, each with its patch."""
        return _changed_files(self, self.merge_base(base, head) or base, head)

    def changed_file(self, base: str, head: str, path: str) -> ChangedFile | None:
        """Return one file of a pull request."""
        return next((file for file in self.changed_files(base, head) if file.path == path), None)


def _environment() -> dict[str, str]:
    inherited = os.environ  # noqa: TID251 - git itself needs PATH, and must not see the developer's settings
    return {"PATH": inherited.get("PATH", os.defpath), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def shown(raw: bytes) -> str:
    """Return bytes of a repository as GitHub's JSON has them."""
    return raw.decode("utf-8", "replace")


@lru_cache(maxsize=256)
def _merge_base(repository: GitRepository, base: str, head: str) -> str | None:
    try:
        return repository.run("merge-base", base, head).decode().split()[0]
    except subprocess.CalledProcessError:
        return None


@lru_cache(maxsize=256)
def _commits(repository: GitRepository, base: str, head: str) -> tuple[str, ...]:
    return tuple(repository.run("rev-list", "--reverse", "--topo-order", f"{base}..{head}").decode().split())


@lru_cache(maxsize=2_000)
def _commit(repository: GitRepository, sha: str) -> Commit:
    style = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
    raw = repository.run("show", "--no-patch", f"--format={style}", sha)
    full, tree, parents, *people, message = shown(raw).split("\0", 9)
    author, committer = people[:3], people[3:]
    return Commit(
        sha=full,
        tree=tree,
        parents=tuple(parents.split()),
        author=(author[0], author[1], author[2]),
        committer=(committer[0], committer[1], committer[2]),
        message=message.rstrip("\n"),
    )


def _entries(listing: bytes) -> list[Entry]:
    result = []
    for row in listing.split(b"\0"):
        if row:
            meta, _, path = row.partition(b"\t")
            mode, kind, sha, size = meta.decode().split()
            result.append(Entry(mode=mode, kind=kind, sha=sha, path=shown(path), size=0 if size == "-" else int(size)))
    return result


@lru_cache(maxsize=32)
def _changed_files(repository: GitRepository, start: str, head: str) -> tuple[ChangedFile, ...]:
    raw = repository.run("diff", "--raw", "-z", "--no-abbrev", "--ignore-submodules=none", *_RENAMES, start, head)
    fields = iter(shown(raw).split("\0"))
    blocks = iter(part for part in _FILE.split(repository.run("diff", *_DIFF, start, head)) if part)
    files: list[ChangedFile] = []
    for row in fields:
        if not row:
            break
        sha, letter = row.split(" ")[3], row.split(" ")[4][0]
        old = next(fields)
        path = next(fields) if letter in "RC" else old
        block = next(blocks, b"")
        if letter == "T":
            # A file that becomes a link is two diffs for git and one row, without a patch, for us.
            block = _without_patch(block + next(blocks, b""))
        files.append(_changed_file(path, old if letter in "RC" else None, letter, sha, block))
    return tuple(files)


def _without_patch(block: bytes) -> bytes:
    return _FILE.split(block)[1].split(b"\n@@ ")[0]


def _changed_file(path: str, old: str | None, letter: str, sha: str, block: bytes) -> ChangedFile:
    start = _FIRST_HUNK.search(block)
    patch = block[start.start() :].removesuffix(b"\n") if start else b""
    lines = patch.split(b"\n") if patch else []
    is_too_large = len(lines) > PATCH_LINES or len(patch) > PATCH_BYTES
    return ChangedFile(
        path=path,
        old_path=old,
        status=_STATUS.get(letter, "modified"),
        sha=sha if set(sha) != {"0"} else _EMPTY_BLOB,
        additions=sum(line.startswith(b"+") for line in lines),
        deletions=sum(line.startswith(b"-") for line in lines),
        patch=patch if patch and not is_too_large else None,
    )


@lru_cache(maxsize=256)
def commentable(patch: bytes) -> dict[tuple[str, int], Row]:
    """Return the lines that a comment can stand on, by side (LEFT: old file, RIGHT: new file) and line (1-based)."""
    result: dict[tuple[str, int], Row] = {}
    old = new = hunk = 0
    for index, line in enumerate(patch.split(b"\n")):
        header = _HUNK.match(line)
        if header:
            old, new, hunk = int(header[1]), int(header[2]), index
            continue
        row, mark = Row(hunk=hunk, index=index), line[:1]
        if mark in (b" ", b"-"):
            result["LEFT", old] = row
            old += 1
        if mark in (b" ", b"+"):
            result["RIGHT", new] = row
            new += 1
    return result
