r"""Reads git's unified diff, byte for byte, into files, hunks and rows.

Split on `\n` only: every other line separator is content. The counts in a hunk's header drive the loop, so that a
removed line `-- a/x`, which stands there as `--- a/x`, is never taken for a header.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from codereview.domain.change import FileChange, FileStatus, Hunk, Row, RowKind, Unreviewable
from codereview.errors import PermanentError

_HUNK = re.compile(rb"@@ -(\d{1,10})(?:,(\d{1,10}))? \+(\d{1,10})(?:,(\d{1,10}))? @@(?: ?(.*))?", re.DOTALL)
_NO_NEWLINE = b"\\"
_ESCAPES = {
    ord("a"): 7, ord("b"): 8, ord("t"): 9, ord("n"): 10, ord("v"): 11, ord("f"): 12, ord("r"): 13,
    ord('"'): 34, ord("\\"): 92,
}  # fmt: skip
_SUBMODULE, _SYMLINK = "160000", "120000"


class MalformedDiffError(PermanentError):
    """The bytes are not a diff that git writes; never taken for an empty change."""


class CombinedDiffError(MalformedDiffError):
    """A merge's diff against several parents; it has to be asked for again against one."""


def parse_patch(data: bytes) -> tuple[Hunk, ...]:
    r"""Read hunks without file headers, as in `patch` of GitHub's files API; it has no `\n` at its end."""
    lines = _Lines(data)
    hunks = tuple(_hunks(lines))
    if not lines.is_at_end:
        raise MalformedDiffError(f"line {lines.number}: expected a hunk")
    return hunks


def parse_diff(data: bytes) -> tuple[FileChange, ...]:
    """Read a whole `git diff`."""
    lines = _Lines(data)
    files: list[FileChange] = []
    while not lines.is_at_end:
        line = lines.take()
        if line.startswith((b"diff --cc ", b"diff --combined ")):
            raise CombinedDiffError("a combined diff has no single old side")
        if not line.startswith(b"diff --git "):
            raise MalformedDiffError(f"line {lines.number - 1}: expected a file's header")
        header = _header(line, lines)
        files.append(_file_change(header, tuple(_hunks(lines))))
    return tuple(files)


class _Lines:
    """The lines of a diff, and where we are in them."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.split(b"\n")
        if self._lines[-1] == b"":
            self._lines.pop()
        self._index = 0

    @property
    def is_at_end(self) -> bool:
        return self._index >= len(self._lines)

    @property
    def number(self) -> int:
        return self._index + 1

    def peek(self) -> bytes:
        return self._lines[self._index] if self._index < len(self._lines) else b""

    def take(self) -> bytes:
        if self.is_at_end:
            raise MalformedDiffError("the diff ends in the middle")
        line = self._lines[self._index]
        self._index += 1
        return line


@dataclass(slots=True)
class _Header:
    """What the lines between `diff --git` and the first hunk say."""

    name: bytes  # the two names of `diff --git`, as they stand there
    old: bytes | None = None  # of `---`, None for /dev/null
    new: bytes | None = None
    has_names: bool = False  # whether `---` and `+++` were there
    rename_from: bytes | None = None
    rename_to: bytes | None = None
    copy_from: bytes | None = None
    copy_to: bytes | None = None
    old_mode: str | None = None
    new_mode: str | None = None
    is_new: bool = False
    is_deleted: bool = False
    is_binary: bool = False
    extra: list[bytes] = field(default_factory=list)


def _header(first: bytes, lines: _Lines) -> _Header:
    header = _Header(name=first.removeprefix(b"diff --git "))
    while not lines.is_at_end:
        line = lines.peek()
        if line.startswith((b"@@ ", b"diff --git ", b"diff --cc ", b"diff --combined ")):
            break
        lines.take()
        if line == b"GIT binary patch":
            header.is_binary = True
            _skip_binary(lines)
            break
        _read_header_line(header, line)
    return header


def _skip_binary(lines: _Lines) -> None:
    """Pass over the base85 lines, which never look like a header."""
    while not lines.is_at_end and not lines.peek().startswith(b"diff --"):
        lines.take()


def _read_header_line(header: _Header, line: bytes) -> None:
    name, _, value = line.partition(b" ")
    match name:
        case b"---":
            header.old, header.has_names = _side_name(value), True
        case b"+++":
            header.new, header.has_names = _side_name(value), True
        case b"Binary":
            header.is_binary = True
        case b"rename" | b"copy":
            end, _, path = value.partition(b" ")
            setattr(header, f"{name.decode()}_{'from' if end == b'from' else 'to'}", _unquoted(path))
        case b"index" if value.count(b" ") == 1:
            header.old_mode = header.new_mode = value.rpartition(b" ")[2].decode("ascii", "replace")
        case b"old" | b"new" | b"deleted":
            _read_mode(header, name, value)
        case _:
            header.extra.append(line)  # similarity and dissimilarity


def _read_mode(header: _Header, name: bytes, value: bytes) -> None:
    kind, _, mode = value.rpartition(b" ")
    text = mode.decode("ascii", "replace")
    if kind == b"mode":
        if name == b"old":
            header.old_mode = text
        else:
            header.new_mode = text
    elif name == b"new":
        header.is_new, header.new_mode = True, text
    else:
        header.is_deleted, header.old_mode = True, text


def _side_name(value: bytes) -> bytes | None:
    """Read a path behind `---` or `+++`: git puts a TAB behind one that contains a space."""
    path = _unquoted(value.removesuffix(b"\t") if not value.startswith(b'"') else value.rstrip(b"\t"))
    return None if path == b"/dev/null" else path[2:]


def _unquoted(value: bytes) -> bytes:
    """Undo git's C-style quoting."""
    if not (value.startswith(b'"') and value.endswith(b'"') and len(value) > 1):
        return value
    result, index, end = bytearray(), 1, len(value) - 1
    while index < end:
        byte = value[index]
        if byte != ord("\\"):
            result.append(byte)
            index += 1
        elif value[index + 1] in _ESCAPES:
            result.append(_ESCAPES[value[index + 1]])
            index += 2
        else:
            try:
                result.append(int(value[index + 1 : index + 4], 8) & 0xFF)
            except ValueError:
                raise MalformedDiffError("a quoted path has an unknown escape") from None
            index += 4
    return bytes(result)


