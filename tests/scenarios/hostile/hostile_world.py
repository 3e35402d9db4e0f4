"""The scenarios' world with the real engine in it, and a pull request whose author writes what a case says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from codereview.adapters.analyzers.local import local_analyzers
from codereview.adapters.models.mock import MockModel
from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
from codereview.domain.change import Change, FileChange, FileStatus
from codereview.domain.diff import parse_patch
from codereview.domain.finding import Finding
from codereview.domain.stored import decode_result
from codereview.github_ports import PullRequest, RepositoryIdentity
from codereview.model_ports import AnalyzerReport, SourceFile
from codereview.use_cases.make_result import Models, PricedModel
from codereview.use_cases.review_change import ReviewChange
from codereview.use_cases.review_pull_request import ReviewPullRequest
from tests.scenarios.events import pull_request_event
from tests.scenarios.fake_github import GitHub, Repository
from tests.scenarios.fake_stores import Clock
from tests.scenarios.hostile.case import Case
from tests.scenarios.hostile.worst_model import TRIGGER, WorstModel
from tests.scenarios.world import World

# A secret of the change, put together here so that no scanner takes it for one of ours.
SECRET = "ghp_" + "wX9kQ2mT7vB4nR8sL1cY6dF3hJ5gZ0pA" + "uE4t"
_OLD = "".join(f"{ordinal}_OF_THE_OLD_LINES = {number}\n" for number, ordinal in enumerate(["FIRST", "SECOND"], 1))
_GAP = "\n" * 20
# Each of these is a defect that an analyzer knows, and none that a model has to be asked about.
_SEEDED = f"""\
import hashlib
import subprocess

GITHUB_TOKEN = "{SECRET}"{{behind}}


def digest(password):
    return hashlib.md5(password).hexdigest(){{behind}}


def run(command):
    return subprocess.call(command, shell=True){{behind}}
"""
_ENDS_A_LINE = re.compile("[\r\x0b\x0c\x00]")


class NoAnalyzers:
    """Fulfils model_ports.Analyzers, in no time."""

    def analyze(self, files: object, engines: object) -> AnalyzerReport:
        """Find nothing."""
        return AnalyzerReport(candidates=())


@cache
def _analyze(files: tuple[SourceFile, ...], engines: tuple[str, ...]) -> AnalyzerReport:
    return local_analyzers().analyze(files, engines)


class RealAnalyzers:
    """Fulfils model_ports.Analyzers; the same files are analyzed once."""

    def analyze(self, files: Any, engines: Any) -> AnalyzerReport:
        """Run the engines."""
        return _analyze(tuple(files), tuple(engines))


@dataclass
class HostileWorld(World):
    """What a case makes of the world. `is_clean`: the same change without the attacker's words."""

    case: Case = field(default_factory=lambda: Case(name="clean"))
    is_clean: bool = False
    is_analyzed: bool = True
    reads: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = WorstModel(self.case)
        self.files, self.texts = proposed(Case(name="clean") if self.is_clean else self.case, is_clean=self.is_clean)

    def words(self, place: str) -> str:
        """Return what the author writes in a place, nothing unless the case has it there."""
        return "" if self.is_clean or place not in self.case.where else order(self.case, place)

    def reviewer(self) -> ReviewPullRequest:
        """Start a worker that has the real engine."""
        worker, clock = super().reviewer(), Clock(self)
        engine = ReviewChange(
            clock=clock,
            analyzers=RealAnalyzers() if self.is_analyzed else NoAnalyzers(),
            model_agents=MODEL_AGENTS,
            analyzer_agents=ANALYZER_AGENTS,
        )
        models = Models(usual=PricedModel(model=self.model, prices=None), mock=MockModel())
        make_result = replace(worker.make_result, models=models, review_change=engine)
        return replace(worker, github=HostileGitHub(self), make_result=make_result)

    def run(self) -> "HostileWorld":
        """Review the pull request."""
        self.deliver(pull_request_event())
        return self

    @property
    def change(self) -> Change:
        """What GitHub would place comments in."""
        return Change(base_sha="0" * 40, head_sha=self.head, files=self.files, file_count=len(self.files))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was stored."""
        (data,) = [data for key, data in self.objects.items() if key.startswith("results/")]
        return decode_result(data).findings


@dataclass
class HostileGitHub(GitHub):
    world: HostileWorld

    def _open(self, repository_id: int) -> Repository:
        super()._open(repository_id)
        identity = RepositoryIdentity(id=repository_id, owner_id=self.world.account, owner="o", name="r")
        return HostileRepository(self.world, identity)


@dataclass
class HostileRepository(Repository):
    world: HostileWorld

    def _pull_request(self, number: int) -> PullRequest:
        return replace(
            super()._pull_request(number),
            title=self.world.words("title"),
            description=self.world.words("description"),
            base_ref=self.world.words("branch") or "main",
            changed_files=len(self.world.files),
        )

    def changed_files(self, pull_request: PullRequest) -> tuple[FileChange, ...]:
        return self.world.call("github.changed_files", lambda: self.world.files)

    def content(self, path: str, ref: str) -> bytes | None:
        self.world.reads.append((path, ref))
        is_head = ref == self.world.head
        return self.world.call("github.content", lambda: self.world.texts.get(path) if is_head else None)

    def contents(self, paths: Sequence[str], ref: str) -> Mapping[str, bytes | None]:
        return {path: self.content(path, ref) for path in paths}


def order(case: Case, place: str) -> str:
    """Write the attacker's words for a place."""
    return f"{TRIGGER}-{place} {case.text}"


