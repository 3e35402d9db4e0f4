"""A model's answer, checked finding by finding: whatever the text, it becomes candidates or UnusableAnswerError."""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from codereview.domain.finding import Candidate, Severity
from codereview.domain.loose_json import MAX_CHARACTERS, read_documents
from codereview.errors import PermanentError

MAX_FINDINGS = 50  # of one answer; a review shows half of that
MAX_PATH = 4_096  # characters; Linux's PATH_MAX
MAX_TITLE = 300
MAX_BODY = 8_000
MAX_QUOTE = 10_000  # a whole function: cut, it would not say where it ends
MAX_SUGGESTION = 8_000
_LAST_LINE = 10_000_000  # no file that is reviewed has more

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # Postgres refuses both
_BEGINNING = re.compile(r"\{\s*[\"'“]?findings[\"'”]?\s*:")
_LINE_NUMBER = re.compile(r"\s*L?(\d{1,8})\b", re.IGNORECASE)
_NOT_RULE = re.compile(r"[^a-z0-9]+")
_FENCED = re.compile(r"\s*```[^\n]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_SEVERITIES = {
    "blocker": Severity.CRITICAL,
    "severe": Severity.CRITICAL,
    "error": Severity.HIGH,
    "major": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "minor": Severity.LOW,
    "note": Severity.INFO,
    **{severity.value: severity for severity in Severity},
}


class UnusableAnswerError(PermanentError):
    """The text holds no answer; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedAnswer:
    """What an answer claims, in its own order, and how many claims were left out for which reason."""

    candidates: tuple[Candidate, ...]
    malformed: int = 0
    duplicates: int = 0
    over_limit: int = 0


def parse_answer(text: str, agent: str) -> ParsedAnswer:
    """Read an answer; raises UnusableAnswerError, and nothing else, where it is none.

    No finding is an answer only if the text says so in JSON; a text that was cut, or none of whose findings is usable,
    never passes for it. Paths are kept as they are: they are data, and matched against the change later.
    """
    if not text.strip():
        raise UnusableAnswerError("the model's answer was empty")
    if len(text) > MAX_CHARACTERS:
        raise UnusableAnswerError("the model's answer was too long")
    documents = read_documents(text, beginning=_BEGINNING, is_wanted=_is_answer, is_part=_is_finding)
    if not documents.values:
        raise UnusableAnswerError("the model's answer was not the JSON that was asked for")
    claims = [claim for document in documents.values for claim in _claims(document) or ()]
    whole = claims[:-1] if documents.is_cut_in_string else claims  # half a sentence is never posted
    candidates = [candidate for claim in whole if (candidate := _candidate(claim, agent)) is not None]
    if not candidates and (claims or documents.is_cut):
        raise UnusableAnswerError("no finding of the model's answer could be read")
    distinct = list({_identity(candidate): candidate for candidate in reversed(candidates)}.values())[::-1]
    return ParsedAnswer(
        candidates=_most_severe(distinct),
        malformed=len(claims) - len(candidates),
        duplicates=len(candidates) - len(distinct),
        over_limit=max(0, len(distinct) - MAX_FINDINGS),
    )


def _claims(document: Any) -> list[Any] | None:
    """Return what should be findings; None if the document is no answer."""
    if isinstance(document, list):
        nested = [_claims(item) if _has_findings(item) else [item] for item in document]
        return [claim for claims in nested for claim in claims or ()]
    if _is_finding(document):
        return [document]
    if not isinstance(document, dict):
        return None
    if not _has_findings(document):
        inner = [value for value in document.values() if _has_findings(value)]
        return _claims(inner[0]) if len(inner) == 1 else None
    findings = document["findings"]
    if isinstance(findings, dict):
        return [findings] if _is_finding(findings) else list(findings.values())
    return [] if findings is None else findings if isinstance(findings, list) else None


def _is_answer(document: Any) -> bool:
    if isinstance(document, list):
        return not document or any(_is_finding(item) or _has_findings(item) for item in document)
    return _claims(document) is not None


def _has_findings(document: Any) -> bool:
    return isinstance(document, dict) and "findings" in document


def _is_finding(document: Any) -> bool:
    return isinstance(document, dict) and "path" in document and ("title" in document or "body" in document)


def _text(value: object) -> object:
    return _UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value


def _optional_text(value: object) -> object:
    return _text(value) if isinstance(value, str) else ""


def _quote(value: object) -> object:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    quote = str(_optional_text(value))
    return quote if len(quote) <= MAX_QUOTE else quote[:MAX_QUOTE].rpartition("\n")[0] or quote[:MAX_QUOTE]


def _line(value: object) -> int | None:
    if isinstance(value, str) and (found := _LINE_NUMBER.match(value)):
        value = int(found[1])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 1 <= value <= _LAST_LINE else None


def _severity(value: object) -> Severity:
    """Read a severity; one that nobody knows, or none, is the middle."""
    return _SEVERITIES.get(value.strip().lower(), Severity.MEDIUM) if isinstance(value, str) else Severity.MEDIUM


def _confidence(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if 1 < value <= 100:  # noqa: PLR2004 - a percentage
        value /= 100
    return float(value) if 0 <= value <= 1 else None


def _suggestion(value: object) -> str | None:
    """Read a suggestion without its fence; one that is too long would be wrong if it were cut."""
    text = str(_optional_text(value))
    if not text or len(text) > MAX_SUGGESTION:
        return None
    fenced = _FENCED.fullmatch(text)
    return (fenced[1] if fenced else text) or None


class _Claim(BaseModel):
    """One finding as it comes. Only a path and words are indispensable; everything else has a value for "unknown"."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    path: Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=MAX_PATH)]
    title: Annotated[str, BeforeValidator(_optional_text)] = ""
    body: Annotated[
        str,
        BeforeValidator(_optional_text),
        Field(validation_alias=AliasChoices("body", "message", "description")),
    ] = ""
    quote: Annotated[str, BeforeValidator(_quote)] = ""
    line: Annotated[int | None, BeforeValidator(_line)] = None
    severity: Annotated[Severity, BeforeValidator(_severity)] = Severity.MEDIUM
    category: Annotated[str, BeforeValidator(_optional_text)] = ""
    confidence: Annotated[float | None, BeforeValidator(_confidence)] = None
    suggestion: Annotated[str | None, BeforeValidator(_suggestion)] = None


def _candidate(claim: Any, agent: str) -> Candidate | None:
    """Check one finding by itself; None where it cannot be used."""
    try:
        checked = _Claim.model_validate(claim)
    except ValidationError:
        return None
    title, body = checked.title.strip(), checked.body.strip()
    if not title and not body:
        return None
    return Candidate(
        agent=agent,
        rule=_NOT_RULE.sub("-", checked.category.lower()).strip("-")[:60] or agent,
        severity=checked.severity,
        path=checked.path,
        quote=checked.quote,
        title=_cut(" ".join((title or body.partition("\n")[0]).split()), MAX_TITLE),
        body=_cut(body or title, MAX_BODY),
        line=checked.line,
        confidence=checked.confidence,
        suggestion=checked.suggestion,
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _identity(candidate: Candidate) -> tuple[str, str, str, int | None]:
    """What is equal for a claim that an answer makes twice."""
    return candidate.path, candidate.quote, candidate.title.casefold(), candidate.line


def _most_severe(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Keep the most severe, in the answer's order."""
    ranked = sorted(range(len(candidates)), key=lambda index: candidates[index].severity.rank)
    return tuple(candidates[index] for index in sorted(ranked[:MAX_FINDINGS]))
