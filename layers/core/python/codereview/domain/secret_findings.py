"""Keeps what the secrets agent found out of what is shown: its code, and its values in anybody else's words.

Masking by pattern (`masking`) does not know every secret that the agent knows: it judges names and values with the file
in view. So none of its code is quoted at all, nor anybody's who quotes the same line, and the values are masked by
what they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from codereview.domain.finding import Candidate, Finding
from codereview.domain.masking import mask_secrets
from codereview.domain.result import ReviewResult
from codereview.domain.secret_detection import find_secrets

AGENT = "secrets"
# A shorter value stands in too many words that are not it.
_LEAST_VALUE = 6
_LONGEST_CODE = 20_000


def without_secrets(result: ReviewResult) -> ReviewResult:
    """Return the result as it may be shown; where the secrets agent found nothing it is the same."""
    found = [finding for finding in result.findings if _is_of_agent(finding)]
    if not found:
        return result
    lines = frozenset(line for finding in found for line in _lines(finding))
    values = dict(value for finding in found for value in _values(finding))
    # The longest first, so that no part of one is left of it where another is a part of it.
    values = dict(sorted(values.items(), key=lambda item: -len(item[0])))
    return replace(result, findings=tuple(_shown(finding, lines, values) for finding in result.findings))


def at_rest(result: ReviewResult) -> ReviewResult:
    """Return the result as it may be kept: as it may be shown, and without what masking by pattern knows."""
    result = without_secrets(result)
    return replace(result, findings=tuple(map(_patterns_masked, result.findings)))


def _patterns_masked(finding: Finding) -> Finding:
    candidate = finding.candidate
    suggestion = mask_secrets(candidate.suggestion) if candidate.suggestion is not None else None
    return replace(
        finding,
        candidate=replace(
            candidate,
            path=mask_secrets(candidate.path),
            title=mask_secrets(candidate.title),
            body=mask_secrets(candidate.body),
            quote=mask_secrets(candidate.quote),
            suggestion=suggestion,
        ),
        text=mask_secrets(finding.text),
        verdict_reason=mask_secrets(finding.verdict_reason),
        # A click would put the mask into the code.
        is_suggestion_applicable=finding.is_suggestion_applicable and suggestion == candidate.suggestion,
    )


def _is_of_agent(finding: Finding) -> bool:
    return AGENT in (finding.candidate.agent, *finding.also_found_by)


def _lines(finding: Finding) -> Iterator[str]:
    for code in (finding.text, finding.candidate.quote):
        yield from filter(None, ("".join(line.split()) for line in code.split("\n")))


def _values(finding: Finding) -> Iterator[tuple[str, str]]:
    """Find the values again, in the code that the agent found them in, each with the name of its kind."""
    for code in {finding.text, finding.candidate.quote}:
        for secret in find_secrets(code[:_LONGEST_CODE], finding.path):
            for value in code[secret.start : secret.end].split("\n"):
                if len(value.strip()) >= _LEAST_VALUE:
                    yield value.strip(), f"[masked {secret.rule}]"


def _shown(finding: Finding, lines: frozenset[str], values: Mapping[str, str]) -> Finding:
    candidate = finding.candidate
    shown = replace(candidate, title=_masked(candidate.title, values), body=_masked(candidate.body, values))
    if _is_of_agent(finding) or not lines.isdisjoint(_lines(finding)):
        return replace(finding, candidate=_without_code(shown), text="", is_suggestion_applicable=False)
    suggestion = _masked(candidate.suggestion, values) if candidate.suggestion is not None else None
    return replace(
        finding,
        candidate=replace(shown, quote=_masked(candidate.quote, values), suggestion=suggestion),
        text=_masked(finding.text, values),
        is_suggestion_applicable=finding.is_suggestion_applicable and suggestion == candidate.suggestion,
    )


def _without_code(candidate: Candidate) -> Candidate:
    return replace(candidate, quote="", suggestion=None)


def _masked(text: str, values: Mapping[str, str]) -> str:
    for value, label in values.items():
        text = text.replace(value, label)
    return text
