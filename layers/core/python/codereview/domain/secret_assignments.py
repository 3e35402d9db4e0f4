"""Finds values that are given to something called password, token, key…, in any language's way to write that."""

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from codereview.domain import secret_values
from codereview.domain.source_kind import is_example, is_machine_made, is_test


class AssignedKind(StrEnum):
    """What the name promises; decides how the value is judged."""

    PASSWORD = "password"  # noqa: S105 - a kind, not a value
    TOKEN = "token"  # noqa: S105 - likewise
    KEY = "key"
    SALT = "salt"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value and where it stands in the text."""

    kind: AssignedKind
    start: int
    end: int
    is_doubtful: bool  # in tests, documentation and examples


# Every name that matters contains one of these; looking for plain words is 30 times faster than a regular expression.
_CORES: Mapping[str, AssignedKind] = {
    **dict.fromkeys(("pass", "pwd", "pswd", "contrase", "senha", "parol", "identified"), AssignedKind.PASSWORD),
    **dict.fromkeys(("secret", "token", "cred", "auth", "bearer"), AssignedKind.TOKEN),
    **dict.fromkeys(("salt", "nonce"), AssignedKind.SALT),
    "key": AssignedKind.KEY,
}
_WORD = re.compile(
    r"pass(?:word|wd|wort|phrase|code|w|e)?|pwd|pswd|contrase(?:n|ñ)a|senha|parol[ae]?|identified|secret|token|"
    r"cred(?:ential)?s?|auth(?:orization)?(?:[_-]?(?:code|hash|str(?:ing)?|data))?|bearer|salt|nonce|key"
)
# Shorter words that are also the ends of others (compass, monkey): they count only where a part of the name begins.
_SHORT = frozenset({"pass", "passe", "cred", "creds", "auth", "salt", "key"})
# Keys of these are secrets, as machines make them; of others they are mostly names of entries.
_KEY_OF_SECRET = re.compile(
    r"(?:secret|api|access|auth|account|private|encrypt(?:ion)?|sign(?:ing|ature)?|master|storage|subscription|shared|app|"
    r"application|consumer|client|session|service|admin|license|jwt|hmac|crypto|cipher|aes|deploy|instrumentation|webhook)"
    r"[_. -]?$",
    re.IGNORECASE,
)
# What may follow the word within the name and leave it the name of a secret.
_SUFFIX = re.compile(
    r"(?:s|[_.-]?\d{1,3}|[_.-]?(?:value|val|str|string|text|b64|base64|hex|raw|plain|plaintext|prod|production|dev|develop|"
    r"development|stag|stage|staging|live|sandbox|root|admin|user|db|database|master|main|primary|secondary|new|old|current|"
    r"data|base|key|hash|salt|env|default|const|constant))?",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# Parts that make the name that of something public, or of something about a secret.
_HARMLESS = re.compile(
    r"public|pub|primary|foreign|cache|sort|partition|object|index|column|col|field|regexp?|pattern|path|file(?:name)?|dir|"
    r"ur[li]|link|type|names?|length|len|size|count|min|max|expir(?:y|es?|ation)|ttl|timeout|keyboard|shortcut|hot|"
    r"checksum|integrity|digest|sha\d*|md5|etag|revision|commit|page|request|next|continuation|cancel|idempotency|syntax|"
    r"lexer|parser|site|query|header|param"
)
# Wherever they stand before the name, what follows is said to people.
_SPOKEN = re.compile(
    r"messages?|msg|labels?|errors?|hints?|titles?|placeholder|translations?|locales?|i18n|validation|tooltip|help|"
    r"description"
)
_QUOTED = re.compile(
    r"""(?P<close>["'\])]{0,3})\s{0,8}"""
    r"""(?:(?::\s{0,3}[A-Za-z_][\w\[\]., |?]{0,30}?\s{0,3}(?==))?"""
    r"""(?:=>|:=|\|\|=|\?\?=|(?<!=)=(?!=)|:(?!:)|,|\()|\s{1,3}value\s{0,2}=)\s{0,8}"""
    r"""(?:(?:new\s)?(?:[A-Z]\w{0,30}(?:\.\w{1,20})?|str|bytes|bytearray|env|getenv)\()?[bruLNf@]{0,2}(?P<quote>\\?["'`])(?P<value>[^"'`\r\n\\]{4,512})(?P=quote)"""
)
_ELEMENT = re.compile(r"""(?:\s[^<>\n]{0,80})?>\s{0,8}(?P<value>[^<>\s]{4,512})\s{0,8}</""")
_UNQUOTED = re.compile(
    r"""[ \t]{0,40}(?:=(?!=)|:(?=[ \t]))[ \t]{0,40}(?P<value>[^\s"'`;,]{6,512})[ \t]{0,8}(?=\r?$|[;#]|[ \t]#)""",
    re.MULTILINE,
)
_CONNECTION = re.compile(r"""\s?=\s?(?P<value>[^;"'\s&<>{}$%]{6,256})(?=[;"'])""")
_QUERY = re.compile(r"""=(?P<value>[\w%.~+/-]{12,256})(?=[&"'\s)\]<]|$)""")
_OPTION = re.compile(r"""(?:[ =]["']?)(?P<value>[^\s"'`;|&<>-][^\s"'`;|&<>]{5,255})""")
_SQL = re.compile(r"""(?:\s{1,4}by)?\s{1,4}'(?P<value>[^'\r\n]{6,256})'""", re.IGNORECASE)
# What every way to give a value begins with; spares most names that are only used.
_GIVEN = re.compile(r"""["'\])]{0,3}\s{0,8}(?:[=:,(>?|']|value\b|by\b|(?<=[ ])\S)""")
_LINE_START = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?(?:(?:export|set|setx|env|arg|declare|local|readonly)[ \t]+(?:-\w+[ \t]+)?)?[\"']?$",
    re.IGNORECASE,
)
_CONFIGURATION = re.compile(
    r"\.(?:ya?ml|properties|ini|cfg|conf|config|env|toml|tfvars|sh|bash|zsh|bat|ps1|cmd|txt|log|netrc|npmrc|pypirc|envrc|list)$"
    r"|(?:^|/)(?:\.env[\w.-]*|env|dockerfile[\w.-]*|credentials|\.netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|[\w-]*rc)$"
    r"|(?:^|/)[^/.]+$|\.(?:md|rst|adoc)$",
    re.IGNORECASE,
)
_LONGEST_NAME = 24
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def find_assignments(text: str, path: str) -> Iterator[Assignment]:
    """Yield every value in `text` that reads like a secret given to a name that promises one, in order."""
    if is_machine_made(path):
        return
    is_doubtful = is_test(path) or is_example(path)
    takes_unquoted = bool(_CONFIGURATION.search(path))
    position = 0
    for start, kind in _words(text):
        if start < position:
            continue
        span = _given(text, start, kind, takes_unquoted=takes_unquoted)
        if span is not None and _is_secret(span[0], text[span[1] : span[2]], is_doubtful=is_doubtful):
            yield Assignment(*span, is_doubtful)
            position = span[2]


def _words(text: str) -> list[tuple[int, AssignedKind]]:
    """Return the places of all words that a name of a secret contains, in order."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters grow when they are made small, and would shift the places
        lower = text.translate(_ASCII_LOWER)
    places = []
    for core, kind in _CORES.items():
        at = lower.find(core)
        while at >= 0:
            places.append((at, kind))
            at = lower.find(core, at + len(core))
    places.sort()
    return places


def _given(text: str, start: int, kind: AssignedKind, *, takes_unquoted: bool) -> tuple[AssignedKind, int, int] | None:
    """Return the value that the name around the word at `start` is given; None if there is none, or it is harmless."""
    word = _WORD.match(text[start : start + 20].lower())
    if word is None:
        return None
    tail = _tail(text, start + word.end())
    if tail is None or not _GIVEN.match(text, tail):
        return None
    before = text[max(0, start - 60) : start]
    prefix = _prefix(before)
    if kind is AssignedKind.KEY and _KEY_OF_SECRET.search(before[-16:]):
        kind = AssignedKind.TOKEN
    elif word.group() in _SHORT and prefix[-1:].islower() and text[start].islower():
        return None
    if _is_harmless(prefix, text[start:tail]):
        return None
    span = _value(text, tail, before[: len(before) - len(prefix)], prefix, takes_unquoted=takes_unquoted)
    return None if span is None else (kind, *span)


def _is_harmless(prefix: str, rest: str) -> bool:
    owner, _, first = prefix.rpartition(".")
    parts = [part.lower() for part in _PARTS.findall(first + rest)]
    owners = [part.lower() for part in _PARTS.findall(owner)]
    return any(map(_HARMLESS.fullmatch, parts)) or any(map(_SPOKEN.fullmatch, parts + owners))


def _prefix(before: str) -> str:
    """Return the part of the name that stands before the word; a regular expression would search from every place."""
    start = len(before)
    while start and (before[start - 1].isalnum() or before[start - 1] in "_.-"):
        start -= 1
    return before[start:]


def _tail(text: str, position: int) -> int | None:
    """Return where the name ends, None if its rest makes it the name of something else."""
    end = position
    while end < len(text) and end - position < _LONGEST_NAME and (text[end].isalnum() or text[end] in "_.-"):
        end += 1
    while end > position and text[end - 1] in ".-":
        end -= 1
    return end if _SUFFIX.fullmatch(text, position, end) else None


def _value(text: str, tail: int, before: str, prefix: str, *, takes_unquoted: bool) -> tuple[int, int] | None:
    """Find the value that is given to the name which ends at `tail`."""
    found = _QUOTED.match(text, tail)
    if found and _gives(found, before):
        return found.span("value")
    shapes = []
    if before.endswith("<"):
        shapes.append(_ELEMENT)
    if takes_unquoted and _LINE_START.match(before.rpartition("\n")[2]):
        shapes.append(_UNQUOTED)
    if before.endswith(("?", "&")):
        shapes.append(_QUERY)
    if before.endswith(("'", '"', ";", "; ")):
        shapes.append(_CONNECTION)
    if prefix.startswith("--"):
        shapes.append(_OPTION)
    if before.endswith((" ", "\n", "")) and text[tail : tail + 6].lower().startswith((" '", " by '")):
        shapes.append(_SQL)
    for shape in shapes:
        found = shape.match(text, tail)
        if found:
            return found.span("value")
    return None


def _gives(found: re.Match[str], before: str) -> bool:
    """Tell whether what stands between name and value gives the one to the other.

    set("password", "x") does, f(password, "x") and ["password", "x"] do not; password("x") does, ("password")("x") not.
    """
    separator = found.string[found.end("close") : found.start("quote")].strip()[:1]
    if separator == ",":
        return bool(found["close"]) and before.rstrip("\"'\\").endswith("(")
    return not (separator == "(" and found["close"])


def _is_secret(kind: AssignedKind, value: str, *, is_doubtful: bool) -> bool:
    if kind is AssignedKind.KEY and secret_values.is_hex(value):
        return False  # a digest by which something is looked up
    if is_doubtful or kind in (AssignedKind.KEY, AssignedKind.SALT):
        return secret_values.is_strong_token(value)
    if kind is AssignedKind.PASSWORD:
        return secret_values.is_password(value)
    return secret_values.is_token(value)
