"""All agents, in the order in which their runs are listed."""

from codereview.agents.agent import AnalyzerAgent, ModelAgent
from codereview.agents.correctness import CORRECTNESS
from codereview.agents.ruff import RUFF
from codereview.agents.secrets import SECRETS
from codereview.agents.security import SECURITY

MODEL_AGENTS: tuple[ModelAgent, ...] = (CORRECTNESS, SECURITY)
ANALYZER_AGENTS: tuple[AnalyzerAgent, ...] = (RUFF, SECRETS)
AGENTS: tuple[ModelAgent | AnalyzerAgent, ...] = (*MODEL_AGENTS, *ANALYZER_AGENTS)
