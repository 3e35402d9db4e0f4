"""The change as a model sees it: numbered rows under their file, in parts that fit the model's window."""

from collections.abc import Iterator
from dataclasses import replace

from codereview.domain.change import Change, FileChange, Hunk, Row, RowKind

# Code has about three to four characters a token with every current tokenizer; three errs on the safe side.
_CHARACTERS_PER_TOKEN = 3
# A single line of a minified file can be larger than a model's window; what is behind this is of no use to a reader.
_LONGEST_LINE = 2_000


def render_change(change: Change) -> str:
    """Render all reviewable files; new-file line numbers, none for removed rows."""
    return "\n".join(line for file in change.files if file.is_reviewable for line in _file_lines(file))


def estimate_tokens(text: str) -> int:
    """Estimate, rather too high, how many tokens a text takes."""
    return len(text) // _CHARACTERS_PER_TOKEN + 1


def plan_parts(change: Change, max_tokens: int) -> tuple[Change, ...]:
    """Cut the change into parts of at most `max_tokens` each; a file is cut between hunks, a hunk between rows.

    Every row of every reviewable file is in exactly one part.
    """
    parts: list[list[FileChange]] = [[]]
    used = 0
    for file in change.files:
        if not file.is_reviewable:
            continue
        for piece, size in _pieces(file, max_tokens):
            if parts[-1] and used + size > max_tokens:
                parts.append([])
                used = 0
            parts[-1] = _with_piece(parts[-1], piece)
            used += size
    return tuple(replace(change, files=tuple(files)) for files in parts if files)


def _with_piece(files: list[FileChange], piece: FileChange) -> list[FileChange]:
    """Add a piece; hunks of one file stay under one heading."""
    if files and files[-1].path == piece.path:
        return [*files[:-1], replace(piece, hunks=files[-1].hunks + piece.hunks)]
    return [*files, piece]


def _pieces(file: FileChange, max_tokens: int) -> Iterator[tuple[FileChange, int]]:
    """Cut a file into pieces of one hunk or less, with their sizes."""
    heading = estimate_tokens(_heading(file)) + 1
    for hunk in file.hunks:
        for part in _hunk_parts(hunk, max_tokens - heading):
            yield replace(file, hunks=(part,)), heading + _size(part)


def _hunk_parts(hunk: Hunk, max_tokens: int) -> Iterator[Hunk]:
    if _size(hunk) <= max_tokens:
        yield hunk
        return
    rows: list[Row] = []
    used = 0
    for row in hunk.rows:
        size = estimate_tokens(_row_line(row))
        if rows and used + size > max_tokens:
            yield _hunk_of(hunk, rows)
            rows, used = [], 0
        rows.append(row)
        used += size
    if rows:
        yield _hunk_of(hunk, rows)


def _hunk_of(hunk: Hunk, rows: list[Row]) -> Hunk:
    """Make a hunk of some consecutive rows of another."""
    old = [row.old_line for row in rows if row.old_line is not None]
    new = [row.new_line for row in rows if row.new_line is not None]
    return Hunk(
        old_start=old[0] if old else hunk.old_start,
        old_count=len(old),
        new_start=new[0] if new else hunk.new_start,
        new_count=len(new),
        section=hunk.section,
        rows=tuple(rows),
    )


def _size(hunk: Hunk) -> int:
    return sum(estimate_tokens(_row_line(row)) for row in hunk.rows) + estimate_tokens(_section(hunk))


def _file_lines(file: FileChange) -> Iterator[str]:
    yield _heading(file)
    for hunk in file.hunks:
        yield _section(hunk)
        for row in hunk.rows:
            yield _row_line(row)


def _heading(file: FileChange) -> str:
    moved = f", was {_shown(file.old_path)}" if file.old_path else ""
    return f"=== file: {_shown(file.path)} ({file.status.value}{moved})"


def _section(hunk: Hunk) -> str:
    return f"@@ {hunk.section.decode('utf-8', 'replace')[:_LONGEST_LINE]}".rstrip()


def _row_line(row: Row) -> str:
    number = "" if row.kind is RowKind.REMOVED or row.new_line is None else row.new_line
    text = row.text.removesuffix(b"\r").decode("utf-8", "replace")
    cut = (
        f"{text[:_LONGEST_LINE]} [… {len(text) - _LONGEST_LINE} more characters]" if len(text) > _LONGEST_LINE else text
    )
    return f"{number:>6} {row.kind.value} {cut}"


def _shown(path: str) -> str:
    """Write a path on one line, so that a file's name cannot pretend to be another heading."""
    return path.encode("utf-8", "replace").decode("utf-8").replace("\n", "\\n").replace("\r", "\\r")
