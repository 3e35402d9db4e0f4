"""How AWS's SDK is used."""

from typing import Any

from botocore.config import Config


def sdk_config(*, read_timeout: int = 10, total_max_attempts: int = 3, signature_version: str | None = None) -> Config:
    """Bound every AWS call: the SDK's own minute of patience is a fifth of the function's life."""
    retries: Any = {"mode": "standard", "total_max_attempts": total_max_attempts}
    return Config(connect_timeout=3, read_timeout=read_timeout, retries=retries, signature_version=signature_version)
