"""The pages of docs/runbooks, as what they are made of: alarms, parts, and commands as they stand."""

import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local.checkout import ROOT

FOLDER = ROOT / "docs/runbooks"
PARTS = ["Symptoms", "Confirm", "Mitigate", "Verify", "Restore"]

# What an operator fills in. README.md says where it comes from.
VALUES: Mapping[str, str] = {
    "STACK": "codereview-prod",
    "STAGE": "prod",
    "TENANT": "github.com:583231",
    "KEY": "0123456789abcdef",
    "REVIEW_ID": "9a2f1c1e-6f0b-4b5c-9a1f-3c8f1d5f0a77",
    "SINCE": "2027-01-31T02:00:00Z",
    "MEMORY_MB": "1024",
    "RELEASE": "7",
    "ALIAS": "arn:aws:lambda:us-east-1:111122223333:function:codereview-prod-reconciler:live",
    "RULE": "codereview-prod-ReconcilerFunctionEveryMinute",
    "REQUESTS": "none",
    "REQUESTS_PER_KEY": "600/m:100",
    "REVIEWS": "none",
    "SECRET": "arn:aws:secretsmanager:us-east-1:111122223333:secret:s",
    "NEW": "0c6b7f4e-1f0a-4c57-9a44-2f6a5a1a6f2d",
    "OLD": "3f1e2d3c-5b6a-4c7d-8e9f-a0b1c2d3e4f5",
    "PWD": "/srv/codereview",
    "PATH": "/usr/bin",
}
_FENCE = re.compile(r"^(?P<indent> *)```sh\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_INNER = re.compile(r"\$\((?P<command>.*?)\)(?=\")", re.DOTALL)
_VARIABLE = re.compile(r"\$(\w+)")
_NAMED = re.compile(r"`([a-z]+(?:-[a-z]+)*)`")


@dataclass(frozen=True)
class Page:
    """One page; `slug` is its name without `.md`."""

    slug: str
    text: str

    @cached_property
    def alarms(self) -> set[str]:
        """The alarms that the page is for: what its first paragraph names, without the stack in front."""
        first = self.text.split("\n\n")[1]
        return set(_NAMED.findall(first.partition(".")[0]))

    @cached_property
    def parts(self) -> dict[str, str]:
        """The text below each heading of the second level."""
        _, *sections = re.split(r"^## ", self.text, flags=re.MULTILINE)
        return {heading: body for heading, _, body in (section.partition("\n") for section in sections)}

    def commands(self, part: str | None = None) -> Iterator[list[str]]:
        """Yield every command as its words, with placeholders filled in; those inside of `$(…)` too."""
        for block in _FENCE.finditer(self.text if part is None else self.parts[part]):
            for line in textwrap.dedent(block["text"]).replace("\\\n", " ").splitlines():
                yield from _words(line)


def _words(line: str) -> Iterator[list[str]]:
    for inner in _INNER.finditer(line):
        yield from _words(inner["command"])
    outer = _INNER.sub("x", line)
    yield shlex.split(_VARIABLE.sub(lambda name: VALUES[name[1]], outer), comments=True)


def pages() -> dict[str, Page]:
    """Read every page."""
    found = {path.stem: Page(slug=path.stem, text=path.read_text()) for path in Path(FOLDER).glob("*.md")}
    del found["README"]
    return found