def proposed(case: Case, *, is_clean: bool = False) -> tuple[tuple[FileChange, ...], dict[str, bytes]]:
    """Return the change's files, and the head's texts."""
    words = {} if is_clean else {place: order(case, place) for place in case.where}
    seeded = _SEEDED.format(behind=f"  {case.behind}" if case.behind else "")
    if "comment" in words:
        seeded += "".join(f"# {line}\n" for line in _ENDS_A_LINE.sub(" ", words["comment"]).split("\n"))
    removed = [f"-# {line}" for line in words.get("removed", "").split("\n") if line]
    section = words.get("section", "").replace("\n", " ")
    start = _OLD.count("\n") + len(_GAP)
    patch = f"@@ -{start},{len(removed)} +{start + 1},{seeded.count('\n')} @@ {section}".rstrip()
    rows = [*removed, *(f"+{line}" for line in seeded.removesuffix("\n").split("\n"))]
    files = [_file("src/pay.py", "\n".join([patch, *rows]), FileStatus.MODIFIED)]
    texts = {"src/pay.py": (_OLD + _GAP + seeded).encode("utf-8", "replace")}
    for path, content in {**_places(words), **({} if is_clean else case.files)}.items():
        texts[path] = content.encode("utf-8", "replace")
        lines = content.removesuffix("\n").split("\n")
        files.append(_file(path, "\n".join([f"@@ -0,0 +1,{len(lines)} @@", *(f"+{line}" for line in lines)])))
    if "old path" in words:
        files[0] = replace(files[0], status=FileStatus.RENAMED, old_path=file_name(words["old path"]))
    return tuple(files), texts


def _places(words: dict[str, str]) -> dict[str, str]:
    """Return the files that the words make."""
    own = {
        "string": ("src/strings.py", 'NOTE = """{}"""\n'),
        "docs": ("docs/guide.md", "{}\n"),
        "instructions": ("AGENTS.md", "{}\n"),
        "data": ("src/data.json", "{}\n"),
    }
    made = {path: shape.format(words[place]) for place, (path, shape) in own.items() if place in words}
    if "path" in words:
        made[file_name(words["path"])] = "value = 1\n"
    return made


def file_name(text: str) -> str:
    """Make a path of a text, as far as git has such paths."""
    parts = [part for part in text.replace("\x00", "").split("/") if part not in ("", ".", "..")]
    return "/".join(["notes", *(part[:200] for part in parts)])[:1_000] + ".py"


def _file(path: str, patch: str, status: FileStatus = FileStatus.ADDED) -> FileChange:
    return FileChange(path=path, status=status, hunks=parse_patch(patch.encode("utf-8", "replace")))
