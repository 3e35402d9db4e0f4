"""How the suite is spread over processes, and what is no failure."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

from local.database import POSTGRES_16, POSTGRES_17

# No test may depend on how fast the machine is: neither an example's nor a strategy's time is a failure.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# Tests that share a server belong on one process, or each process would start a server of its own. The first ones take
# longest, and are begun first, or the others would wait for them in the end.
_SHARED = (
    "rehearsal",
    "scenarios/test_deployed",
    "scenarios/test_limits",
    "adapters/postgres",
    "adapters/dynamodb",
    "adapters/models",
    "functions/reports",
    "infra/emulator",
    "infra/layers",
    "infra/template",
)


def _shared(nodeid: str) -> str | None:
    """Return the beginning that a test has in common with those that use its server."""
    return next((beginning for beginning in _SHARED if nodeid.startswith(f"tests/{beginning}")), None)


class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """Keep tests of one server together, and spread the others one by one.

    Not xdist's own groups: those are written into an attribute that pytest reads no more.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _shared(nodeid) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    """Begin groups in the order in which their tests are collected, not with the most numerous."""
    config.option.loadscopereorder = False
    return ByServer(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the record's tests run on another PostgreSQL."""
    parser.addoption("--postgres", default=POSTGRES_16, choices=(POSTGRES_16, POSTGRES_17), help="the server's wheel")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that share a server first, in the order of their servers."""
    places = {beginning: place for place, beginning in enumerate(_SHARED)}
    items.sort(key=lambda item: places.get(_shared(item.nodeid) or "", len(places)))
