"""Finds values that are given to something called password, token, key…, in any language's way to write that."""

import re
from collections.abc import Iterator
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


# A quick look that spares most files the rest.
KEYWORDS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "cred",
    "auth",
    "salt",
    "nonce",
    "bearer",
    "identified",
    "-u ",
    "user",
)

_ABOUT_PASSWORDS = r"pass(?:word|wd|wort|phrase|code|w)?|pwd|pswd|mot_?de_?passe|contrase(?:n|ñ)a|senha|parol[ae]?"
_ABOUT_TOKENS = (
    r"(?:secret|api|access|auth|account|private|encrypt(?:ion)?|sign(?:ing|ature)?|master|storage|subscription|shared|app|"
    r"application|consumer|client|session|service|admin|license|jwt|hmac|crypto|cipher|aes|deploy|license|instrumentation|"
    r"webhook)[_. -]?key|"
    r"secret|token|credentials?|creds?|api[_-]?secret|auth(?:orization)?(?:[_-]?(?:code|hash|str(?:ing)?|data))?|bearer"
)
_NAME = re.compile(
    rf"(?P<password>{_ABOUT_PASSWORDS})|(?P<token>{_ABOUT_TOKENS})|(?P<salt>salt|nonce)|(?P<key>key)", re.IGNORECASE
)
# What may follow the word within the name and leave it the name of a secret.
_SUFFIX = re.compile(
    r"(?:s|[_.-]?\d{1,3}|[_.-]?(?:value|val|str|string|text|b64|base64|hex|raw|plain|plaintext|prod|production|dev|develop|"
    r"development|stag|stage|staging|live|sandbox|root|admin|user|db|database|master|main|primary|secondary|new|old|current|"
    r"data|base|key|hash|salt|env|default|const|constant))?",
    re.IGNORECASE,
)
# What may stand before `key` or elsewhere in the name and makes it no secret.
_HARMLESS = re.compile(
    r"public|pub_?key|primary|foreign|cache|sort|partition|object|group|index|column|field|label|title|message|msg|error|"
    r"hint|placeholder|regex|pattern|path|file|dir|url|uri|link|type|name|length|len|size|count|min|max|expir|ttl|timeout|"
    r"csrf_?(?:header|param)|i18n|locale|translation|keyboard|keycode|hotkey|shortcut|monkey|turkey|donkey|bypass|compass|"
    r"passenger|passive|passage|author(?!iz)|authority|tokeniz|keyword|checksum|integrity|digest|sha\d|md5|etag|revision|"
    r"commit|next_?page|page_?token|cancel|syntax|lexer|parse|sitekey|site_key",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"""(?P<close>["'\])]{0,3})\s{0,8}"""
    r"""(?:(?::\s{0,3}[A-Za-z_][\w\[\]., |?]{0,30}?\s{0,3}(?==))?"""
    r"""(?:=>|:=|\|\|=|\?\?=|(?<!=)=(?!=)|:(?!:)|,|\()|\s{1,3}value\s{0,2}=)\s{0,8}"""
    r"""(?:[A-Za-z_.]{0,30}\()?[bruLNf@]{0,2}(?P<quote>\\?["'`])(?P<value>[^"'`\r\n\\]{4,512})(?P=quote)"""
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
_BEFORE_NAME = re.compile(r"[\w.-]{0,60}$")
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


def find_assignments(text: str, path: str) -> Iterator[Assignment]:
    """Yield every value in `text` that reads like a secret given to a name that promises one, in order."""
    if is_machine_made(path):
        return
    is_doubtful = is_test(path) or is_example(path)
    takes_unquoted = bool(_CONFIGURATION.search(path))
    position = 0
    while found := _NAME.search(text, position):
        position = found.end()
        kind = AssignedKind(found.lastgroup or "key")
        before = text[max(0, found.start() - 60) : found.start()]
        head = _BEFORE_NAME.search(before)
        prefix = head.group() if head else ""
        tail = _tail(text, position)
        if tail is None or _HARMLESS.search(prefix + found.group() + text[position:tail]):
            continue
        if (
            kind is AssignedKind.KEY
            and prefix
            and prefix[-1].isalpha()
            and prefix[-1].islower()
            and found.group()[0] == "k"
        ):
            continue  # monkey, hockey: the end of another word
        span = _value(text, tail, before[: len(before) - len(prefix)], prefix, takes_unquoted=takes_unquoted)
        if span is None:
            continue
        if _is_secret(kind, text[span[0] : span[1]], is_doubtful=is_doubtful):
            yield Assignment(kind, *span, is_doubtful)
            position = span[1]


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
    # f("password", "x") gives a value, f(password, "x") does not; password("x") does, ("password")("x") does not.
    if (
        found
        and not (_separator(found) == "," and not found["close"])
        and not (_separator(found) == "(" and found["close"])
    ):
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


def _separator(found: re.Match[str]) -> str:
    return found.string[found.end("close") : found.start("quote")].strip()[:1]


def _is_secret(kind: AssignedKind, value: str, *, is_doubtful: bool) -> bool:
    if is_doubtful or kind in (AssignedKind.KEY, AssignedKind.SALT):
        return secret_values.is_strong_token(value)
    if kind is AssignedKind.PASSWORD:
        return secret_values.is_password(value)
    return secret_values.is_token(value)
