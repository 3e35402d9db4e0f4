"""Reads back what a model was shown of a change: the lines that it could quote, and their numbers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from codereview.domain.hidden_text import strip_hidden
from codereview.domain.masking import mask_secrets
from codereview.domain.paths import shown_path
from codereview.domain.quote_readings import LONGEST_LINE

_HEADING = re.compile(r"=== file: (.*) \([a-z]+(?:, was .*)?\)")
_NUMBERED = re.compile(r" *(\d+) [+ ] (.*)", re.DOTALL)
_REMOVED = re.compile(r" {6} - (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """The lines of one file that models saw."""

    lines: dict[int, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Shown:
    """The files that models saw, by the path as it was written for them."""

    files: dict[str, ShownFile]

    def line(self, path: str, number: int) -> str | None:
        """Return a line of the new file; None if it was not shown."""
        file = self.files.get(shown_path(path))
        return None if file is None else file.lines.get(number)

    def has_removed(self, path: str, text: str) -> bool:
        """Whether a removed line with this text was shown."""
        file = self.files.get(shown_path(path))
        return file is not None and mask_secrets(strip_hidden(text))[:LONGEST_LINE] in file.removed


def read_shown(texts: Iterable[str]) -> Shown:
    """Read renderings of parts of a change (domain/context.py)."""
    files: dict[str, ShownFile] = {}
    for text in texts:
        file = ShownFile()
        for row in text.split("\n"):
            if numbered := _NUMBERED.fullmatch(row):
                file.lines[int(numbered[1])] = numbered[2]
            elif removed := _REMOVED.fullmatch(row):
                file.removed.add(removed[1][:LONGEST_LINE])
            elif heading := _HEADING.fullmatch(row):
                file = files.setdefault(heading[1], ShownFile())
    return Shown(files)
