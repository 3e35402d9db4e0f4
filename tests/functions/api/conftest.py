"""The api function on an emulated AWS, with a clock and a GitHub of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from local import aws
from local.aws import Aws
from local.processes import Processes, free_ports
from tests.functions.api.world import World

_numbers = count(1)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder = tmp_path_factory.mktemp("emulator")
    (port,) = free_ports(1)
    with Processes([folder / "tmp"]) as processes:
        yield aws.start(processes, folder=folder, port=port)


@pytest.fixture
def world(emulator: Aws) -> World:
    return World.new(emulator, f"world-{next(_numbers)}")


@pytest.fixture(scope="module")
def shared(emulator: Aws) -> World:
    """One world for the tests of a module that only look, or bring their own things."""
    return World.new(emulator, f"world-{next(_numbers)}")
