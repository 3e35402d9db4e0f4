"""A result in SARIF 2.1.0, for code scanning and editors: one run, and so one category, an agent."""

import re
from typing import Any
from urllib.parse import quote

from codereview import messages
from codereview.domain.finding import Finding, Placement, Severity, Side
from codereview.domain.hidden_text import storable, strip_hidden
from codereview.domain.masking import mask_secrets
from codereview.domain.rendering import is_mock
from codereview.domain.result import AgentRun, ReviewResult, RunStatus
from codereview.domain.secret_findings import without_secrets

# https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# GitHub sorts alerts by this number: https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning
_SECURITY_SEVERITIES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
_SECURITY_AGENTS = frozenset({"security", "secrets"})


def sarif(result: ReviewResult) -> dict[str, Any]:
    """Return the log, without the findings that are not shown; bytes of a path that are no UTF-8 are escaped."""
    result = without_secrets(result)
    agents = dict.fromkeys([*(run.agent for run in result.runs), *(found.candidate.agent for found in result.shown)])
    runs = {run.agent: run for run in result.runs}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [_run(agent, runs.get(agent), result) for agent in agents],
    }


def _run(agent: str, run: AgentRun | None, result: ReviewResult) -> dict[str, Any]:
    findings = [finding for finding in result.shown if finding.candidate.agent == agent]
    rules = list(dict.fromkeys(_rule_id(finding) for finding in findings))
    document: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": f"{messages.PRODUCT}: {agent}",
                "rules": [_rule(rule, agent, findings) for rule in rules],
                "properties": {
                    "engine": run.engine if run else agent,
                    "promptVersion": run.prompt_version if run else None,
                },
            }
        },
        # To GitHub, what stands before the last slash is the category: one agent's upload leaves the others' alone.
        "automationDetails": {"id": f"codereview/{agent}/"},
        "columnKind": "utf16CodeUnits",
        "invocations": [_invocation(run)],
        "results": [_result(finding, rules, is_mock=is_mock(finding, result)) for finding in findings],
    }
    if result.head_sha:
        document["properties"] = {"baseSha": result.base_sha, "headSha": result.head_sha}
    return document


def _invocation(run: AgentRun | None) -> dict[str, Any]:
    """Say whether the agent did its work: an empty list of results alone would read as a clean bill."""
    if run is None or run.status is not RunStatus.FAILED:
        return {"executionSuccessful": True}
    notification = {"level": "error", "message": {"text": _text(run.reason or "failed")}}
    return {"executionSuccessful": False, "toolExecutionNotifications": [notification]}


def _rule(rule: str, agent: str, findings: list[Finding]) -> dict[str, Any]:
    worst = min((found.candidate.severity for found in findings if _rule_id(found) == rule), key=lambda each: each.rank)
    properties: dict[str, Any] = {"tags": [agent]}
    if agent in _SECURITY_AGENTS:
        properties = {
            "tags": list(dict.fromkeys([agent, "security"])),
            "security-severity": _SECURITY_SEVERITIES[worst],
        }
    return {
        "id": rule,
        "shortDescription": {"text": rule},
        "defaultConfiguration": {"level": _LEVELS[worst]},
        "properties": properties,
    }


def _result(finding: Finding, rules: list[str], *, is_mock: bool) -> dict[str, Any]:
    candidate = finding.candidate
    mock = messages.MOCK_FINDING.strip("_") if is_mock else ""
    text = "\n\n".join(filter(None, [_text(candidate.title).strip(), mock, _text(candidate.body).strip()]))
    document: dict[str, Any] = {
        "ruleId": _rule_id(finding),
        "ruleIndex": rules.index(_rule_id(finding)),
        "level": _LEVELS[candidate.severity],
        "message": {"text": text or _rule_id(finding)},
        "locations": [{"physicalLocation": _location(finding)}],
        "partialFingerprints": {"codereview/v1": finding.fingerprint},
        "properties": {
            "severity": candidate.severity.value,
            "alsoFoundBy": list(finding.also_found_by),
            "isMock": is_mock,
        },
    }
    if candidate.confidence is not None:
        document["rank"] = round(min(1.0, max(0.0, candidate.confidence)) * 100, 1)
    return document


def _location(finding: Finding) -> dict[str, Any]:
    """Point at the lines of the head; a finding about deleted lines, or without a place, points at its file."""
    uri = _uri(finding.path)
    artifact = {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": "%SRCROOT%"}
    location: dict[str, Any] = {"artifactLocation": artifact}
    anchor = finding.anchor
    if finding.placement is Placement.INLINE and anchor is not None and anchor.side is Side.RIGHT:
        location["region"] = {"startLine": anchor.start_line or anchor.line, "endLine": anchor.line}
        if finding.text.strip():
            location["region"]["snippet"] = {"text": _text(finding.text)}
    return location


def _uri(path: str) -> str:
    """Escape a path as a relative URI; a colon in its first part would read as a scheme."""
    encodable = re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", mask_secrets(path))
    return quote(encodable.encode("utf-8", "surrogateescape"), safe="/~!$&'()*+,;=@")


def _rule_id(finding: Finding) -> str:
    return _text(finding.candidate.rule).strip() or finding.candidate.agent


def _text(text: str) -> str:
    return strip_hidden(storable(mask_secrets(text)))
