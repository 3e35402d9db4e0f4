"""The model providers' stand-in: `@copilotkit/aimock` as a process on a free port of this machine."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from codereview.model_ports import ModelRequest

TESTS = Path(__file__).parents[2]
PROGRAM = TESTS / "node_modules/@copilotkit/aimock/dist/cli.js"


@dataclass
class Aimock:
    """The running server, told by its control API what to answer."""

    url: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    def says(self, content: str, **response: Any) -> None:
        """Answer every request with this text; `finishReason` and `usage` may be given too."""
        self._control({"match": {}, "response": {"content": content, **response}})

    def refuses(self, status: int, kind: str, message: str = "no") -> None:
        """Answer every request with this error."""
        self._control({"match": {}, "response": {"error": {"message": message, "type": kind}, "status": status}})

    def requests(self) -> list[dict[str, Any]]:
        """What was asked since the last change, as the server understood it."""
        entries: list[dict[str, Any]] = self.http.get(f"{self.url}/__aimock/journal").raise_for_status().json()
        return entries

    def _control(self, fixture: dict[str, Any]) -> None:
        self.http.post(f"{self.url}/__aimock/reset").raise_for_status()
        self.http.post(f"{self.url}/__aimock/fixtures", json={"fixtures": [fixture]}).raise_for_status()


@pytest.fixture(scope="session")
def aimock_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    if not PROGRAM.exists():
        subprocess.run(["npm", "ci", "--prefix", str(TESTS), "--no-audit", "--no-fund", "--silent"], check=True)
    fixtures = tmp_path_factory.mktemp("aimock") / "none.json"
    fixtures.write_text('{"fixtures": [{"match": {"userMessage": "never"}, "response": {"content": "never"}}]}')
    command = ["node", str(PROGRAM), "--port", "0", "--host", "127.0.0.1", "--strict", "--fixtures", str(fixtures)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", line):
                    break
            else:
                pytest.fail(f"aimock did not start: {said}")
            aimock = Aimock(found[1])
            with aimock.http:
                yield aimock
        finally:
            process.terminate()


@pytest.fixture
def aimock(aimock_process: Aimock) -> Aimock:
    aimock_process.says('{"findings": []}')
    return aimock_process


@pytest.fixture
def question() -> ModelRequest:
    return ModelRequest(
        agent="correctness",
        rules="RULES é",
        change="=== file: app.py (modified)\n@@\n     1 + x = 1",
        task="TASK",
        schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["findings"],
            "properties": {"findings": {"type": "array", "items": {"type": "string"}}},
        },
        max_output_tokens=1_000,
    )
