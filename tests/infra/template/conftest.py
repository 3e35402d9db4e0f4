"""The templates as CloudFormation sees them, for the stages that there are."""

from typing import Any

import pytest

from local.build import architecture
from local.checkout import ROOT
from local.translation import translate
from tests.infra.template.deployed import Stack, Template

ON_AWS = {"Stage": "prod", "Model": "bedrock:us.vendor.model-1:0", "CheaperModel": "bedrock:us.vendor.small-1:0"}
LOCALLY = {"Stage": "local", "Model": "mock", "DatabaseHost": "127.0.0.1", "Architecture": architecture()}


@pytest.fixture(scope="session")
def template_text() -> str:
    return (ROOT / "template.yaml").read_text()


@pytest.fixture(scope="session")
def templates(template_text: str) -> dict[str, Template]:
    texts = {"template.yaml": template_text}
    nested = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "infra").glob("*.yaml"))
    texts |= {name: (ROOT / name).read_text() for name in nested}
    return translate(texts, {})


@pytest.fixture(scope="session")
def system(templates: dict[str, Template]) -> Stack:
    """The main stack in production."""
    return Stack(templates["template.yaml"], ON_AWS)


@pytest.fixture(scope="session")
def local_system(templates: dict[str, Template]) -> Stack:
    """The main stack on a developer's machine."""
    return Stack(templates["template.yaml"], LOCALLY)


@pytest.fixture(scope="session")
def network(templates: dict[str, Template]) -> Stack:
    return Stack(templates["infra/network.yaml"], {})


@pytest.fixture(scope="session")
def database(templates: dict[str, Template]) -> Stack:
    return Stack(templates["infra/database.yaml"], {"Stage": "prod"})


@pytest.fixture(scope="session", params=["system", "local_system"])
def any_system(request: pytest.FixtureRequest) -> Stack:
    """Both, one after the other: for what has to hold everywhere."""
    stack: Any = request.getfixturevalue(request.param)
    assert isinstance(stack, Stack)
    return stack
