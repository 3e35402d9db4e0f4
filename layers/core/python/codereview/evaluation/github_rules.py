"""Judges review comments as GitHub does, by the bytes of the diff alone: neither our parser nor our payload's code.

GitHub answers 422 to a whole review for one comment whose path is not in the diff, whose line is in none of its hunks
on the comment's side, whose start is not before its line, or in another hunk, or whose text is empty or longer than
65,536 characters.
"""

import re
from collections.abc import Iterable

from codereview.domain.finding import Side
from codereview.domain.git_paths import path_text, unquoted
from codereview.domain.publication import ReviewComment

_LONGEST_BODY = 65_536  # characters
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_STEPS = {b"+": (0, 1), b"-": (1, 0), b" ": (1, 1), b"": (1, 1), b"\r": (1, 1)}

# For each path, the hunk that shows a line of a side.
Hunks = dict[str, dict[tuple[Side, int], int]]


def hunks_of(diff: bytes) -> Hunks:
    """Number the hunks of a diff, and say which lines each shows."""
    hunks: Hunks = {}
    lines = diff.split(b"\n")
    at, number, old_path, path = 0, 0, "", ""
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(b"--- "):
            old_path = _path(line[4:])
        elif line.startswith(b"+++ "):
            path = _path(line[4:]) or old_path
        elif header := _HUNK.match(line):
            number += 1
            places = hunks.setdefault(path, {})
            old, new = int(header[1]), int(header[3])
            old_end, new_end = old + int(header[2] or 1), new + int(header[4] or 1)
            while (old < old_end or new < new_end) and at < len(lines):
                down = _STEPS.get(lines[at][:1], (0, 0))
                at += 1
                if down[0]:
                    places[Side.LEFT, old] = number
                if down[1]:
                    places[Side.RIGHT, new] = number
                old, new = old + down[0], new + down[1]
    return hunks


def refusals(comments: Iterable[ReviewComment], hunks: Hunks) -> list[str]:
    """Say of each comment that GitHub would refuse why."""
    return [reason for comment in comments if (reason := _refusal(comment, hunks)) is not None]


def _refusal(comment: ReviewComment, hunks: Hunks) -> str | None:
    places = hunks.get(comment.path, {})
    hunk = places.get((comment.side, comment.line))
    rules = {
        "the text is empty or too long": len(comment.body.strip()) > 0 and len(comment.body) <= _LONGEST_BODY,
        "the path is not in the diff": bool(places),
        "the line is not in the diff": hunk is not None,
        "the start is not before the line": comment.start_line is None or comment.start_line < comment.line,
        "the start is in another hunk": comment.start_line is None
        or places.get((comment.side, comment.start_line)) == hunk,
    }
    broken = next((rule for rule, is_kept in rules.items() if not is_kept), None)
    return None if broken is None else f"{comment.path}:{comment.line}: {broken}"


def _path(name: bytes) -> str:
    path = unquoted(name.removesuffix(b"\t"))
    return "" if path == b"/dev/null" else path_text(path[2:])
