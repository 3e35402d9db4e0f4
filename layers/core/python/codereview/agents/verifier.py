"""The reviewer of the reviewers: it tries to refute what the model agents claim, with the code in hand."""

import json
from collections.abc import Sequence

from codereview.agents.agent import Part, load_prompt, request_of
from codereview.domain.finding import Finding
from codereview.domain.hidden_text import strip_hidden
from codereview.domain.masking import mask_secrets
from codereview.model_ports import ModelRequest

NAME = "verifier"
MAX_CLAIMS = 40  # of one part: about 12,000 tokens; an answer of so many verdicts fits
_MAX_TEXT = 1_200  # characters of each text of a claim


def prompt_version() -> str:
    """Versions of the shared rules and of the verifier's task."""
    return f"{load_prompt('rules.md').version}.{load_prompt('verifier.md').version}"


def instructions() -> str:
    """Return all that we tell it ourselves."""
    return f"{load_prompt('rules.md').text}\n{load_prompt('verifier.md').text}"


def verification(part: Part, claims: Sequence[Finding]) -> ModelRequest:
    """Ask about claims, numbered from 1; it sees what their agents saw, and none of the author's words."""
    lines = [_line(number, claim) for number, claim in enumerate(claims, start=1)]
    return request_of(NAME, part, "\n".join([load_prompt("verifier.md").text, *lines]))


def _line(number: int, finding: Finding) -> str:
    """Put a claim into one line of JSON, which no text inside can end; who made it proves nothing and stays out."""
    claim = finding.candidate
    document = {
        "claim": number,
        "path": finding.path,
        "line": finding.anchor.line if finding.anchor is not None else claim.line,
        "quote": _shown(finding.text or claim.quote),
        "title": _shown(claim.title),
        "body": _shown(claim.body),
    }
    return json.dumps(document, ensure_ascii=False)


def _shown(text: str) -> str:
    return mask_secrets(strip_hidden(text))[:_MAX_TEXT]
