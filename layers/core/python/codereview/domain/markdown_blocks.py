"""Reads GitHub's Markdown as far as it must be known what is code in it: fences, and runs of text lines.

This follows the block rules of CommonMark for quotes, list items, fences and indented code, and leaves out what the
sanitiser makes impossible anyway: HTML blocks and link definitions. Where it errs about odd input nothing dangerous
follows, since what is written out again (`sanitising`) is unmistakable, whatever was read.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fence:
    """A code block. `code` keeps its line ends; `marker` is the run of characters that encloses it."""

    marker: str
    info: str
    code: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that inline markup may run across, or a single one. `leads` stand before them: quote and list signs."""

    leads: tuple[str, ...]
    texts: tuple[str, ...]


_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
_LEAD = re.compile(r"(?:[ \t>+*-]|\d{1,9}[.)])*+")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r" {0,3}(?:[-+*]|(?P<number>\d{1,9})[.)])(?P<gap> +|$)")
_RULE = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$")
_FENCE = re.compile(r"(?P<indent> {0,3})(?:(?P<ticks>`{3,})(?P<info>[^`]*)|(?P<tildes>~{3,})(?P<rest>.*))$")
_SINGLE = re.compile(r" {0,3}(?:#{1,6}(?:[ \t]|$)|=+ *$|-+ *$|[|:\- ]*-[|:\- ]*$)")
_CODE_INDENT = 4
_TAB = 4


@dataclass(frozen=True, slots=True)
class _OpenFence:
    marker: str
    info: str
    indent: int
    lines: list[str]


