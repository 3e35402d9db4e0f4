"""Pull requests of made-up code, by git itself, with the stand-in's rules of placing a comment as the judge."""

import random
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from codereview.domain.change import Change, FileChange, FileStatus, Row, RowKind
from codereview.domain.diff import parse_patch
from codereview.domain.finding import Candidate, Finding, Severity, Side
from local.github.git import GitRepository
from local.github.placement import place
from local.github.routing import Refusal

_COMMON = ("}", "    }", "        return None", "    else:", "", "", "    pass", "})", "        continue", "\t\t}")
_VERBS = ("load", "store", "check", "merge", "send", "parse", "close", "open", "count", "render")
_NOUNS = ("order", "item", "user", "basket", "price", "token", "row", "page", "event", "path")
_ODD = (
    "x = 'é中\U0001f600'",
    "name = 'a\u200bb'",
    "a\x0cb = 1",
    "- a list item",
    "+ plus",
    "    12 + x = 1",
    "@@ -1 +1 @@",
)


@dataclass(frozen=True)
class PullRequest:
    """What GitHub, and what our parser, make of two commits."""

    git: GitRepository
    base: str
    head: str

    @cached_property
    def change(self) -> Change:
        files = tuple(
            FileChange(
                path=file.path,
                old_path=file.old_path,
                status=FileStatus(file.status),
                hunks=parse_patch(file.patch) if file.patch is not None else (),
            )
            for file in self.git.changed_files(self.base, self.head)
        )
        return Change(base_sha=self.base, head_sha=self.head, files=files, file_count=len(files))

    def head_text(self, path: str) -> bytes | None:
        entry = self.git.entry(self.head, path)
        return self.git.blob(entry.sha) if entry is not None else None

    def is_refused(self, finding: Finding) -> bool:
        """Ask the judge; only inline findings are his business."""
        if finding.anchor is None:
            return False
        document = {"path": finding.path, "line": finding.anchor.line, "side": finding.anchor.side.value}
        if finding.anchor.start_line is not None:
            document |= {"start_line": finding.anchor.start_line, "start_side": finding.anchor.side.value}
        try:
            place(self.git.changed_file(self.base, self.head, finding.path), document)
        except Refusal:
            return True
        return False


@dataclass(frozen=True)
class Target:
    """Lines of one side of one hunk that a finding is about."""

    file: FileChange
    side: Side
    rows: tuple[Row, ...]

    @property
    def numbers(self) -> tuple[int, int]:
        lines = [row.new_line if self.side is Side.RIGHT else row.old_line for row in self.rows]
        assert lines[0] is not None
        assert lines[-1] is not None
        return lines[0], lines[-1]

    @property
    def texts(self) -> list[str]:
        return [row.text.decode("utf-8", "replace").removesuffix("\r") for row in self.rows]

    def is_met_by(self, finding: Finding) -> bool:
        anchor = finding.anchor
        if anchor is None or (finding.path, anchor.side) != (self.file.path, self.side):
            return False
        return (anchor.start_line or anchor.line, anchor.line) == self.numbers


def candidate(path: str, quote: str, line: int | None, *, rule: str = "bug") -> Candidate:
    return Candidate(
        agent="correctness",
        rule=rule,
        severity=Severity.HIGH,
        path=path,
        quote=quote,
        title="Title",
        body="Body.",
        line=line,
    )


def targets(change: Change, rng: random.Random, number: int, *, longest: int = 3) -> list[Target]:
    """Draw runs of lines of the new side, that the change made or shows."""
    runs = [
        (file, [row for row in hunk.rows if row.kind is not RowKind.REMOVED])
        for file in change.files
        for hunk in file.hunks
        if any(row.kind is not RowKind.REMOVED for row in hunk.rows)
    ]
    found = []
    for _ in range(number if runs else 0):
        file, rows = rng.choice(runs)
        first = rng.randrange(len(rows))
        found.append(Target(file, Side.RIGHT, tuple(rows[first : first + rng.randint(1, longest)])))
    return found


def code(rng: random.Random, *, odd: bool = False) -> str:
    """Make up a line."""
    kind = rng.random()
    if kind < 0.2:
        return rng.choice(_COMMON)
    if odd and kind < 0.3:
        return rng.choice(_ODD)
    indentation = " " * 4 * rng.randint(0, 3)
    verb, noun, other = rng.choice(_VERBS), rng.choice(_NOUNS), rng.choice(_NOUNS)
    style = rng.randrange(4)
    if style == 0:
        return f"{indentation}def {verb}_{noun}({other}, limit={rng.randint(1, 99)}):"
    if style == 1:
        return f'{indentation}{noun} = {verb}({other}["{rng.choice(_NOUNS)}"], {rng.randint(0, 99)})'
    if style == 2:
        return f"{indentation}if {noun}.{other} > {rng.randint(0, 999)} and {verb}({noun}):"
    return f"{indentation}# {verb.title()} the {noun} before the {other} is {rng.choice(_VERBS)}ed."


def edited(lines: list[str], rng: random.Random, edits: int, *, odd: bool = False) -> list[str]:
    """Change, add, remove and move some lines."""
    result = list(lines)
    for _ in range(edits):
        at = rng.randint(0, len(result))
        removed = result[at : at + rng.choice([0, 0, 1, 2, 5])]
        result[at : at + len(removed)] = [code(rng, odd=odd) for _ in range(rng.choice([0, 1, 2, 4]))]
        if rng.random() < 0.2:
            to = rng.randint(0, len(result))
            result[to:to] = removed
    return result


Files = dict[str, list[str]]


def made_up(rng: random.Random, *, odd: bool = False) -> tuple[Files, Files]:
    """Make up a tree before and after, with a rename and a new file among the changes."""
    old = {f"src/file{index}.py": [code(rng, odd=odd) for _ in range(rng.randint(5, 120))] for index in range(4)}
    new = {path: edited(lines, rng, rng.randint(0, 6), odd=odd) for path, lines in old.items()}
    new["src/renamed.py"] = new.pop("src/file3.py")
    new["src/new file.py"] = [code(rng, odd=odd) for _ in range(rng.randint(1, 60))]
    return old, new


def pull_request(folder: Path, old: Files, new: Files, *, ending: str = "\n") -> PullRequest:
    """Commit both trees, the second on top of the first."""
    subprocess.run(["git", "init", "-q", "--bare", "."], cwd=folder, check=True)
    stream = _commit("base", old, ending) + _commit("head", new, ending, parent="refs/heads/base")
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=folder, input=stream, check=True)
    git = GitRepository(folder)
    base, head = git.commit_id("base"), git.commit_id("head")
    assert base is not None
    assert head is not None
    return PullRequest(git, base, head)


def _commit(name: str, files: Files, ending: str, parent: str | None = None) -> bytes:
    parts = [f"commit refs/heads/{name}\ncommitter A <a@b> 0 +0000\ndata 0\n".encode()]
    parts += [f"from {parent}\ndeleteall\n".encode()] if parent else [b"deleteall\n"]
    for path, lines in files.items():
        content = "".join(line + ending for line in lines).encode()
        parts.append(b'M 100644 inline "%s"\ndata %d\n%s\n' % (path.encode(), len(content), content))
    return b"".join(parts) + b"\n"
