"""Makes a stranger's Markdown harmless: what a model wrote may be formatted, but can do nothing.

Outside of code nothing stays that GitHub, or a bot that reads comments, acts upon: mentions, commands, references to
issues, links and images other than to a few reference works, HTML, mathematics, hidden characters. What must not act
but may be read is shown as code, since nobody acts upon that. Code spans and fences stay as they are, byte by byte;
only the fence around the code may move to the margin, or change so far that it is certain to hold.
"""

import html
import re
from collections.abc import Iterator

from codereview.domain.hidden_text import storable, strip_hidden
from codereview.domain.markdown_blocks import Fence, Lines, read_blocks
from codereview.domain.markdown_code import LONGEST_FENCE, LONGEST_TICKS, longest_run, with_shorter_runs

# Reference works whose pages nobody can write to for the sake of a link, so that a link gives nothing away.
ALLOWED_HOSTS = (
    "cheatsheetseries.owasp.org",
    "cwe.mitre.org",
    "datatracker.ietf.org",
    "developer.mozilla.org",
    "doc.rust-lang.org",
    "docs.astral.sh",
    "docs.aws.amazon.com",
    "docs.djangoproject.com",
    "docs.github.com",
    "docs.oracle.com",
    "docs.python.org",
    "docs.sqlalchemy.org",
    "go.dev",
    "learn.microsoft.com",
    "nodejs.org",
    "nvd.nist.gov",
    "owasp.org",
    "peps.python.org",
    "react.dev",
    "www.postgresql.org",
    "www.rfc-editor.org",
    "www.typescriptlang.org",
)
_ALLOWED_URL = re.compile(
    rf"https://(?:{'|'.join(map(re.escape, ALLOWED_HOSTS))})(?:/(?:[\w./~-]|%[0-9A-Fa-f]{{2}})*)?(?:#[A-Za-z][\w.-]*)?",
    re.ASCII,
)
# GitHub draws what these hold, or offers to apply it.
_ACTIVE_INFO = frozenset({"mermaid", "math", "geojson", "topojson", "stl", "suggestion"})
_PLAIN_INFO = re.compile(r"[A-Za-z0-9][\w+#.-]{0,39}", re.ASCII)
_MAX_ROUNDS = 10

