"""All agents, in the order in which their runs are listed."""

from codereview.agents.agent import AnalyzerAgent, ModelAgent
from codereview.agents.concurrency import CONCURRENCY
from codereview.agents.correctness import CORRECTNESS
from codereview.agents.maintainability import MAINTAINABILITY
from codereview.agents.performance import PERFORMANCE
from codereview.agents.ruff import RUFF
from codereview.agents.secrets import SECRETS
from codereview.agents.security import SECURITY
from codereview.agents.tests import TESTS
from codereview.agents.unicode import UNICODE

MODEL_AGENTS: tuple[ModelAgent, ...] = (CORRECTNESS, SECURITY, PERFORMANCE, CONCURRENCY, TESTS, MAINTAINABILITY)
ANALYZER_AGENTS: tuple[AnalyzerAgent, ...] = (RUFF, SECRETS, UNICODE)
AGENTS: tuple[ModelAgent | AnalyzerAgent, ...] = (*MODEL_AGENTS, *ANALYZER_AGENTS)
