"""API keys and session tokens as texts: made, read, and refused without asking a store."""

import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.control.tokens import LONGEST_TOKEN, TokenKind, hash_of, is_same, make_token, parse_token

SECRET = bytes(range(32))
KEY = make_token(TokenKind.KEY, environment="prod", token_id=UUID(int=7), secret=SECRET)
DIGITS = string.digits + string.ascii_letters
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."


@given(
    kind=st.sampled_from(TokenKind),
    environment=st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True),
    token_id=st.uuids(),
    secret=st.binary(min_size=32, max_size=32),
)
def test_a_token_is_read_as_it_was_made(kind: TokenKind, environment: str, token_id: UUID, secret: bytes) -> None:
    made = make_token(kind, environment=environment, token_id=token_id, secret=secret)
    parsed = parse_token(made.text, environment=environment)
    assert parsed is not None
    assert (parsed.kind, parsed.id, parsed.hash) == (kind, made.id, made.hash)
    assert made.text.startswith(f"{kind}_{environment}_")
    assert len(made.text) <= LONGEST_TOKEN
    assert is_same(hash_of(made.text), made.hash)


@given(place=st.integers(0, len(KEY.text) - 1), digit=st.sampled_from(DIGITS))
def test_b59_a_token_with_a_mistyped_character_is_none(place: int, digit: str) -> None:
    mistyped = KEY.text[:place] + digit + KEY.text[place + 1 :]
    assert (parse_token(mistyped, environment="prod") is None) == (mistyped != KEY.text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(KEY.text + "\n", id="a newline at the end"),
        pytest.param(" " + KEY.text, id="a space before"),
        pytest.param(KEY.text.upper(), id="upper case"),
        pytest.param(KEY.text.replace("acr", "\u0430cr"), id="a Cyrillic a"),
        pytest.param(KEY.text.replace("0", "\uff10"), id="a wide zero"),
        pytest.param(KEY.text + "\0", id="NUL"),
        pytest.param(KEY.text + "a" * 10_000_000, id="10 MB"),
        pytest.param(KEY.text.replace("acr_", "ghp_"), id="another prefix"),
        pytest.param("' OR 1=1 --", id="B60 SQL"),
        pytest.param(KEY.text[:-10] + "' OR '1'='1", id="B60 SQL at the end of a key"),
        pytest.param(JWT, id="B63 a token without a signature"),
        pytest.param("acs_" + JWT, id="B63 the same as a session"),
    ],
)
def test_b59_b60_b63_what_is_no_token_is_none(text: str) -> None:
    assert parse_token(text, environment="prod") is None


def test_b59_a_token_of_another_environment_is_none() -> None:
    assert parse_token(KEY.text, environment="staging") is None
    assert parse_token(KEY.text, environment="pro") is None


def test_a_tokens_text_is_in_no_representation() -> None:
    assert KEY.text not in repr(KEY)
    assert KEY.text not in str(KEY)


@pytest.mark.parametrize("environment", ["", "Prod", "a_b", "ü", "x" * 33])
def test_an_environment_that_no_key_can_name_makes_none(environment: str) -> None:
    with pytest.raises(ValueError, match="environment"):
        make_token(TokenKind.KEY, environment=environment, token_id=UUID(int=7), secret=SECRET)


def test_a_short_secret_makes_no_token() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        make_token(TokenKind.KEY, environment="prod", token_id=UUID(int=7), secret=b"short")