_TICKS = re.compile(r"\\(?:\\|`)|`+")
_ESCAPED = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)|(?P<plain>[&<`])"
)
# The backslash before these does nothing for Markdown, but hides a mention, a link or a command from the eye.
_NEEDLESS = frozenset("@/:$\"',;?%^")
_MARKUP = frozenset("\\`*_{}[]()>+-.!|~=")
_BRACKETS = re.compile(r"\\.|[\[\]]", re.DOTALL)
# Code spans and the ends of links stand as single characters of a private plane while the text around them is changed.
_FIRST_SLOT = 0xF0000
_LAST_SLOT = 0xFFFFD
_SLOTS = "\U000f0000-\U000fffff"
_LINK = re.compile(
    rf"(?<!\\)!?\[(?P<text>[^\[\]\n]{{0,500}})\]\([ ]?"
    rf"(?P<url>(?:[^\s()<>\\`{_SLOTS}]|\([^\s()<>\\`{_SLOTS}]{{0,200}}\)){{0,2000}})"
    r"(?:[ \n](?:\"[^\"\n]{0,300}\"|'[^'\n]{0,300}'|\([^()\n]{0,300}\)))?[ ]?\)"
)
_WORD = re.compile(rf"\\[!-/:-@\[-`{{-~]|[^\s\\`\[\]()<>*~\"'{_SLOTS}]+")
_LIVE = re.compile(
    r"@|\$|://|www\.|#\d|gh-\d|^(?:javascript|data|vbscript|mailto|xmpp|tel|file|sms|blob|about|view-source):",
    re.IGNORECASE,
)
_URL_END = re.compile(r"[).,:;!?]*+(?:\s|\Z)")  # GitHub takes all else up to the next space for a part of a bare URL
_COMMAND = re.compile(
    r"^(?P<lead>[ \t>*+_~-]*)(?P<command>[/!][A-Za-z][\w-]*"
    r"|(?:bors|homu|rustbot|copilot|dependabot|jenkins)\b[ :]+[\w+-]+"
    r"|(?:recheck|retest this please|test this please|ok to test|add to whitelist)\b)",
    re.MULTILINE | re.IGNORECASE,
)
_TABLE = re.compile(r"[ \t]*(?=[-: \t]*[|:]|[ \t]{4})[|:\- \t]*-[|:\- \t]*")
_HEADING = re.compile(r"#{1,6}(?=[ \t]|\Z)")
_UNDERLINE = re.compile(r"=+[ \t]*|-+[ \t]*|(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_SMALLEST = "######"
_FENCE_LIKE = re.compile(r"((?:[ \t>+*-]|\d{1,9}[.)])*+)(~{3,})")


def sanitise(markdown: str) -> str:
    """Return the text with nothing live in it; what is sanitised already stays as it is."""
    markdown = storable(markdown)
    for _ in range(_MAX_ROUNDS):
        sanitised = _sanitised_once(markdown)
        if sanitised == markdown:
            break
        markdown = sanitised
    return markdown


def is_allowed_url(url: str) -> bool:
    """Tell links that may stay: to a reference work's page, without a query."""
    return bool(_ALLOWED_URL.fullmatch(url))


def _sanitised_once(markdown: str) -> str:
    pieces = [
        _fence(block) if isinstance(block, Fence) else "".join(f"{line}\n" for line in _Inline(block).lines())
        for block in read_blocks(markdown)
    ]
    text = "".join(pieces)
    return text if markdown.endswith(("\n", "\r")) else text.removesuffix("\n")


def _fence(block: Fence) -> str:
    """Write a fence that cannot be broken out of: at the margin, longer than any run of its own character within."""
    character = block.marker[0]
    code = with_shorter_runs(block.code, character, LONGEST_FENCE)
    longest = longest_run(code, character)
    marker = block.marker[:LONGEST_FENCE] if longest < len(block.marker) else character * (longest + 1)
    code = code if not code or code.endswith(("\n", "\r")) else code + "\n"
    return f"{marker}{_info(block.info)}\n{code}{marker}\n"


def _info(info: str) -> str:
    found = _PLAIN_INFO.match(info)
    if not found:
        return ""
    word = found.group()
    is_active = any(word.lower().startswith(active) for active in _ACTIVE_INFO)
    return "text" if is_active else word


class _Inline:
    """One run of lines, taken apart into code and text."""

    def __init__(self, block: Lines) -> None:
        self._slots: list[str] = []
        self._leads = [block.leads[0]]
        self._content = self._without_code("\n".join(block.texts), block.leads)

    def lines(self) -> Iterator[str]:
        """Yield the lines, sanitised."""
        text = _ESCAPED.sub(self._decoded, self._content)
        text = _LINK.sub(self._link, text)
        text = _COMMAND.sub(lambda found: found["lead"] + self._code(found["command"]), text)
        text = _WORD.sub(self._word, text)
        text = _BRACKETS.sub(lambda found: found[0] if len(found[0]) > 1 else "\\" + found[0], text)
        for lead, line in zip(self._leads, self._assembled(text).split("\n"), strict=True):
            yield lead + _without_block_marks(line, lead)

    def _without_code(self, text: str, leads: tuple[str, ...]) -> str:
        """Put code spans into slots, and strip the text between; a span that runs on loses its line ends to spaces."""
        pieces: list[str] = []
        position = number = 0
        for start, end in _spans(text):
            pieces.append(strip_hidden(text[position:start]))
            breaks = text.count("\n", position, start)
            self._leads.extend(leads[number + 1 : number + 1 + breaks])
            number += breaks + text.count("\n", start, end)
            pieces.append(self._slot(text[start:end].replace("\n", " ")))
            position = end
        pieces.append(strip_hidden(text[position:]))
        self._leads.extend(leads[number + 1 :])
        return "".join(pieces)

    def _slot(self, markup: str) -> str:
        """Keep a piece of finished markup; nobody writes so much of it that the slots do not do."""
        if _FIRST_SLOT + len(self._slots) > _LAST_SLOT:
            return " "
        self._slots.append(markup)
        return chr(_FIRST_SLOT + len(self._slots) - 1)

    def _code(self, text: str) -> str:
        return self._slot(f"`{html.unescape(text)}`")

    def _decoded(self, found: re.Match[str]) -> str:
        """Resolve escapes and entities, so that what follows sees the text that people and GitHub will see."""
        if found["plain"]:
            return {"&": "&amp;", "<": "&lt;", "`": "\\`"}[found["plain"]]
        if found["entity"]:
            return "".join(map(_as_text, html.unescape(found["entity"])))
        return _as_text(
            found["escaped"],
            before=found.string[found.start() - 1 : found.start()],
            after=found.string[found.end() :][:1],
        )

    def _link(self, found: re.Match[str]) -> str:
        text, url = found["text"], found["url"]
        if is_allowed_url(url) and not found[0].startswith("!"):
            return self._slot("[") + text + self._slot(f"]({url})") if text.strip() else url
        if not url or not text.strip():
            return text + (self._code(url) if url else "")
        return f"{text} ({self._code(url)})"

    def _word(self, found: re.Match[str]) -> str:
        word = found[0]
        if word.startswith("\\"):
            return word  # an escaped character
        if not _LIVE.search(word):
            return word
        if is_allowed_url(word.rstrip(".,:;!?")) and _URL_END.match(found.string, found.end()):
            return word
        body = word.rstrip(".,:!?|")
        return self._code(body) + word[len(body) :] if body else self._code(word)

    def _assembled(self, text: str) -> str:
        pieces: list[str] = []
        backslashes = 0
        was_code = False
        for character in text:
            if character < chr(_FIRST_SLOT):
                backslashes = backslashes + 1 if character == "\\" else 0
                was_code = False
                pieces.append(character)
                continue
            markup = self._slots[ord(character) - _FIRST_SLOT]
            is_code = markup.startswith("`")
            if backslashes % 2:
                pieces.append("\\")  # else it would escape the first character of the markup
            if is_code and was_code:
                pieces.append(" ")  # else the two runs of backticks would be one
            pieces.append(markup)
            backslashes, was_code = 0, is_code
        return "".join(pieces)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where code spans begin and end, by the rule of CommonMark: a run closes at the next one of its length."""
    runs = [found.span() for found in _TICKS.finditer(text)]
    ends: dict[int, list[tuple[int, int]]] = {}
    # Within code a backslash escapes nothing, so that closing runs are counted without it.
    for found in re.finditer("`+", text):
        ends.setdefault(len(found[0]), []).append(found.span())
    cursors = dict.fromkeys(ends, 0)
    position = 0
    for start, end in runs:
        if start < position or text[start] == "\\" or end - start > LONGEST_TICKS:
            continue
        candidates, cursor = ends.get(end - start, []), cursors.get(end - start, 0)
        while cursor < len(candidates) and candidates[cursor][0] < end:
            cursor += 1
        cursors[end - start] = cursor
        if cursor < len(candidates):
            position = candidates[cursor][1]
            yield start, position


def _as_text(character: str, before: str = "", after: str = "") -> str:
    """Write a character so that it means itself."""
    if character in "&<":
        return html.escape(character)
    if character in "\t\r\n":
        return " "
    is_needless = character in _NEEDLESS or (
        (character == "#" and (after.isdigit() or not after))
        or (character == "." and before.isalpha())
        or (character == "-" and before.isalnum() and after.isalnum())
    )
    if not is_needless and (character in _MARKUP or character == "#"):
        return "\\" + character
    return strip_hidden(character)


def _without_block_marks(line: str, lead: str) -> str:
    """Break what would make a table of the lines around it, or a fence of those that follow.

    Headings become the smallest, and rules and underlines none, so that nothing passes for a part of our own text.
    """
    if _TABLE.fullmatch(lead.lstrip("> \t") + line) or (line and _TABLE.fullmatch("    " + line) and _is_deep(lead)):
        return "\\" + line
    if _UNDERLINE.fullmatch(line):
        return "\\" + line
    if heading := _HEADING.match(line):
        return _SMALLEST + line[heading.end() :]
    fence = _FENCE_LIKE.match(line)
    return f"{fence[1]}\\{line[fence.end(1) :]}" if fence else line


def _is_deep(lead: str) -> bool:
    return lead.endswith("    ")
