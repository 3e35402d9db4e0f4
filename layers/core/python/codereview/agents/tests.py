"""The agent for tests: whether they can fail, and for the right reason."""

from codereview.agents.agent import ModelAgent, everything, select_files
from codereview.domain.source_kind import is_test

TESTS = ModelAgent(
    name="tests",
    purpose="Tests that cannot fail, fail by chance, or were weakened; risky branches left without one.",
    prompt="tests.md",
    sees_description=True,
    select=lambda change: select_files(change, lambda file: is_test(file.path)),
    keep=everything,
)
