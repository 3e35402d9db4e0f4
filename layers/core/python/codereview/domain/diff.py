r"""Reads git's unified diff, byte for byte, into files, hunks and rows.

Split on `\n` only: every other line separator is content. The counts in a hunk's header drive the loop, so that a
removed line `-- a/x`, which stands there as `--- a/x`, is never taken for a header. Nothing is guessed: bytes that git
does not write are an error, since a change that is half read would look like a change that is half as large.
"""

import re
from dataclasses import dataclass

from codereview.domain.change import FileChange, FileStatus, Hunk, Row, RowKind, Unreviewable
from codereview.domain.git_paths import is_quoted, path_text, unquoted
from codereview.errors import PermanentError

# Nine digits: git itself stops at 2³¹ lines, and no count makes us do work for rows that are not there.
_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(?: (.*)|\r?)", re.DOTALL)
_ADDED, _REMOVED, _CONTEXT = RowKind.ADDED, RowKind.REMOVED, RowKind.CONTEXT  # looked up once, not for every row
_FILE, _COMBINED = b"diff --git ", (b"diff --cc ", b"diff --combined ")
_SUBMODULE, _SYMLINK = "160000", "120000"


class MalformedDiffError(PermanentError):
    """The bytes are not a diff that git writes; never taken for an empty change."""


class CombinedDiffError(MalformedDiffError):
    """A merge's diff against several parents; it has to be asked for again against one."""


def parse_patch(data: bytes) -> tuple[Hunk, ...]:
    r"""Read hunks without file headers, as in `patch` of GitHub's files API; it has no `\n` at its end.

    Raises MalformedDiffError.
    """
    lines = _Lines(data)
    hunks = lines.hunks()
    if lines.has_more():
        raise lines.error("expected a hunk")
    return hunks


def parse_diff(data: bytes) -> tuple[FileChange, ...]:
    """Read the whole output of `git diff`, in its order.

    A file that became a symbolic link, or the other way round, is two entries of one path, as in git: one removed, one
    added. Raises MalformedDiffError, for a merge's diff CombinedDiffError.
    """
    if data and not data.endswith(b"\n"):
        raise MalformedDiffError("the diff ends in the middle of a line")
    lines = _Lines(data[:-1])
    files: list[FileChange] = []
    while lines.has_more():
        line = lines.take()
        if line.startswith(_COMBINED):
            raise CombinedDiffError("a combined diff has no single old side")
        if not line.startswith(_FILE):
            raise lines.error("expected a file's header", taken=1)
        header = _Header(names=line.removeprefix(_FILE))
        try:
            _read_header(header, lines)
            files.append(header.file_change(lines.hunks()))
        except ValueError as error:
            raise lines.error(str(error)) from error
    return tuple(files)


