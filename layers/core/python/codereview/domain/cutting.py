"""Cuts Markdown to what GitHub takes, on the boundaries of characters, code and fences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codereview import messages
from codereview.domain.sanitising import sanitise

# "body is too long (maximum is 65536 characters)": https://github.com/octopusreview/octopus/issues/511
MAX_BODY = 65_536
# Documented as characters, counted as bytes: https://github.com/github/rest-api-description/issues/5399
MAX_CHECK_SUMMARY = 65_535
# Nothing shorter than this of a long text is worth showing.
_LEAST_PART = 200

Measure = Callable[[str], int]


def characters(text: str) -> int:
    """Count as GitHub may: in UTF-16 units, where an emoji is two; never less than the number of characters."""
    return len(text.encode("utf-16-le", "replace")) // 2


def utf8_bytes(text: str) -> int:
    """Count bytes of UTF-8."""
    return len(text.encode("utf-8", "replace"))


def cut(markdown: str, limit: int, measure: Measure = characters) -> str:
    """Shorten sanitised Markdown to `limit`, with a note; what the cut leaves open is closed."""
    if measure(markdown) <= limit:
        return markdown
    room = limit - measure(messages.CUT) - 2
    length = min(len(markdown), max(0, room))
    while length > 0:
        kept = sanitise(markdown[:length].rstrip())
        excess = measure(kept) - room
        if excess <= 0:
            return f"{kept.rstrip()}\n\n{messages.CUT}"
        length -= max(1, excess // 4)
    return messages.CUT if measure(messages.CUT) <= limit else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a document whose items may be left out from the end; `noun` names one of them.

    `most` bounds its length, so that it leaves those behind it some room.
    """

    title: str
    items: tuple[str, ...]
    noun: str
    separator: str = "\n"
    most: int | None = None


def assemble(top: str, sections: Sequence[Section], bottom: str, *, limit: int, measure: Measure = characters) -> str:
    """Put a document together: top and bottom whole, of the sections as much as fits, the first ones before the last.

    What is left out is counted in the document.
    """
    room = limit - measure(top) - measure(bottom) - 4
    parts = [top]
    for section in sections:
        if not section.items:
            continue
        text = _fitting(section, room if section.most is None else min(room, section.most), measure)
        if text:
            parts.append(text)
            room -= measure(text) + 2
    return "\n\n".join([*parts, bottom])


def _fitting(section: Section, room: int, measure: Measure) -> str:
    heading = f"#### {section.title}\n"
    note = "\n\n" + messages.omitted(len(section.items), section.noun)
    left = room - measure(heading) - measure(note) - 2
    shown: list[str] = []
    for item in section.items:
        size = measure(item) + len(section.separator)
        if size > left and left > _LEAST_PART and not shown:
            item = cut(item, left - len(section.separator), measure)  # noqa: PLW2901 - the first one is worth showing in part
            size = measure(item) + len(section.separator)
        if size > left:
            break
        shown.append(item)
        left -= size
    if not shown and room < measure(heading + note):
        return ""
    missing = len(section.items) - len(shown)
    parts = [section.separator.join(shown)] if shown else []
    if missing:
        parts.append(messages.omitted(missing, section.noun))
    return heading + "\n" + "\n\n".join(parts)
