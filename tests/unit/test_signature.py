"""The check of GitHub's signature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.signature import is_signed
from codereview.errors import ConfigurationError

# GitHub's own example: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
SECRET = b"It's a Secret to Everybody"
BODY = b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_githubs_own_example_is_signed() -> None:
    assert is_signed(BODY, SIGNATURE, [SECRET])


def test_any_one_of_the_secrets_will_do() -> None:
    assert is_signed(BODY, SIGNATURE, [b"new", SECRET])
    assert not is_signed(BODY, SIGNATURE, [b"new", b"newer"])


@given(place=st.integers(min_value=0, max_value=len(BODY) * 8 - 1))
def test_a_body_with_any_bit_changed_is_not_signed(place: int) -> None:
    changed = bytearray(BODY)
    changed[place // 8] ^= 1 << place % 8
    assert not is_signed(bytes(changed), SIGNATURE, [SECRET])


@given(given_header=st.none() | st.text() | st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_b1_b2_b3_no_other_header_passes_or_fails_with_an_error(given_header: str | None) -> None:
    assert not is_signed(BODY, given_header, [SECRET])


@pytest.mark.parametrize("secrets", [[], [b""], [SECRET, b""]])
def test_b10_without_a_secret_nothing_is_checked(secrets: list[bytes]) -> None:
    with pytest.raises(ConfigurationError):
        is_signed(BODY, SIGNATURE, secrets)