def _names_of(pair: bytes) -> tuple[bytes, bytes]:
    """Split the two names of `diff --git a/x b/x`; needed only where nothing else names them, and both are the same."""
    if pair.startswith(b'"'):
        middle = pair.index(b'" ', 1) + 1 if b'" ' in pair[1:] else len(pair)
        return _unquoted(pair[:middle])[2:], _unquoted(pair[middle + 1 :])[2:]
    half = len(pair) // 2
    return pair[:half][2:], pair[half + 1 :][2:]


def _file_change(header: _Header, hunks: tuple[Hunk, ...]) -> FileChange:
    old, new = _paths(header)
    path = _text(old if header.is_deleted else new)
    status = _status(header, has_rows=bool(hunks) or header.is_binary)
    is_moved = status in (FileStatus.RENAMED, FileStatus.COPIED)
    change = FileChange(
        path=path,
        status=status,
        hunks=hunks,
        old_path=_text(old) if is_moved else None,
        old_mode=None if header.is_new else header.old_mode,
        new_mode=None if header.is_deleted else header.new_mode,
    )
    return replace(change, unreviewable=_unreviewable(header, change))


def _paths(header: _Header) -> tuple[bytes, bytes]:
    if header.rename_from is not None and header.rename_to is not None:
        return header.rename_from, header.rename_to
    if header.copy_from is not None and header.copy_to is not None:
        return header.copy_from, header.copy_to
    if header.has_names:
        known = header.new if header.new is not None else header.old
        if known is None:
            raise MalformedDiffError("a file's header names no file")
        return header.old or known, header.new or known
    return _names_of(header.name)


def _status(header: _Header, *, has_rows: bool) -> FileStatus:
    if header.is_new:
        return FileStatus.ADDED
    if header.is_deleted:
        return FileStatus.REMOVED
    if header.rename_from is not None:
        return FileStatus.RENAMED
    if header.copy_from is not None:
        return FileStatus.COPIED
    return FileStatus.MODIFIED if has_rows else FileStatus.CHANGED


def _unreviewable(header: _Header, change: FileChange) -> Unreviewable | None:
    modes = {change.old_mode, change.new_mode}
    if change.status is FileStatus.REMOVED:
        return Unreviewable.DELETED
    if header.is_binary:
        return Unreviewable.BINARY
    if _SUBMODULE in modes:
        return Unreviewable.SUBMODULE
    if _SYMLINK in modes:
        return Unreviewable.SYMLINK
    return None if change.hunks else Unreviewable.NO_CHANGED_LINES


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _hunks(lines: _Lines) -> Iterator[Hunk]:
    while lines.peek().startswith(b"@@ "):
        yield _hunk(lines)


def _hunk(lines: _Lines) -> Hunk:
    header = lines.take()
    match = _HUNK.fullmatch(header)
    if match is None:
        raise MalformedDiffError(f"line {lines.number - 1}: not a hunk's header")
    old_start, new_start = int(match[1]), int(match[3])
    old_count = 1 if match[2] is None else int(match[2])
    new_count = 1 if match[4] is None else int(match[4])
    return Hunk(
        old_start=old_start,
        old_count=old_count,
        new_start=new_start,
        new_count=new_count,
        section=match[5] or b"",
        rows=_rows(lines, old_start, old_count, new_start, new_count),
    )


def _rows(lines: _Lines, old_line: int, old_left: int, new_line: int, new_left: int) -> tuple[Row, ...]:
    """Read rows until both counts are used up, and the remark about a missing newline that may follow each."""
    rows: list[Row] = []
    append, take = rows.append, lines.take
    while old_left > 0 or new_left > 0:
        line = take()
        mark, text = line[:1], line[1:]
        if mark == b" " or not line:  # some tools strip the space of an empty context line
            append(Row(RowKind.CONTEXT, old_line, new_line, text))
            old_line, old_left, new_line, new_left = old_line + 1, old_left - 1, new_line + 1, new_left - 1
        elif mark == b"+":
            append(Row(RowKind.ADDED, None, new_line, text))
            new_line, new_left = new_line + 1, new_left - 1
        elif mark == b"-":
            append(Row(RowKind.REMOVED, old_line, None, text))
            old_line, old_left = old_line + 1, old_left - 1
        elif mark == _NO_NEWLINE and rows:
            rows[-1] = replace(rows[-1], has_newline=False)
        else:
            raise MalformedDiffError(f"line {lines.number - 1}: not a row of a hunk")
    if old_left < 0 or new_left < 0:
        raise MalformedDiffError(f"line {lines.number - 1}: more rows than the hunk's header says")
    if rows and lines.peek()[:1] == _NO_NEWLINE:
        take()
        rows[-1] = replace(rows[-1], has_newline=False)
    return tuple(rows)
