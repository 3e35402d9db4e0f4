"""The analyzer function, which has no rights and no network, and so nothing to connect to."""

import functools

from codereview.adapters.analyzers.local import local_analyzers
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.logger import logger_of
from codereview.entrypoints.analyzer import AnalyzerApp
from codereview.settings import Environment, log_settings


@functools.cache
def analyzer() -> AnalyzerApp:
    """Build the function."""
    environment = Environment(VARIABLES)
    settings = log_settings(environment)
    environment.done()
    return AnalyzerApp(analyzers=local_analyzers(), logger=logger_of(settings))
