"""The change as a model sees it: numbered rows under their file, in parts that fit the model's window."""

from collections.abc import Iterator
from dataclasses import replace

from codereview.domain.change import Change, FileChange, Hunk, Row, RowKind
from codereview.domain.hidden_text import strip_hidden
from codereview.domain.paths import shown_path
from codereview.domain.quote_readings import LONGEST_LINE

# With every current tokenizer a token of code is three to four characters of ASCII, and about one of Chinese, which is
# three bytes. Bytes by three errs on the safe side for both.
_BYTES_PER_TOKEN = 3


def render_change(change: Change) -> str:
    """Render the rows of all reviewable files; new-file line numbers, none for removed rows.

    Characters that nobody sees are left out: they are reported, not obeyed.
    """
    return "\n".join(line for file in change.files if file.is_reviewable for line in _file_lines(file))


def estimate_tokens(text: str) -> int:
    """Estimate, rather too high, how many tokens a text takes."""
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN + 1


def plan_parts(change: Change, max_tokens: int) -> tuple[Change, ...]:
    """Cut the change into parts of at most `max_tokens` each; a file is cut between hunks, a hunk between rows.

    Every row of every reviewable file is in exactly one part, in order. A single row that is larger than a part makes
    one of its own; as it is rendered, no row is larger than 3,000 tokens.
    """
    parts: list[Change] = []
    files: list[FileChange] = []
    hunks: list[Hunk] = []
    used = 0
    for file in change.files:
        heading = estimate_tokens(_heading(file))
        for hunk, size in _pieces(file, max_tokens - heading):
            if (files or hunks) and used + size + (0 if hunks else heading) > max_tokens:
                parts.append(replace(change, files=(*files, *_with_hunks(file, hunks))))
                files, hunks, used = [], [], 0
            used += size + (0 if hunks else heading)
            hunks.append(hunk)
        files += _with_hunks(file, hunks)
        hunks = []
    if files:
        parts.append(replace(change, files=tuple(files)))
    return tuple(parts)


def _with_hunks(file: FileChange, hunks: list[Hunk]) -> Iterator[FileChange]:
    if hunks:
        yield replace(file, hunks=tuple(hunks))


def _pieces(file: FileChange, max_tokens: int) -> Iterator[tuple[Hunk, int]]:
    """Yield a reviewable file's hunks with their sizes, too large ones in pieces."""
    for hunk in file.hunks if file.is_reviewable else ():
        heading = estimate_tokens(_section(hunk))
        begin, used = 0, heading
        for index, row in enumerate(hunk.rows):
            size = estimate_tokens(_row_line(row))
            if index > begin and used + size > max_tokens:
                yield _part_of(hunk, begin, index), used
                begin, used = index, heading
            used += size
        if hunk.rows:
            yield _part_of(hunk, begin, len(hunk.rows)), used


def _part_of(hunk: Hunk, begin: int, end: int) -> Hunk:
    """Make a hunk of some consecutive rows of another, with the counts that git would give it.

    A side without rows starts at the line before the gap, as in git; that is the last one of this side before them.
    """
    if begin == 0 and end == len(hunk.rows):
        return hunk
    rows = hunk.rows[begin:end]
    old = [row.old_line for row in rows if row.old_line is not None]
    new = [row.new_line for row in rows if row.new_line is not None]
    return Hunk(
        old_start=old[0]
        if old
        else _gap(hunk.old_start, hunk.old_count, (row.old_line for row in _before(hunk, begin))),
        old_count=len(old),
        new_start=new[0]
        if new
        else _gap(hunk.new_start, hunk.new_count, (row.new_line for row in _before(hunk, begin))),
        new_count=len(new),
        section=hunk.section,
        rows=rows,
    )


def _before(hunk: Hunk, begin: int) -> Iterator[Row]:
    """Yield the rows before one, the nearest first."""
    return (hunk.rows[index] for index in range(begin - 1, -1, -1))


def _gap(start: int, count: int, lines_before: Iterator[int | None]) -> int:
    """Return the line before a gap: the last one seen, else the one before the hunk."""
    seen = next((line for line in lines_before if line is not None), None)
    if seen is not None:
        return seen
    return start if count == 0 else start - 1


def _file_lines(file: FileChange) -> Iterator[str]:
    yield _heading(file)
    for hunk in file.hunks:
        yield _section(hunk)
        for row in hunk.rows:
            yield _row_line(row)


def _heading(file: FileChange) -> str:
    moved = f", was {shown_path(file.old_path)}" if file.old_path else ""
    return f"=== file: {shown_path(file.path)} ({file.status.value}{moved})"


def _section(hunk: Hunk) -> str:
    return f"@@ {strip_hidden(hunk.section.decode('utf-8', 'replace'))[:LONGEST_LINE]}".rstrip()


def _row_line(row: Row) -> str:
    number = "" if row.kind is RowKind.REMOVED or row.new_line is None else row.new_line
    text = row.text.removesuffix(b"\r").decode("utf-8", "replace")
    if not text.isascii() or not text.isprintable():
        text = strip_hidden(text)
    if len(text) > LONGEST_LINE:
        text = f"{text[:LONGEST_LINE]} [… {len(text) - LONGEST_LINE:,} more characters]"
    return f"{number:>6} {row.kind.value} {text}"
