"""Vacuums what has most to gain, for as long as there is time: a paused database does not do it by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.errors import RetryableError
from codereview.ports import Clock
from codereview.record_ports import TableHealth, Tables

# PostgreSQL's own autovacuum begins at 20 per cent dead rows, and stops writes for good at 2 thousand million
# transactions: https://www.postgresql.org/docs/current/routine-vacuuming.html
DEAD_RATIO, FEWEST_DEAD = 0.05, 500
OLDEST = 150_000_000  # transactions
_LEAST_TIME = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareForTables:
    """Decides by PostgreSQL's statistics."""

    clock: Clock
    tables: Tables

    def __call__(self, *, deadline: datetime) -> tuple[str, ...]:
        """Vacuum, the worst first, and return the tables' names; one that takes too long is left for another night."""
        done = []
        for table in worst_first(self.tables.health().tables):
            left = deadline - self.clock.now()
            if left < _LEAST_TIME:
                break
            try:
                self.tables.vacuum(table.name, within=left)
            except RetryableError:
                continue
            done.append(table.name)
        return tuple(done)


def worst_first(tables: tuple[TableHealth, ...]) -> list[TableHealth]:
    """Choose the tables that need it: those near the end of their transaction ids, then by their share of dead rows."""
    chosen = [
        table
        for table in tables
        if table.transaction_age > OLDEST or (table.dead_ratio >= DEAD_RATIO and table.dead_rows >= FEWEST_DEAD)
    ]
    return sorted(chosen, key=lambda table: (-(table.transaction_age > OLDEST), -table.dead_ratio, table.name))
