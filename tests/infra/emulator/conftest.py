"""Two emulators: one as its makers ship it, one with our extensions and a tiny stack."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import aws, build, deployment
from local.aws import Aws
from local.deployment import Deployment
from local.emulator import EXTENSIONS
from local.processes import Processes, free_ports

TINY = Path(__file__).parents[1] / "data" / "tiny" / "template.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiny:
    aws: Aws
    deployment: Deployment

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def output(self, name: str) -> str:
        return self.deployment.outputs[name]


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    with Processes([]) as started:
        yield started


@pytest.fixture(scope="session")
def tiny(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    running = aws.start(processes, folder=tmp_path_factory.mktemp("extended"), port=free_ports(1)[0])
    return _deploy_tiny(processes, running)


@pytest.fixture(scope="session")
def bare(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The same stack on the emulator without any extension."""
    folder = tmp_path_factory.mktemp("bare")
    running = aws.start(processes, folder=folder, port=free_ports(1)[0], without=EXTENSIONS)
    return _deploy_tiny(processes, running)


def _deploy_tiny(processes: Processes, running: Aws) -> Tiny:
    built = build.build(processes, TINY)
    return Tiny(aws=running, deployment=deployment.deploy(processes, running, built, name="tiny", parameters={}))
