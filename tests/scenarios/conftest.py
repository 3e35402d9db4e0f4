"""The deployed system, once for all tests that need it."""

from collections.abc import Iterator

import pytest

from local.stack import LocalStack


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def local_aws_with_roles() -> Iterator[LocalStack]:
    """The same, where each function may do only what its role in the template allows."""
    with LocalStack(enforce_iam=True) as stack:
        yield stack
