"""A change in a git checkout, read by git itself, with nothing of the repository's configuration obeyed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from codereview.domain.change import Change
from codereview.domain.diff import parse_diff
from codereview.errors import UserError

# Settings of the user or the repository must not change what the diff looks like, nor run programs.
_DIFF = (
    "-c", "core.quotePath=true", "-c", "diff.algorithm=default", "-c", "diff.noprefix=false",
    "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--unified=3", "--inter-hunk-context=0",
    "--find-renames", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/", "--no-relative",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A local clone, bare or not."""

    folder: Path

    def commit(self, ref: str) -> str:
        """Resolve a branch, tag or commit to a commit id; raises UserError where there is none."""
        try:
            return (
                self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
            )
        except subprocess.CalledProcessError:
            raise UserError(f"{self.folder}: there is no commit {ref!r}") from None

    def change(self, base: str, head: str) -> Change:
        """Read what the head changed since it left the base: what a pull request would show."""
        if not self.folder.is_dir():
            raise UserError(f"{self.folder}: no such folder")
        self._require_repository()
        base_sha, head_sha = self.commit(base), self.commit(head)
        start = self._merge_base(base_sha, head_sha)
        files = parse_diff(self.diff(start, head_sha))
        return Change(
            base_sha=start,
            head_sha=head_sha,
            files=files,
            file_count=len(files),
            title=self._git("log", "-1", "--format=%s", head_sha).decode("utf-8", "replace").strip(),
        )

    def diff(self, start: str, head_sha: str) -> bytes:
        """Return git's own text of the difference of two commits."""
        return self._git(*_DIFF, start, head_sha, "--")

    def content(self, path: str, commit: str) -> bytes | None:
        """Read a file at a commit; None where it does not exist there."""
        name = path.encode("utf-8", "surrogateescape")
        try:
            return self._git("cat-file", "blob", commit.encode() + b":" + name)
        except (subprocess.CalledProcessError, ValueError):
            return None

    def _merge_base(self, base_sha: str, head_sha: str) -> str:
        """Return where the head left the base; unrelated histories are compared as they are."""
        try:
            return self._git("merge-base", base_sha, head_sha).decode().split()[0]
        except (subprocess.CalledProcessError, IndexError):
            return base_sha

    def _require_repository(self) -> None:
        try:
            self._git("rev-parse", "--git-dir")
        except subprocess.CalledProcessError:
            raise UserError(f"{self.folder}: not a git repository") from None

    def _git(self, *arguments: str | bytes) -> bytes:
        try:
            return subprocess.run(
                ["git", "-C", str(self.folder), "--no-pager", *arguments], check=True, capture_output=True
            ).stdout
        except FileNotFoundError:
            raise UserError("git is not installed") from None
