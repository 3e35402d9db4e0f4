"""The agent for credentials that a change would publish."""

from codereview.agents.agent import AnalyzerAgent, all_reviewable, on_added_lines

SECRETS = AnalyzerAgent(
    name="secrets",
    purpose="Credentials in the source: keys, tokens, passwords, connection strings.",
    engine="secrets",
    select=all_reviewable,
    keep=on_added_lines,
)
