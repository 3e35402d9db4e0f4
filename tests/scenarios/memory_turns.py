"""The turns of the reviewers in memory: what adapters/dynamodb/turns.py does to its one item."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from codereview.domain.turns import Turns

if TYPE_CHECKING:
    from tests.scenarios.world import World


@dataclass
class TurnItem:
    """What is stored; the workers of several worlds may share it."""

    turns: Turns = field(default_factory=Turns)


@dataclass
class TurnTable:
    """The item, whose reads and writes can go wrong like any other."""

    world: "World"

    def load(self) -> Turns:
        """Read it."""
        return self.world.call("turns.load", lambda: self.world.turns.turns)

    def save(self, turns: Turns) -> bool:
        """Replace the version that was read."""
        return self.world.call("turns.save", lambda: self._save(turns))

    def _save(self, turns: Turns) -> bool:
        item = self.world.turns
        if turns.version != item.turns.version:
            return False
        item.turns = replace(turns, version=turns.version + 1)
        return True
