"""Takes secrets out of text on its way to a model and on its way from it, by one table for both directions."""

import re

from codereview.domain.secret_patterns import SecretMatch, find_secrets

# What every mask begins with.
MASK = "[masked "
# Of a secret of several lines, what stands before the text of a line stays: the number and the sign of a diff row as a
# model sees it, or the sign and the indentation of plain text. So the rows of a change stay where they are.
_LINE_LEAD = re.compile(r" {0,6}\d{0,7} [ +-] |(?:[+-](?!-))?[ \t]*")
# A replacement can lay open what stood hard against the secret before. Two rounds do for everything but made-up text.
_MAX_ROUNDS = 10


def mask_secrets(text: str) -> str:
    """Replace every secret with the name of its kind, `[masked github-token]`; the number of lines stays the same."""
    for _ in range(_MAX_ROUNDS):
        masked = _masked_once(text)
        if masked == text:
            break
        text = masked
    return text


def _masked_once(text: str) -> str:
    parts: list[str] = []
    position = 0
    for match in sorted(find_secrets(text), key=lambda match: (match.start, -match.end)):
        if match.end <= position:
            continue  # within a secret that is masked already
        if match.start >= position:
            parts.append(text[position : match.start])
            parts.append(_mask(text[match.start : match.end], match))
        else:  # it reaches beyond the one before, whose mask stands for both
            parts.append(_mask_rest(text[position : match.end], match))
        position = match.end
    parts.append(text[position:])
    return "".join(parts)


def _mask(secret: str, match: SecretMatch) -> str:
    label = f"{MASK}{match.pattern.id}]"
    first, *others = secret.split("\n")
    ending = "\r" if first.endswith("\r") and others else ""
    return "\n".join([label + ending, *(_masked_line(line, label) for line in others)])


def _mask_rest(rest: str, match: SecretMatch) -> str:
    _, *others = rest.split("\n")
    label = f"{MASK}{match.pattern.id}]"
    return "".join(f"\n{_masked_line(line, label)}" for line in others)


def _masked_line(line: str, label: str) -> str:
    lead = _LINE_LEAD.match(line)
    ending = "\r" if line.endswith("\r") else ""
    return f"{lead.group() if lead else ''}{label}{ending}"
