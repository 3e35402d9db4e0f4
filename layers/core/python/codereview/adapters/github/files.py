"""The files of a pull request, with what GitHub leaves out named instead of taken for empty.

Two ways of leaving out are known. A row of a binary or too large file has no patch. And once the patches of one
response reach about 20,000 lines, later rows come with no patch *and* 0 changes, as if nothing had changed; the same
rows asked for in smaller pages are whole.

A row tells no mode: a submodule shows by its one line, and a row with neither patch nor changes may be a binary file,
an empty one, a change of mode or a file that became a link. A few of them are looked at.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from codereview.adapters.github.client import GitHubClient, read_list_of
from codereview.adapters.github.payloads import FilePayload
from codereview.domain.change import FileChange, FileStatus, Unreviewable
from codereview.domain.diff import parse_patch

_PER_PAGE = 100
_PER_SMALL_PAGE = 10
# Half of the known limit, since the number is observed and not documented.
_SUSPICIOUS_LINES = 10_000
_MOST_LOOKS = 10  # each costs two reads of a quota that reviews share
_GITS_LOOK = 8_000  # bytes: git takes a file for binary that has a NUL among its first ones
_SUBPROJECT = re.compile(r"@@ [-+,\d ]+ @@(?:\n[-+]Subproject commit (?:[0-9a-f]{40}|[0-9a-f]{64})){1,2}")


def listed_files(client: GitHubClient, path: str) -> tuple[FileChange, ...]:
    """Read all rows of the files API."""
    files: list[FileChange] = []
    for index, page in enumerate(client.pages(path, params={"per_page": str(_PER_PAGE)})):
        rows = read_list_of(FilePayload, page)
        if _is_cut(rows):
            rows = _in_small_pages(client, path, index)
        files += [_file_change(row) for row in rows]
    return tuple(files)


def looked_at(
    files: Iterable[FileChange], before: Callable[[str], bytes | None], after: Callable[[str], bytes | None]
) -> tuple[FileChange, ...]:
    """Find out about files that GitHub sent no lines of; `before` and `after` read a file of the base and the head.

    What stays unknown, and what is beyond a few, stays named as not sent.
    """
    looks = 0
    named: list[FileChange] = []
    for file in files:
        if file.unreviewable is Unreviewable.NOT_SENT_BY_GITHUB and looks < _MOST_LOOKS:
            looks += 1
            named.append(replace(file, unreviewable=_look(file, before, after)))
        else:
            named.append(file)
    return tuple(named)


def _look(
    file: FileChange, before: Callable[[str], bytes | None], after: Callable[[str], bytes | None]
) -> Unreviewable:
    new = after(file.path)
    if new is None:
        return Unreviewable.NOT_SENT_BY_GITHUB
    if b"\0" in new[:_GITS_LOOK]:
        return Unreviewable.BINARY
    old = b"" if file.status is FileStatus.ADDED else before(file.path)
    return Unreviewable.NO_CHANGED_LINES if new == old else Unreviewable.NOT_SENT_BY_GITHUB


def _is_cut(rows: list[FilePayload]) -> bool:
    """Whether this page looks like one whose later patches were left out."""
    lines = sum(row.patch.count("\n") + 1 for row in rows if row.patch is not None)
    return lines >= _SUSPICIOUS_LINES and any(
        row.patch is None and row.changes == 0 and row.status != "unchanged" for row in rows
    )


def _in_small_pages(client: GitHubClient, path: str, large_page: int) -> list[FilePayload]:
    """Read one large page (0-based) again as ten small ones."""
    rows: list[FilePayload] = []
    first = large_page * (_PER_PAGE // _PER_SMALL_PAGE) + 1
    for small_page in range(first, first + _PER_PAGE // _PER_SMALL_PAGE):
        page = client.get(path, params={"per_page": str(_PER_SMALL_PAGE), "page": str(small_page)})
        found = read_list_of(FilePayload, page)
        rows += found
        if len(found) < _PER_SMALL_PAGE:
            break
    return rows


def _file_change(row: FilePayload) -> FileChange:
    status = FileStatus(row.status) if row.status in set(FileStatus) else FileStatus.MODIFIED
    return FileChange(
        path=row.filename,
        old_path=row.previous_filename,
        status=status,
        hunks=parse_patch(row.patch.encode("utf-8", "surrogatepass")) if row.patch is not None else (),
        unreviewable=_unreviewable(row, status),
    )


def _unreviewable(row: FilePayload, status: FileStatus) -> Unreviewable | None:
    """Name why there are no rows to review, as far as the row itself tells."""
    if status is FileStatus.REMOVED:
        return Unreviewable.DELETED
    if row.patch is not None:
        return Unreviewable.SUBMODULE if _SUBPROJECT.fullmatch(row.patch) else None
    if row.changes > 0:
        return Unreviewable.TOO_LARGE
    if status in (FileStatus.RENAMED, FileStatus.COPIED, FileStatus.UNCHANGED):
        return Unreviewable.NO_CHANGED_LINES
    return Unreviewable.NOT_SENT_BY_GITHUB
