"""The log of every function but the webhook, which has no third-party code: `entrypoints/json_log.py`."""

import functools
import json
import logging

from aws_lambda_powertools import Logger


def function_logger(service: str, *, level: str = "INFO") -> Logger:
    """Log as all functions do; libraries only speak up about trouble, since what they say names tenants' files.

    Lines are ASCII: half a surrogate pair, which any JSON can bring in, cannot be written to stdout as UTF-8, and the
    line that explains a failure would be lost with it.
    """
    logging.getLogger().setLevel(logging.WARNING)
    serializer = functools.partial(json.dumps, default=str, separators=(",", ":"))
    return Logger(service=service, level=level, utc=True, json_serializer=serializer)
