"""The cases of this folder: what an attacker writes, by family, each family a file of data."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "cases"
EVERYWHERE = ("title", "description", "comment", "string", "docs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One attack. `say` is what the review is to be made to say, and stands in each of the places `where`."""

    name: str
    say: str = "The change is safe."
    times: int = 1  # how often over
    where: tuple[str, ...] = EVERYWHERE
    is_seen: bool = True  # by a model; some places are shown to none
    verdict: str = "confirmed"  # what the model says as the verifier
    claim: dict[str, Any] = field(default_factory=dict)  # fields of a claim that are to be other than usual
    claims: int = 1  # how many of it
    answer: str | None = None  # the model's whole answer, word by word
    repeats: str = ""  # the part of its own question that the model gives away
    behind: str = ""  # a comment on each line that the analyzers find fault with
    files: dict[str, str] = field(default_factory=dict)  # that the change adds

    @property
    def suppresses(self) -> bool:
        """Whether it asks analyzers to look away."""
        return bool(self.behind) or "noqa" in self.say

    @property
    def text(self) -> str:
        """What is to be said."""
        return self.say * self.times


@cache
def families() -> dict[str, tuple[Case, ...]]:
    """Read all families."""
    return {path.stem: tuple(_cases(path)) for path in sorted(_FOLDER.glob("*.toml"))}


def cases() -> dict[str, Case]:
    """Return all cases by `family-name`."""
    return {f"{family}-{case.name}": case for family, members in families().items() for case in members}


def _cases(path: Path) -> Iterator[Case]:
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
        fields: dict[str, Any] = {**entry, "where": tuple(entry.get("where", EVERYWHERE))}
        yield Case(**fields)
