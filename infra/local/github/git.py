"""A local clone as GitHub shows it: files of a change, their patches, and which lines can carry a comment."""

import re
import subprocess
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_FILE = re.compile(rb"^(?=diff --git )", re.MULTILINE)
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
_OPTIONS = ("--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "-M", "--src-prefix=a/", "--dst-prefix=b/")
_EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

# https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits#diff-limits
PATCH_LINES, PATCH_BYTES = 20_000, 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file between two commits."""

    path: str
    old_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: bytes | None  # None: binary, empty or too large


@dataclass(frozen=True, slots=True, kw_only=True)
class Commentable:
    """The lines of a file's diff that a comment can stand on: (side, line) → number of the hunk."""

    hunks: dict[tuple[str, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repository:
    """A clone, bare or not; everything is read by git itself."""

    folder: Path

    def run(self, *arguments: str) -> bytes:
        """Run git; raises CalledProcessError where it refuses."""
        command = ["git", "-c", "core.quotePath=false", "-C", str(self.folder), "--no-pager", *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def commit(self, ref: str) -> str | None:
        """Resolve to a full commit id."""
        try:
            return self.run("rev-parse", "--verify", "-q", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
        except subprocess.CalledProcessError:
            return None

    def merge_base(self, base: str, head: str) -> str:
        """Return where head left base; base itself for unrelated histories."""
        try:
            return self.run("merge-base", base, head).decode().split()[0]
        except (subprocess.CalledProcessError, IndexError):
            return base

    def commits(self, base: str, head: str) -> list[str]:
        """List what head has and base has not, oldest first."""
        return self.run("rev-list", "--reverse", f"{base}..{head}").decode().split()

    def blob(self, commit: str, path: str) -> tuple[str, str, bytes] | None:
        """Return (mode, sha, content) of a path; content of a submodule is empty, a folder's is its listing."""
        row = self.run("ls-tree", "-z", commit, "--", path).split(b"\0")[0] if path else b""
        if not row:
            return None
        mode, kind, sha = row.split(b"\t")[0].decode().split()
        content = self.run("cat-file", "blob", sha) if kind == "blob" else b""
        return mode, sha, content

    def object(self, sha: str) -> bytes | None:
        """Return a blob by its id."""
        try:
            return self.run("cat-file", "blob", sha)
        except subprocess.CalledProcessError:
            return None

    def diff(self, base: str, head: str) -> bytes:
        """Return the whole diff, as the diff media type has it."""
        return self.run("diff", *_OPTIONS, self.merge_base(base, head), head)

    def changed_files(self, base: str, head: str) -> list[ChangedFile]:
        """List the files of a pull request from `base` to `head`, each with its patch."""
        return _changed_files(self, self.merge_base(base, head), head)

    def commentable(self, base: str, head: str, path: str) -> Commentable | None:
        """Return the lines of `path` in that change; None if the change does not touch it."""
        for file in self.changed_files(base, head):
            if file.path == path:
                return _commentable(file.patch or b"")
        return None


@lru_cache(maxsize=64)
def _changed_files(repository: Repository, start: str, head: str) -> list[ChangedFile]:
    fields = repository.run("diff", "--raw", "-z", "-M", "--no-abbrev", start, head).decode("utf-8", "surrogateescape")
    parts = fields.split("\0")
    patches = [part for part in _FILE.split(repository.run("diff", *_OPTIONS, start, head)) if part]
    files: list[ChangedFile] = []
    position = 0
    while position < len(parts) - 1:
        _, _, _, sha, letter = parts[position].split(" ")
        moved = letter[0] in "RC"
        old, path = parts[position + 1], parts[position + 2 if moved else position + 1]
        patch = patches[len(files)] if len(files) < len(patches) else b""
        files.append(_changed_file(path, old if moved else None, letter[0], sha, patch))
        position += 3 if moved else 2
    return files


def _changed_file(path: str, old: str | None, letter: str, sha: str, whole: bytes) -> ChangedFile:
    start = re.search(rb"^@@ ", whole, re.MULTILINE)
    patch = whole[start.start() :].removesuffix(b"\n") if start else b""
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


def _commentable(patch: bytes) -> Commentable:
    result = Commentable()
    old = new = hunk = 0
    for line in patch.split(b"\n"):
        header = _HUNK.match(line)
        if header:
            old, new, hunk = int(header[1]), int(header[3]), hunk + 1
            continue
        mark = line[:1]
        if mark in (b" ", b"-"):
            result.hunks["LEFT", old] = hunk
        if mark in (b" ", b"+"):
            result.hunks["RIGHT", new] = hunk
        old += mark in (b" ", b"-")
        new += mark in (b" ", b"+")
    return result
