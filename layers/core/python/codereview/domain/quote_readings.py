"""The ways in which the lines of a model's quote may be meant: as they stand, or as rows of what it was shown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codereview.domain.hidden_text import strip_hidden

# Models are shown no more of a line (domain/context.py), so that nobody quotes what is behind.
LONGEST_LINE = 2_000
_MOST_LINES = 2_000
_FENCE = re.compile(r"\s*(?:```|~~~)[\w+-]*\s*")
# Rows as they are shown (domain/context.py); models lose the blanks in front.
_SHOWN_ROW = re.compile(r"\s*(\d{1,7}) [+ ](?: (.*))?", re.DOTALL)
_SHOWN_MARK = re.compile(r"\s*(?:\d{1,7} [+ ]|-)")
_SHOWN_REMOVED_ROW = re.compile(r"\s*- ?(.*)", re.DOTALL)
_REMOVED_LEAD = " " * 7 + "-"
# A line that stands for lines that were left out, in a comment or not.
_GAP = re.compile(r"\s*(?:#|//|--|/?\*)?\s*(?:\.{3,}|…)\s*(?:\*/)?\s*")
# And as other tools number lines: `12: text`, `12 | text`, `L12 text`.
_NUMBERED = re.compile(r"\s*L?(\d{1,7})(?:\s*[:|]\s?|\s+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The lines to look for, without white space and without blank ones; `number` is what the first is numbered as.

    `indents` is the white space before each, empty where the first has none: models strip a quote more often than they
    copy a line that has no indentation.
    """

    lines: tuple[str, ...]
    number: int | None = None
    indents: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All lines in one."""
        return "".join(self.lines)


def squeezed(text: str) -> str:
    """Take all white space out."""
    return "".join(text.split())


def indent(text: str) -> str:
    """Return the white space that a line begins with."""
    return text[: len(text) - len(text.lstrip())]


def is_shown_as_removed(quote: str) -> bool:
    """Tell rows of the rendered change, or of a diff, that are all removed ones."""
    lines = [line for line in quote.split("\n") if line.strip()]
    return bool(lines) and all(line.lstrip().startswith("-") for line in lines)


def is_row_of_removed(quote: str) -> bool:
    """Tell rows of the rendered change with their blanks in front: no code begins so, list or not."""
    lines = [line for line in quote.split("\n") if line.strip() and not is_gap(line)]
    return bool(lines) and all(line.startswith(_REMOVED_LEAD) for line in lines)


def is_gap(line: str) -> bool:
    """Tell a line that says that some were left out."""
    return _GAP.fullmatch(line) is not None


def bare_lines(quote: str) -> list[str]:
    """Return the quote's lines without a fence around them and without the marks of rows, so that blank ones are seen.

    For counting only: what a removed row's sign is, a list's dash may be.
    """
    lines = quote.split("\n")
    if len(lines) > 2 and _FENCE.fullmatch(lines[0]) and _FENCE.fullmatch(lines[-1]):  # noqa: PLR2004 - and a text
        lines = lines[1:-1]
    filled = [line for line in lines if line.strip()]
    if all(_SHOWN_ROW.fullmatch(line) or _SHOWN_REMOVED_ROW.fullmatch(line) for line in filled):
        return [_SHOWN_MARK.sub("", line, count=1) for line in lines]
    if all(line[0] in "+- " for line in filled):
        return [line[1:] for line in lines]
    return lines


def readings(quote: str) -> Iterator[Reading]:
    """Yield each reading once, the most literal first."""
    texts = [line[:LONGEST_LINE] for line in strip_hidden(quote).split("\n") if line.strip()][:_MOST_LINES]
    seen: set[tuple[str, ...]] = set()
    for number, lines in _ways(texts):
        filled = tuple(text for text in map(squeezed, lines) if text)
        if filled and filled not in seen:
            seen.add(filled)
            indents = tuple(indent(line) for line in lines if line.strip())
            yield Reading(lines=filled, number=number, indents=indents if indents[0] else ())


def _ways(texts: list[str]) -> Iterator[tuple[int | None, list[str]]]:
    if is_row_of_removed("\n".join(texts)):
        yield None, [text.removeprefix(_REMOVED_LEAD).removeprefix(" ") for text in texts]
    yield None, texts
    if len(texts) > 2 and _FENCE.fullmatch(texts[0]) and _FENCE.fullmatch(texts[-1]):  # noqa: PLR2004 - and a text
        yield None, texts[1:-1]  # there may be fences in it too
    texts = [text for text in texts if not _FENCE.fullmatch(text)]
    yield None, texts
    yield from _as_shown(texts)
    numbered = [match for text in texts if (match := _NUMBERED.fullmatch(text))]
    if numbered and len(numbered) == len(texts):
        yield int(numbered[0][1]), [match[2] for match in numbered]
    if all(text[0] in "+- " for text in texts):  # a diff's own marks
        kept = [text[1:] for text in texts if text[0] != "-"]
        yield None, kept or [text[1:] for text in texts]
    yield None, [text.removeprefix("+") for text in texts]
    if len(texts) == 1:
        yield None, [re.sub(r"^\s*[+-]", "", texts[0])]
        yield None, [texts[0].strip().strip("`")]


def _as_shown(texts: list[str]) -> Iterator[tuple[int | None, list[str]]]:
    """Read the lines as rows of the rendered change; removed ones have no number, and count only if all are removed."""
    rows = [(_SHOWN_ROW.fullmatch(text), _SHOWN_REMOVED_ROW.fullmatch(text)) for text in texts]
    if not all(shown or removed for shown, removed in rows):
        return
    kept = [shown for shown, _ in rows if shown]
    if kept:
        yield int(kept[0][1]), [shown[2] or "" for shown in kept]
    elif all(text.startswith("  ") for text in texts[1:]):
        yield None, [removed[1] for _, removed in rows if removed]
