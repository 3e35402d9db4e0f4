"""What the tests of growth would notice."""

import pytest

from tests.unit.growth import assert_no_worse_than_linear


def test_linear_work_passes() -> None:
    assert_no_worse_than_linear(lambda text: [character.upper() for character in text], "a" * 1_000_000)


def test_quadratic_work_does_not() -> None:
    with pytest.raises(AssertionError):
        assert_no_worse_than_linear(lambda text: [text.count("b") for _ in text], "a" * 60_000)
