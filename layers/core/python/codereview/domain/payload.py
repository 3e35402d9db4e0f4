"""Holds a review against GitHub's rules before it is sent, since one comment that breaks them costs the whole review.

GitHub answers 422 without saying which comment it is about: https://github.com/QwenLM/qwen-code/issues/6711
So what cannot be told from the diff is found by trying, a few times, with some of the comments in the body. A try that
GitHub takes is the review: there is no trying without posting, since a draft that is left behind blocks every review.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from codereview import messages
from codereview.domain.change import Change, FileChange, Hunk
from codereview.domain.cutting import MAX_BODY, Section, assemble, characters
from codereview.domain.finding import Side
from codereview.domain.hidden_text import storable
from codereview.domain.markdown_code import code_span
from codereview.domain.masking import mask_secrets
from codereview.domain.publication import Publication, ReviewComment
from codereview.domain.rendering import MAX_COMMENTS

_MARKER_LINE = re.compile(r"\n*<!-- codereview:finding [^\n]*-->\s*\Z")
_SUGGESTION = re.compile(r"^(`{3,})suggestion$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why GitHub would refuse the review; `index` is the comment's, None for the review's own part."""

    index: int | None
    reason: str


def problems(publication: Publication, change: Change) -> tuple[Problem, ...]:
    """Return everything that GitHub would answer 422 to, or 502 in the case of too many comments."""
    files = {file.path: file for file in change.files}
    found = [
        Problem(index, reason)
        for index, comment in enumerate(publication.comments)
        if (reason := _refusal(comment, files.get(comment.path)))
    ]
    found.extend(
        Problem(index, f"more than {MAX_COMMENTS} comments")
        for index in range(MAX_COMMENTS, len(publication.comments))
        if index not in {problem.index for problem in found}
    )
    if characters(publication.body) > MAX_BODY:
        found.append(Problem(None, "body too long"))
    if not publication.body.strip():
        found.append(Problem(None, "no body"))
    return tuple(found)


def unplaceable(publication: Publication, change: Change) -> frozenset[int]:
    """Return the indexes of the comments that GitHub would refuse."""
    return frozenset(found.index for found in problems(publication, change) if found.index is not None)


def tries(publication: Publication, unplaceable: Collection[int] = ()) -> Iterator[frozenset[int]]:
    """Yield which comments, by their indexes, to move to the body, one try after the other, until GitHub agrees.

    First those that are known to be unplaceable, and with them one group of the others after the next, so that one bad
    comment, or several of one file, take few good ones with them. Then halves, for bad ones in two groups, and in the
    end all. That is log2(n) + 5 tries at most for n comments.
    """
    comments = publication.comments
    doubtful = sorted(
        set(range(len(comments))) - set(unplaceable), key=lambda index: (comments[index].path, comments[index].line)
    )
    parts = [frozenset[int](), *_parts(doubtful, len(doubtful).bit_length()), *_parts(doubtful, 2), frozenset(doubtful)]
    for moved in dict.fromkeys(parts):
        yield moved | frozenset(unplaceable)


def _parts(indexes: Sequence[int], number: int) -> list[frozenset[int]]:
    """Cut into at most this many runs of the same length, but for the last."""
    size = -(-len(indexes) // max(1, number)) or 1
    return [frozenset(indexes[start : start + size]) for start in range(0, len(indexes), size)]


def move_to_body(publication: Publication, indexes: Collection[int]) -> Publication:
    """Return the review with these comments, 0-based, in its body instead; as many as fit, and the rest counted."""
    chosen = set(indexes)
    moved = [comment for index, comment in enumerate(publication.comments) if index in chosen]
    if not moved:
        return publication
    top, _, marker = publication.body.rpartition("\n\n")
    section = Section(title=messages.NOT_INLINE, items=tuple(map(_as_text, moved)), noun="finding", separator="\n\n")
    return replace(
        publication,
        body=assemble(top, [section], marker, limit=MAX_BODY),
        comments=tuple(comment for index, comment in enumerate(publication.comments) if index not in chosen),
    )


def _as_text(comment: ReviewComment) -> str:
    """Show a comment where it has no line; what was a suggestion can no longer be applied by a click."""
    body = _SUGGESTION.sub(r"\1", _MARKER_LINE.sub("", comment.body))
    first = comment.start_line if comment.start_line is not None else comment.line
    lines = f":{first}" if first == comment.line else f":{first}-{comment.line}"
    return f"{code_span(mask_secrets(storable(comment.path)) + lines)}\n\n{body}"


def _refusal(comment: ReviewComment, file: FileChange | None) -> str | None:
    if file is None:
        return "path not in the diff"
    if characters(comment.body) > MAX_BODY:
        return "comment too long"
    if not comment.body.strip():
        return "comment without a text"
    hunk = _hunk(file, comment.side, comment.line)
    if hunk is None:
        return f"line not in the diff on the {comment.side} side"
    if comment.start_line is not None and comment.start_line >= comment.line:
        return "start_line not before line"
    is_within = comment.start_line is None or _hunk(file, comment.side, comment.start_line) is hunk
    return None if is_within else "start_line not in the hunk of line"


def _hunk(file: FileChange, side: Side, line: int) -> Hunk | None:
    """Find the hunk that shows the line on that side; context lines stand on both."""
    for hunk in file.hunks:
        if any((row.new_line if side is Side.RIGHT else row.old_line) == line for row in hunk.rows):
            return hunk
    return None
