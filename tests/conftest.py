"""How the suite is spread over processes, and what is no failure."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from local.database import POSTGRES_16, POSTGRES_17

# No test may depend on how fast the machine is: neither an example's nor a strategy's time is a failure.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

_TESTS = Path(__file__).parent

# Tests that share a server belong on one process, or each process would start a server of its own.
_SHARED = (
    "adapters/dynamodb",
    "adapters/models",
    "adapters/postgres",
    "functions/reports",
    "infra/emulator",
    "infra/layers",
    "infra/template",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the record's tests run on another PostgreSQL."""
    parser.addoption("--postgres", default=POSTGRES_16, choices=(POSTGRES_16, POSTGRES_17), help="the server's wheel")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each folder that shares a server together."""
    for item in items:
        folder = item.path.parent.relative_to(_TESTS).as_posix() if item.path.is_relative_to(_TESTS) else ""
        for shared in _SHARED:
            if folder.startswith(shared):
                item.add_marker(pytest.mark.xdist_group(shared))
