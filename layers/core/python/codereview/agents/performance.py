"""The agent for work that grows: what will be slow, large or dear."""

from codereview.agents.agent import ModelAgent, everything, select_files
from codereview.domain.source_kind import is_prose

PERFORMANCE = ModelAgent(
    name="performance",
    purpose="Work that grows: queries in loops, quadratic algorithms, unbounded memory, needless waiting.",
    prompt="performance.md",
    sees_description=False,
    select=lambda change: select_files(change, lambda file: not is_prose(file.path)),
    keep=everything,
)
