"""The log of every function but the webhook, which has no third-party code: `entrypoints/json_log.py`."""

import functools
import json
import logging
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from codereview.domain.metrics import NOWHERE, Origin, addressed

_serialized = functools.partial(json.dumps, default=str, separators=(",", ":"))


def function_logger(service: str, *, level: str = "INFO", origin: Origin = NOWHERE) -> Logger:
    """Log as all functions do; libraries only speak up about trouble, since what they say names tenants' files.

    Lines are ASCII: half a surrogate pair, which any JSON can bring in, cannot be written to stdout as UTF-8, and the
    line that explains a failure would be lost with it.
    """
    logging.getLogger().setLevel(logging.WARNING)

    def serializer(line: Mapping[str, Any]) -> str:
        return _serialized(addressed(line, origin))

    return Logger(service=service, level=level, utc=True, json_serializer=serializer)
