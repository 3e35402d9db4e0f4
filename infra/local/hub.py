"""The GitHub stand-in as the launcher sees it: a process, and its control over HTTP."""

import json
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.checkout import ROOT, child_environment
from local.processes import LOOPBACK, Processes, is_listening, wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A running stand-in."""

    url: str

    def app(self) -> dict[str, str]:
        """Return the App's id, private key and webhook secret."""
        return dict(self._call("GET", "/_control/app"))

    def set_webhook(self, url: str) -> None:
        """Send deliveries there from now on."""
        self._call("POST", "/_control/webhook", {"url": url})

    def add_repository(self, path: Path, *, owner: str, name: str) -> int:
        """Make a clone a repository; returns its id."""
        document = {"path": str(path), "owner": owner, "name": name}
        return int(self._call("POST", "/_control/repositories", document)["id"])

    def open_pull(self, repository: int, *, base: str, head: str, title: str, body: str = "") -> dict[str, Any]:
        """Open a pull request, which delivers its webhook; raises RuntimeError for refs that are none."""
        document = {"base": base, "head": head, "title": title, "body": body}
        return dict(self._call("POST", f"/_control/repositories/{repository}/pulls", document))

    def pull(self, repository: int, number: int) -> dict[str, Any]:
        """Return what stands on a pull request."""
        return dict(self._call("GET", f"/_control/repositories/{repository}/pulls/{number}"))

    def change_installation(self, installation_id: int, action: str) -> None:
        """Do one of suspend, unsuspend and deleted, which delivers its webhook."""
        self._call("POST", "/_control/change_installation", {"installation_id": installation_id, "action": action})

    def violations(self) -> list[str]:
        """Return what did not fit GitHub's own description of its API."""
        return list(self._call("GET", "/_control/violations"))

    def limit_violations(self) -> list[dict[str, Any]]:
        """Return the requests that were above one of GitHub's limits."""
        return list(self._call("GET", "/_control/limit_violations"))

    def script(self, operation: str, *faults: dict[str, Any]) -> None:
        """Let the next calls of an operation go wrong, one entry a call; the fields are those of `faults.Fault`."""
        self._call("POST", "/_control/script", {"operation": operation, "faults": faults})

    def deliveries(self) -> list[dict[str, Any]]:
        """Return every webhook so far, the body as it was signed."""
        return list(self._call("GET", "/_control/deliveries"))

    def requests(self) -> list[dict[str, Any]]:
        """Return every request so far: operation, method, path, query and status."""
        return list(self._call("GET", "/_control/requests"))

    def _call(self, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
        data = None if document is None else json.dumps(document).encode()
        headers = {"Authorization": "Bearer control", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)  # noqa: S310 -- our own
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- our own address
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            message = json.loads(error.read()).get("message", "")
            raise RuntimeError(message or f"the GitHub stand-in answered {error.code}") from None


def start_hub(processes: Processes, *, folder: Path, port: int) -> Hub:
    """Start the stand-in; return when it listens."""
    log = folder / "github.log"
    child = processes.start(
        [sys.executable, "-m", "local.github", "--port", str(port)],
        environment=child_environment({"PYTHONPATH": str(ROOT / "infra"), "PYTHONDONTWRITEBYTECODE": "1"}),
        folder=folder,
        log=log,
    )
    wait_until(lambda: is_listening(port), child=child, name="the GitHub stand-in", log=log)
    return Hub(url=f"http://{LOOPBACK}:{port}")
