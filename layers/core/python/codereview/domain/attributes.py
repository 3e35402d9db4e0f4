"""Reads what a repository's own .gitattributes says about generated and vendored files, by git's rules of matching.

Only the file at the root is read. Matching takes time linear in pattern and path, whoever wrote the pattern.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate

# More rules than any repository has; beyond them files are merely reviewed as if they had no rule.
_MOST_RULES = 500
_NAMES = ("linguist-generated", "linguist-vendored")
# A pattern with blanks is quoted as in C.
_PATTERN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))')


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """One line's word about one attribute; `segments` are the pattern's folders, None for `**`."""

    attribute: str
    is_set: bool
    segments: tuple[re.Pattern[str] | None, ...]

    def is_match(self, path: str) -> bool:
        """Whether the pattern means this path."""
        return _is_match(self.segments, path.split("/"))


def read_rules(attributes: bytes) -> tuple[AttributeRule, ...]:
    """Return the rules, in their order: the last that matches wins."""
    rules: list[AttributeRule] = []
    for line in attributes.decode("utf-8", "surrogateescape").split("\n"):
        rules += _rules(line)
        if len(rules) >= _MOST_RULES:
            break
    return tuple(rules[:_MOST_RULES])


def declared(rules: tuple[AttributeRule, ...], attribute: str, path: str) -> bool | None:
    """Tell what the repository says of a path; None where it says nothing."""
    return next((rule.is_set for rule in reversed(rules) if rule.attribute == attribute and rule.is_match(path)), None)


def _rules(line: str) -> Iterator[AttributeRule]:
    match = _PATTERN.match(line)
    if match is None:
        return
    pattern = match[2] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1])
    if not pattern or pattern.startswith(("#", "!", "[attr]")) or pattern.endswith("/"):
        return  # git ignores these, too, or they match no file
    for word in line[match.end() :].split():
        name, _, value = word.removeprefix("-").removeprefix("!").partition("=")
        if name in _NAMES:
            is_set = not word.startswith(("-", "!")) and value.lower() not in ("false", "0", "no")
            yield AttributeRule(attribute=name, is_set=is_set, segments=_segments(pattern))


def _segments(pattern: str) -> tuple[re.Pattern[str] | None, ...]:
    """Cut a pattern at its slashes; one without matches in any folder."""
    parts = pattern.removeprefix("/").split("/") if "/" in pattern else ["**", pattern]
    return tuple(None if part == "**" else re.compile(translate(part)) for part in parts)


def _is_match(segments: tuple[re.Pattern[str] | None, ...], parts: list[str]) -> bool:
    """Match folder by folder; after a `**` it is enough to remember the last one."""
    at = segment = 0
    star: int | None = None
    restart = 0
    while at < len(parts):
        wanted = segments[segment] if segment < len(segments) else None
        if segment < len(segments) and wanted is None:
            star, restart, segment = segment, at, segment + 1
            if segment == len(segments):
                return True  # `folder/**` means everything below
        elif wanted is not None and wanted.match(parts[at]):
            at, segment = at + 1, segment + 1
        elif star is not None:
            restart += 1
            at, segment = restart, star + 1
        else:
            return False
    return segment == len(segments)
