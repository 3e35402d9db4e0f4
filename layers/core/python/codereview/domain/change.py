"""A pull request's change: files, hunks and rows, exactly as git sees them."""

from dataclasses import dataclass
from enum import StrEnum


class RowKind(StrEnum):
    """The first character of a diff row."""

    CONTEXT = " "
    ADDED = "+"
    REMOVED = "-"


@dataclass(frozen=True, slots=True)
class Row:
    r"""One line of a hunk. Line numbers are 1-based; None on the side where the line does not exist.

    `text` is the line without its `\n`; a `\r` before it is kept, since it is part of the file.
    """

    kind: RowKind
    old_line: int | None
    new_line: int | None
    text: bytes
    has_newline: bool = True  # False: the file ends here, "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of rows. A count of 0 makes the start the line before the gap, as in git's header."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: bytes  # what git prints behind the second @@
    rows: tuple[Row, ...]


class FileStatus(StrEnum):
    """GitHub's names (`status` in the files API)."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    RENAMED = "renamed"
    COPIED = "copied"
    CHANGED = "changed"  # the mode only
    UNCHANGED = "unchanged"


class Unreviewable(StrEnum):
    """Why a file of the change has no rows to review, or is left out on purpose; shown in the coverage."""

    BINARY = "binary"
    SUBMODULE = "submodule"
    SYMLINK = "symbolic link"
    NO_CHANGED_LINES = "no changed lines"
    DELETED = "deleted"
    GENERATED = "generated"
    LOCK_FILE = "lock file"
    VENDORED = "vendored"
    TOO_LARGE = "too large"
    NOT_SENT_BY_GITHUB = "GitHub sent no patch"
    BEYOND_FILE_LIMIT = "beyond GitHub's limit of 3,000 files"
    OVER_BUDGET = "over this review's budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file of the change. Paths are text; bytes that are no UTF-8 are kept by `surrogateescape`."""

    path: str  # in the new tree; of a removed file, in the old one
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    old_path: str | None = None  # of a rename or copy
    old_mode: str | None = None  # "100644", where the source tells it
    new_mode: str | None = None
    unreviewable: Unreviewable | None = None

    @property
    def is_reviewable(self) -> bool:
        """Whether agents get to see rows of it."""
        return self.unreviewable is None and bool(self.hunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Everything between the merge base and the head.

    `file_count` is what the source says there is; more than `len(files)` means that some were not listed.
    """

    base_sha: str
    head_sha: str
    files: tuple[FileChange, ...]
    file_count: int
    title: str = ""
    description: str = ""
