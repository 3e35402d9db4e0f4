"""The engine in the command line's hands, for a checkout on this machine."""

from codereview.adapters.analyzers.local import local_analyzers
from codereview.adapters.models.selection import language_model
from codereview.adapters.system import SystemClock
from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
from codereview.bootstrap.environment import VARIABLES
from codereview.entrypoints.command_line import CommandLineEngine
from codereview.use_cases.review_change import ReviewChange

_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


def command_line(model: str) -> CommandLineEngine:
    """Build the engine; keys of providers come from their usual variables."""
    variable, clock = _KEYS.get(model.partition(":")[0]), SystemClock()
    return CommandLineEngine(
        clock=clock,
        model=language_model(model, api_key=VARIABLES.get(variable) if variable else None),
        review_change=ReviewChange(
            clock=clock, analyzers=local_analyzers(), model_agents=MODEL_AGENTS, analyzer_agents=ANALYZER_AGENTS
        ),
    )