class _Reader:
    """What is open while line after line is read. A container is None for a quote, else a list item's width."""

    def __init__(self) -> None:
        self.blocks: list[Fence | Lines] = []
        self._containers: list[int | None] = []
        self._fence: _OpenFence | None = None
        self._leads: list[str] = []
        self._texts: list[str] = []
        self._indented: list[str] = []
        self._is_list_broken = False  # a fence was taken out of it: what follows loses its indentation

    def read(self, line: str, ending: str) -> None:
        lead = _LEAD.match(line)
        width = lead.end() if lead else 0
        expanded = line[:width].expandtabs(_TAB) + line[width:]
        if self._fence and self._continues_fence(self._fence, line, ending):
            return
        matched, rest, _ = self._matched(expanded)
        if not rest.strip(" \t"):
            self._blank(matched, ending)
            return
        is_paragraph = bool(self._texts)
        opened, rest = self._opened(rest, is_interrupting=is_paragraph and matched == len(self._containers))
        starts_fence = _FENCE.match(rest)
        if opened or starts_fence or _SINGLE.match(rest) or _RULE.match(rest) or not is_paragraph:
            self._containers = self._containers[:matched] + opened
            if matched == 0:
                self._is_list_broken = False
        if starts_fence:
            self._open_fence(starts_fence)
        elif rest.startswith(" " * _CODE_INDENT) and not (is_paragraph and not opened):
            self._indented.append(rest[_CODE_INDENT:] + (ending or "\n"))
        else:
            self._text(expanded, rest, is_new=bool(opened))

    def finish(self) -> None:
        self._end_text()
        if self._fence:
            self._close_fence(self._fence)

    def _matched(self, line: str) -> tuple[int, str, int]:
        """Return how many of the open containers the line continues, what is left behind them, and its column."""
        column = 0
        for number, width in enumerate(self._containers):
            if width is None:
                rest, at, _ = _consume(line, column, _CODE_INDENT - 1)
                if not rest.startswith(">"):
                    return number, line, column
                line, column, _ = _consume(rest[1:], at + 1, 1)
            else:
                rest, at, missing = _consume(line, column, width)
                if missing and rest.strip(" \t"):
                    return number, line, column
                line, column = rest, at
        return len(self._containers), line, column

    def _continues_fence(self, fence: _OpenFence, line: str, ending: str) -> bool:
        """Take the line as a part of the fence, or its end; False if the end of its container has ended it before."""
        matched, rest, column = self._matched(line)
        if matched < len(self._containers):
            self._close_fence(fence)
            return False
        close, at, _ = _consume(rest.rstrip(" \t"), column, len(rest) * _TAB)
        if at - column < _CODE_INDENT and len(close) >= len(fence.marker) and not close.strip(fence.marker[0]):
            self._close_fence(fence)
            return True
        rest, _, _ = _consume(rest, column, fence.indent)
        if ending or rest:
            fence.lines.append(rest + (ending or "\n"))
        return True

    def _blank(self, matched: int, ending: str) -> None:
        if self._indented:
            self._indented.append(ending or "\n")
        else:
            self._end_text()
            lead = "> " * self._containers[:matched].count(None)
            self.blocks.append(Lines((lead.rstrip(),), ("",)))
        if None in self._containers[matched:]:
            self._containers = self._containers[:matched]

    def _opened(self, rest: str, *, is_interrupting: bool) -> tuple[list[int | None], str]:
        """Return the containers that the line opens, and what of it is left behind their signs."""
        opened: list[int | None] = []
        while True:
            quote = _QUOTE.match(rest)
            item = None if _RULE.match(rest) else _ITEM.match(rest)
            if quote:
                opened.append(None)
                rest = rest[quote.end() :]
            elif item and not (is_interrupting and not opened and _cannot_interrupt(item, rest)):
                gap = len(item["gap"])
                width = item.end() if 1 <= gap <= _CODE_INDENT and item.end() < len(rest) else item.start("gap") + 1
                opened.append(width)
                rest = rest[width:]
            else:
                return opened, rest

    def _open_fence(self, start: re.Match[str]) -> None:
        self._end_text()
        marker = start["ticks"] or start["tildes"]
        info = start["info"] if start["ticks"] else start["rest"]
        self._fence = _OpenFence(marker, info.strip(" \t"), len(start["indent"]), [])
        self._is_list_broken = bool(self._containers)

    def _close_fence(self, fence: _OpenFence) -> None:
        self.blocks.append(Fence(fence.marker, fence.info, "".join(fence.lines)))
        self._fence = None

    def _text(self, line: str, rest: str, *, is_new: bool) -> None:
        text = rest.lstrip(" \t")
        lead = line[: len(line) - len(text)]
        is_single = bool(_SINGLE.match(rest) or _RULE.match(rest))
        if self._indented or is_new or is_single:
            self._end_text()
        self._leads.append(lead.lstrip(" ") if self._is_list_broken else lead)
        self._texts.append(text)
        if is_single:
            self._end_text()

    def _end_text(self) -> None:
        if self._indented:
            code = "".join(self._indented)
            kept = code.rstrip("\r\n")
            blank = code[len(kept) :].count("\n") - 1
            self.blocks.append(Fence("```", "", kept + "\n"))
            self.blocks.extend([Lines(("",), ("",))] * max(0, blank))
            self._indented = []
        if self._texts:
            self.blocks.append(Lines(tuple(self._leads), tuple(self._texts)))
            self._leads, self._texts = [], []


def _consume(line: str, column: int, width: int) -> tuple[str, int, int]:
    """Take up to `width` columns of blanks off the line; return the rest, its column, and how many were missing.

    A tab that is only used in part leaves spaces for the other part, as in CommonMark.
    """
    position = 0
    while width and position < len(line) and line[position] in " \t":
        step = _TAB - column % _TAB if line[position] == "\t" else 1
        position += 1
        if step > width:
            return " " * (step - width) + line[position:], column + width, 0
        width -= step
        column += step
    return line[position:], column, width


def _cannot_interrupt(item: re.Match[str], rest: str) -> bool:
    """Tell list items that do not end a paragraph: empty ones, and numbers other than one."""
    return not rest[item.end() :].strip() or item["number"] not in (None, "1")


def read_blocks(markdown: str) -> list[Fence | Lines]:
    """Return the blocks of the text, in order; together they hold all of its lines."""
    reader = _Reader()
    for line in _LINE.finditer(markdown):
        if line.start() == len(markdown) and markdown.endswith(("\n", "\r")):
            break
        reader.read(line[1], line[2])
        if not line[2]:
            break
    reader.finish()
    return reader.blocks
