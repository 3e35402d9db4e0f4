"""The agent for defects: what the program will do wrong."""

from codereview.agents.agent import ModelAgent, all_reviewable, everything

CORRECTNESS = ModelAgent(
    name="correctness",
    purpose="Defects: logic, error handling, data, interfaces.",
    prompt="correctness.md",
    sees_description=True,
    select=all_reviewable,
    keep=everything,
)
