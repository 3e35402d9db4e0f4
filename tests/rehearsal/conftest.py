"""One deployed system for all nights, left as it was found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack import LocalStack
from tests.infra.template.conftest import template_text, templates
from tests.infra.template.deployed import Template
from tests.rehearsal.operator_at_night import Night
from tests.rehearsal.releases import REVIEWER
from tests.scenarios.commands import run
from tests.scenarios.conftest import local_aws

__all__ = ["local_aws", "template_text", "templates"]


@pytest.fixture
def night(local_aws: LocalStack, templates: dict[str, Template], tmp_path: Path) -> Iterator[Night]:
    """A night of its own; what it leaves of releases, workers and switches is put back for the other tests."""
    client: Any = local_aws.aws.client("lambda")
    before = client.get_function_configuration(FunctionName=REVIEWER)
    alias = client.get_alias(FunctionName=REVIEWER, Name="live")["FunctionVersion"]
    yield Night(stack=local_aws, templates=templates, folder=tmp_path)
    run(local_aws, "workers", "restore", "--yes")
    run(local_aws, "workers", "resume", "--yes")
    run(local_aws, "flags", "set", "--deployment", "--models", "on", "--agent", "security=on")
    layers = [each["Arn"] for each in before["Layers"]]
    client.update_function_configuration(FunctionName=REVIEWER, Layers=layers, MemorySize=before["MemorySize"])
    client.update_alias(FunctionName=REVIEWER, Name="live", FunctionVersion=alias)
