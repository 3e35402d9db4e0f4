"""The environment of this process; no other module reads or changes it."""
# ruff: noqa: TID251 -- this is the module that the ban points to

import os
from collections.abc import Mapping
from typing import Final

VARIABLES: Final[Mapping[str, str]] = os.environ  # as they are at each look


def api_key() -> str | None:
    """Return the command line's key, which never stands among its arguments, where others could read it."""
    return VARIABLES.get("CODEREVIEW_API_KEY")


def use_aws(environment: Mapping[str, str]) -> None:
    """Let this process speak to another account from now on: the emulated one of a local stack."""
    os.environ.update(environment)
