"""The log of a function, by its settings."""

from aws_lambda_powertools import Logger

from codereview.entrypoints.logger import function_logger
from codereview.settings import LogSettings


def logger_of(settings: LogSettings) -> Logger:
    """Open the log."""
    return function_logger(settings.service, level=settings.level, origin=settings.origin)