class _Lines:
    """The lines of a diff, and where we are in them."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.split(b"\n")
        self._index = 0

    def has_more(self) -> bool:
        r"""Whether anything follows; what is behind the last `\n`, where it is nothing, is no line."""
        left = len(self._lines) - self._index
        return left > 1 or (left == 1 and self._lines[self._index] != b"")

    def error(self, problem: str, *, taken: int = 0) -> MalformedDiffError:
        return MalformedDiffError(f"line {self._index + 1 - taken} of the diff: {problem}")

    def peek(self) -> bytes:
        return self._lines[self._index] if self._index < len(self._lines) else b""

    def take(self) -> bytes:
        self._index += 1
        return self._lines[self._index - 1]

    def hunks(self) -> tuple[Hunk, ...]:
        """Take the hunks that begin here."""
        hunks: list[Hunk] = []
        while self.peek().startswith(b"@@ "):
            hunks.append(self._hunk())
        return tuple(hunks)

    def _hunk(self) -> Hunk:
        match = _HUNK.fullmatch(self.peek())
        if match is None:
            raise self.error("not a hunk's header")
        self._index += 1
        old_start, new_start = int(match[1]), int(match[3])
        old_count = 1 if match[2] is None else int(match[2])
        new_count = 1 if match[4] is None else int(match[4])
        rows = self._rows(old_start, old_count, new_start, new_count)
        return Hunk(old_start, old_count, new_start, new_count, match[5] or b"", rows)

    def _rows(self, old: int, old_count: int, new: int, new_count: int) -> tuple[Row, ...]:
        """Take rows until both counts are used up, and the remark about a missing newline that may follow each."""
        old_end, new_end = old + old_count, new + new_count
        rows: list[Row] = []
        lines, index = self._lines, self._index
        append = rows.append
        try:
            while old < old_end or new < new_end:
                line = lines[index]
                mark = line[:1]
                if mark == b"+":
                    append(Row(_ADDED, None, new, line[1:]))
                    new += 1
                elif mark == b"-":
                    append(Row(_REMOVED, old, None, line[1:]))
                    old += 1
                elif mark in (b" ", b"") or line == b"\r":  # some tools strip the space of an empty context line
                    append(Row(_CONTEXT, old, new, line[1:] if mark == b" " else line))
                    old, new = old + 1, new + 1
                elif mark == b"\\" and rows:
                    rows[-1] = _unended(rows[-1])
                else:
                    break
                index += 1
        except IndexError:
            pass
        self._index = index
        if old != old_end or new != new_end:
            raise self.error("the rows are not as many as the hunk's header says")
        if rows and self.peek()[:1] == b"\\":
            self._index += 1
            rows[-1] = _unended(rows[-1])
        return tuple(rows)


def _unended(row: Row) -> Row:
    return Row(row.kind, row.old_line, row.new_line, row.text, has_newline=False)


@dataclass(slots=True, kw_only=True)
class _Header:
    """What the lines between `diff --git` and the first hunk say."""

    names: bytes  # both, as they stand behind `diff --git`
    old: bytes | None = None  # of `---`, "rename from" or "copy from"
    new: bytes | None = None
    old_mode: str | None = None
    new_mode: str | None = None
    status: FileStatus | None = None
    is_binary: bool = False

    def file_change(self, hunks: tuple[Hunk, ...]) -> FileChange:
        """Put header and hunks together."""
        old, new = self._paths()
        status = self.status or (FileStatus.MODIFIED if hunks or self.is_binary else FileStatus.CHANGED)
        return FileChange(
            path=path_text(old if status is FileStatus.REMOVED else new),
            status=status,
            hunks=hunks,
            old_path=path_text(old) if status in (FileStatus.RENAMED, FileStatus.COPIED) else None,
            old_mode=None if status is FileStatus.ADDED else self.old_mode,
            new_mode=None if status is FileStatus.REMOVED else self.new_mode,
            unreviewable=self._unreviewable(status, has_rows=bool(hunks)),
        )

    def _paths(self) -> tuple[bytes, bytes]:
        """Return the old and the new path.

        Where only `diff --git a/x b/x` names them they are equal, also in their quoting, so that the middle divides
        the two: a blank or a quote in a path cannot mislead.
        """
        known = self.new or self.old or _side_path(self.names[: len(self.names) // 2])
        if not known:
            raise ValueError("a file without a name")
        return self.old or known, self.new or known

    def _unreviewable(self, status: FileStatus, *, has_rows: bool) -> Unreviewable | None:
        if status is FileStatus.REMOVED:
            return Unreviewable.DELETED
        if self.is_binary:
            return Unreviewable.BINARY
        if _SUBMODULE in (self.old_mode, self.new_mode):
            return Unreviewable.SUBMODULE
        if _SYMLINK in (self.old_mode, self.new_mode):
            return Unreviewable.SYMLINK
        return None if has_rows else Unreviewable.NO_CHANGED_LINES


def _read_header(header: _Header, lines: _Lines) -> None:
    while lines.has_more() and not lines.peek().startswith((b"@@ ", _FILE, *_COMBINED)):
        line = lines.take()
        if line == b"GIT binary patch":
            header.is_binary = True
            while lines.has_more() and not lines.peek().startswith(b"diff --"):
                lines.take()  # base 85 has no blanks, so no line of it looks like a header
            return
        _read_header_line(header, line)


def _read_header_line(header: _Header, line: bytes) -> None:
    word, _, value = line.partition(b" ")
    match word:
        case b"---":
            header.old = _side_path(value)
        case b"+++":
            header.new = _side_path(value)
        case b"rename" | b"copy":
            header.status = FileStatus.RENAMED if word == b"rename" else FileStatus.COPIED
            end, _, path = value.partition(b" ")
            if end == b"from":
                header.old = unquoted(path)
            else:
                header.new = unquoted(path)
        case b"index":
            mode = value.partition(b" ")[2]
            if mode:
                header.old_mode = header.new_mode = _mode(mode)
        case b"old" | b"new" | b"deleted":
            _read_mode(header, word, value)
        case b"Binary":
            header.is_binary = True
        case b"similarity" | b"dissimilarity":
            pass
        case _:
            raise ValueError("an unknown header")


def _read_mode(header: _Header, word: bytes, value: bytes) -> None:
    """Read `old mode`, `new mode`, `new file mode` and `deleted file mode`."""
    kind, _, mode = value.rpartition(b" ")
    if word == b"new":
        header.new_mode = _mode(mode)
    else:
        header.old_mode = _mode(mode)
    if kind.startswith(b"file"):
        header.status = FileStatus.ADDED if word == b"new" else FileStatus.REMOVED


def _mode(mode: bytes) -> str:
    return mode.decode("ascii", "replace")


def _side_path(value: bytes) -> bytes | None:
    r"""Read a path with its `a/` or `b/`; None for /dev/null. git puts a `\t` behind one that contains a blank."""
    path = unquoted(value.removesuffix(b"\t"))
    if path == b"/dev/null" and not is_quoted(value):
        return None
    if path[1:2] != b"/":
        raise ValueError("a path without a/ or b/")
    return path[2:]
