"""The agent for what happens at once, twice, or in another order."""

from codereview.agents.agent import ModelAgent, everything, select_files
from codereview.domain.source_kind import is_prose

CONCURRENCY = ModelAgent(
    name="concurrency",
    purpose="What goes wrong at once, twice or in another order: races, locks, lost updates, retries.",
    prompt="concurrency.md",
    sees_description=False,
    select=lambda change: select_files(change, lambda file: not is_prose(file.path)),
    keep=everything,
)
