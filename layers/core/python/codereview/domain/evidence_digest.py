"""What stands out in logs: errors by their kind, memory, refusals and deliveries by tenant."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from codereview.domain.metrics import Metric

_LOUD = {"ERROR", "CRITICAL", "FATAL"}
_MOST_SHOWN = 10
_LONGEST = 160


def digest(logs: Mapping[str, str]) -> dict[str, Any]:
    """Sum up functions' logs, each a text of JSON lines; what is no JSON is looked at as text."""
    errors, memory, refusals, deliveries = Counter[str](), dict[str, float](), Counter[str](), Counter[str]()
    for function, text in logs.items():
        for line in text.splitlines():
            found = _read(line)
            for kind in _errors(found, line):
                errors[f"{function}: {kind}"] += 1
            if isinstance(used := found.get(Metric.MEMORY_USED.value), int | float):
                memory[function] = max(memory.get(function, 0), used)
            if Metric.LIMIT_REFUSALS.value in found:
                refusals[_whose(found)] += 1
            if Metric.WEBHOOKS_ACCEPTED.value in found:
                deliveries[str(found.get("tenant") or "nobody")] += 1
    return {
        "errors": dict(errors.most_common(_MOST_SHOWN)),
        "most_memory": memory,
        "refusals": dict(refusals.most_common(_MOST_SHOWN)),
        "deliveries": dict(deliveries.most_common(_MOST_SHOWN)),
    }


def _read(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _errors(found: Mapping[str, Any], line: str) -> Iterator[str]:
    if str(found.get("level", "")).upper() in _LOUD:
        kind = found.get("exception_name") or found.get("errorType") or found.get("error") or found.get("reason") or ""
        place = f" at {found['raised_at']}" if found.get("raised_at") else ""
        yield _short(f"{found.get('message', found.get('errorMessage', ''))} {kind}{place}")
    elif not found and any(sign in line for sign in ("Traceback", "Runtime.", "Task timed out", "signal: killed")):
        yield _short(line)
    elif found.get("type") == "platform.report" and found.get("record", {}).get("status", "success") != "success":
        yield _short(f"{found['record']['status']} {found['record'].get('errorType', '')}")


def _whose(found: Mapping[str, Any]) -> str:
    return f"{found.get('tenant') or 'nobody'} {found.get('key') or found.get('actor') or ''}".strip()


def _short(text: str) -> str:
    return text.strip()[:_LONGEST]
