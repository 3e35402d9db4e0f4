"""A model whose answers come from a JSON Lines file: what another model said, or what a test wants said.

One answer a line: `{"agent": "...", "findings": [...]}`, or `{"agent": "...", "raw": "..."}` for a text that is given
back character by character. Several lines of findings of one agent are one answer; an agent without a line finds
nothing, and the verifier without one refutes nothing: its line is `{"agent": "verifier", "verdicts": [...]}`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from codereview.domain.result import Usage
from codereview.errors import UserError
from codereview.model_ports import ModelAnswer, ModelRequest, StopReason

_NOTHING = json.dumps({"findings": [], "verdicts": []})


class ReplayModel:
    """Fulfils model_ports.LanguageModel from texts by agent."""

    name = "replay"
    is_mock = False

    def __init__(self, answers: Mapping[str, str]) -> None:
        """Answer each agent with its text."""
        self._answers = dict(answers)

    @property
    def agents(self) -> frozenset[str]:
        """The agents that the file has an answer for, known or not."""
        return frozenset(self._answers)

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:  # noqa: ARG002 - it takes no time
        """Answer what the file says."""
        text = self._answers.get(request.agent, _NOTHING)
        return ModelAnswer(text=text, stop=StopReason.COMPLETE, usage=Usage(calls=1), model=self.name)


def replay_model(file: Path) -> ReplayModel:
    """Read a replay file; raises UserError, with the line, where it is none."""
    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"replay file {file}: {getattr(error, 'strerror', None) or 'is not UTF-8'}") from error
    raw: dict[str, str] = {}
    findings: dict[str, list[Any]] = {}
    for number, document in _documents(content, file):
        agent = document.get("agent")
        if not isinstance(agent, str) or not agent:
            raise UserError(f"replay file {file}, line {number}: no agent")
        if agent in raw or ("raw" in document and agent in findings):
            raise UserError(f"replay file {file}, line {number}: a second answer of {agent} beside its raw one")
        if isinstance(document.get("raw"), str):
            raw[agent] = document["raw"]
        elif isinstance(document.get("verdicts"), list) and "findings" not in document and agent not in findings:
            raw[agent] = json.dumps({"findings": [], "verdicts": document["verdicts"]})
        elif isinstance(document.get("findings"), list):
            findings.setdefault(agent, []).extend(document["findings"])
        else:
            raise UserError(f"replay file {file}, line {number}: neither a list of findings nor a raw text")
    return ReplayModel(
        raw | {agent: json.dumps({"findings": listed, "verdicts": []}) for agent, listed in findings.items()}
    )


def _documents(content: str, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"replay file {file}, line {number}: not JSON") from error
        if not isinstance(document, dict):
            raise UserError(f"replay file {file}, line {number}: not a JSON object")
        yield number, document
