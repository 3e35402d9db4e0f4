"""The agent for text that reads otherwise than it looks."""

from codereview.agents.agent import AnalyzerAgent, all_reviewable, on_added_lines

UNICODE = AnalyzerAgent(
    name="unicode",
    purpose="Hidden text: reordering and invisible characters, letters that pass for others.",
    engine="unicode",
    select=all_reviewable,
    keep=on_added_lines,
)
