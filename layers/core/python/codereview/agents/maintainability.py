"""The agent for what misleads the next person."""

from codereview.agents.agent import ModelAgent, all_reviewable, everything

MAINTAINABILITY = ModelAgent(
    name="maintainability",
    purpose="What misleads the next person: untrue names and comments, copies, dead code, hidden coupling.",
    prompt="maintainability.md",
    sees_description=True,
    select=all_reviewable,
    keep=everything,
)
