"""The whole pipeline over real git commits: our GitHub adapter, parser, engine, analyzers and publisher.

Only AWS is in memory, and GitHub is the stand-in, which refuses what GitHub refuses. A change is two trees, written by
`git fast-import`, so that it may hold what no working tree can.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa

from codereview.adapters.analyzers.local import local_analyzers
from codereview.adapters.github.app import GitHubApp
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.adapters.models.mock import MockModel
from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
from codereview.domain.envelope import Envelope
from codereview.model_ports import LanguageModel
from codereview.use_cases.make_result import Models, PricedModel
from codereview.use_cases.review_change import MAX_FILES_READ, ReviewChange
from codereview.use_cases.review_pull_request import ReviewPullRequest
from local.github import StandIn
from tests.scenarios.events import pull_request_event
from tests.scenarios.fake_stores import Clock
from tests.scenarios.world import World

type Entry = tuple[str, bytes]  # git's mode, and the content, a link's target or a submodule's commit
type Tree = Mapping[str, Entry]
type Rewrite = Callable[[str, Any], Any]  # of an answer of GitHub: path and document in, document out

FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
OWNER, NAME = "acme", "shop"
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def text(content: str | bytes, mode: str = FILE) -> Entry:
    """Make a file."""
    return mode, content.encode() if isinstance(content, str) else content


def build_repository(folder: Path, base: Tree, head: Tree) -> Path:
    """Make a repository whose branch `main` holds one tree, and `change`, one commit later, the other."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    stream = _commit("main", base, None) + _commit("change", head, "main")
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input=stream, check=True)
    return folder


def _commit(branch: str, tree: Tree, parent: str | None) -> bytes:
    lines = [f"commit refs/heads/{branch}\ncommitter A <a@example.com> 0 +0000\ndata 6\nChange\n".encode()]
    lines += [f"from refs/heads/{parent}\n".encode()] if parent else []
    lines.append(b"deleteall\n")
    for path, (mode, content) in tree.items():
        quoted = b'"' + b"".join(b"\\%03o" % byte for byte in path.encode()) + b'"'
        if mode == SUBMODULE:
            lines.append(b"M %s %s %s\n" % (mode.encode(), content, quoted))
        else:
            lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(content), content))
    return b"".join(lines) + b"\n"


@dataclass
class RealChanges(World):
    """The world of the scenarios, with GitHub and the engine put in."""

    stand_in: StandIn | None = None
    http: httpx.Client | None = None
    model: LanguageModel = field(default_factory=MockModel)
    rewrite: Rewrite = lambda _, document: document
    installation_id: int = 0

    def reviewer(self) -> ReviewPullRequest:
        """Start a worker that has the real adapter and the real engine."""
        worker, clock = super().reviewer(), Clock(self)
        engine = ReviewChange(
            clock=clock,
            analyzers=local_analyzers(),
            model_agents=MODEL_AGENTS,
            analyzer_agents=ANALYZER_AGENTS,
            max_files_read=MAX_FILES_READ,
        )
        models = Models(usual=PricedModel(model=self.model, prices=None), mock=MockModel())
        make_result = replace(worker.make_result, models=models, review_change=engine)
        return replace(worker, github=self._github(clock), make_result=make_result)

    def _github(self, clock: Clock) -> GitHubApp:
        stand_in = self.github
        assert self.http is not None
        return GitHubApp(
            self.http,
            api_url=stand_in.url,
            credentials=AppCredentials(app_id=stand_in.app_id, private_key=stand_in.private_key_pem),
            clock=clock,
            jitter=lambda: 0.0,
        )

    @property
    def github(self) -> StandIn:
        """The stand-in."""
        assert self.stand_in is not None
        return self.stand_in

    def event(self) -> Envelope:
        """Make the message of the pull request that is open."""
        repository = self.github.world.repository(f"{OWNER}/{NAME}")
        assert repository is not None
        return replace(
            pull_request_event(repository.pulls[1].head_sha),
            installation_id=self.installation_id,
            owner_id=repository.owner.id,
            repository_id=repository.id,
            number=1,
        )

    @property
    def posted(self) -> dict[str, Any]:
        """What stands on GitHub."""
        return self.github.posted(f"{OWNER}/{NAME}")

    def asked(self, operation: str) -> int:
        """Count the calls of an operation, by its name in GitHub's OpenAPI."""
        return sum(request["operation"] == operation for request in self.github.requests)


class Rewriting(httpx.BaseTransport):
    """Passes requests on, and changes the JSON of some answers on the way back."""

    def __init__(self, inner: httpx.BaseTransport, rewrite: Rewrite) -> None:
        self._inner = inner
        self._rewrite = rewrite

    def close(self) -> None:
        self._inner.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        content = response.read()
        response.close()
        if "json" in response.headers.get("content-type", ""):
            content = json.dumps(self._rewrite(request.url.path, json.loads(content))).encode()
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
        return httpx.Response(response.status_code, headers=headers, content=content)


@contextmanager
def open_change(folder: Path, base: Tree, head: Tree, **options: Any) -> Iterator[RealChanges]:
    """Propose a change of `base` to `head` on a GitHub of its own."""
    world = RealChanges(**options)
    transport = Rewriting(httpx.HTTPTransport(), world.rewrite)
    with StandIn(clock=lambda: world.now, key=KEY) as stand_in, outbound_client(transport=transport) as http:
        world.stand_in, world.http = stand_in, http
        added = stand_in.add_repository(str(build_repository(folder / "clone.git", base, head)), OWNER, NAME)
        world.installation_id = int(added["installation_id"])
        stand_in.open_pull_request(f"{OWNER}/{NAME}", "main", "change")
        yield world
