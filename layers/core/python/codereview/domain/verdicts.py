"""A verifier's answer, checked verdict by verdict: whatever the text, it becomes verdicts or UnusableAnswerError."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codereview.domain.answers import UnusableAnswerError
from codereview.domain.finding import Verdict
from codereview.domain.hidden_text import storable
from codereview.domain.loose_json import read_documents

MAX_REASON = 1_000  # characters
_BEGINNING = re.compile(r"\{\s*[\"'“]?(?:findings|verdicts)[\"'”]?\s*:")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one claim, and why."""

    verdict: Verdict
    reason: str


def parse_verdicts(text: str, claims: int) -> Mapping[int, Judgement]:
    """Read the judgements of claims 1 to `claims`; raises UnusableAnswerError where the text holds no verdicts.

    A claim without a word about it is missing; one that is judged twice and differently is undecided. Nothing is
    refuted without a reason, nor by a word that merely resembles `refuted`.
    """
    documents = read_documents(text, beginning=_BEGINNING, is_wanted=_is_answer, is_part=_is_judgement)
    if not documents.values:
        raise UnusableAnswerError("the verifier's answer was not the JSON that was asked for")
    said = [entry for document in documents.values for entry in _entries(document)]
    judged: dict[int, Judgement] = {}
    for entry in said[:-1] if documents.is_cut_in_string else said:
        number, judgement = _number(entry), _judgement(entry)
        if number is None or not 1 <= number <= claims or judgement is None:
            continue
        if number in judged and judged[number].verdict is not judgement.verdict:
            judgement = Judgement(Verdict.UNDECIDED, "")
        judged[number] = judgement
    if said and not judged:
        raise UnusableAnswerError("no verdict of the verifier's answer could be read")
    return judged


def _entries(document: Any) -> list[Any]:
    if _is_judgement(document):
        return [document]
    entries = document["verdicts"] if isinstance(document, dict) else document
    return entries if isinstance(entries, list) else []


def _is_answer(document: Any) -> bool:
    if isinstance(document, list):
        return bool(document) and all(_is_judgement(entry) for entry in document)
    return isinstance(document, dict) and isinstance(document.get("verdicts"), list)


def _is_judgement(document: Any) -> bool:
    return isinstance(document, dict) and "claim" in document and "verdict" in document


def _number(entry: Any) -> int | None:
    value = entry.get("claim") if isinstance(entry, dict) else None
    if isinstance(value, str) and re.fullmatch(r"\s*#?\d{1,4}\s*", value):
        return int(value.strip().removeprefix("#"))
    return value if type(value) is int else None


def _judgement(entry: Any) -> Judgement | None:
    reason, word = entry.get("reason"), entry.get("verdict")
    reason = storable(" ".join(reason.split()))[:MAX_REASON] if isinstance(reason, str) else ""
    try:
        verdict = Verdict(word.strip().lower()) if isinstance(word, str) else None
    except ValueError:
        return None
    if verdict is Verdict.REFUTED and not reason:
        return Judgement(Verdict.UNDECIDED, "")
    return Judgement(verdict, reason) if verdict is not None else None
