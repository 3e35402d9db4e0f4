"""Which comments are commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.commands import command_of


@pytest.mark.parametrize(
    ("comment", "command"),
    [
        ("/review", "review"),
        ("/review full", "review full"),
        ("/REVIEW  Full ", "review full"),
        ("/review\r\nthank you", "review"),
        ("/review\t full\rmore", "review full"),
        ("@Acr review", "review"),
        ("@acr[bot] review full\n\n> quoted", "review full"),
    ],
)
def test_a_command_stands_alone_on_the_first_line(comment: str, command: str) -> None:
    assert command_of(comment, app_slug="acr") == command


@pytest.mark.parametrize(
    "comment",
    [
        None,
        "",
        "\n",
        " \n/review",
        "\n/review",
        " /review",
        "> /review",
        "```\n/review\n```",
        "`/review`",
        "/ review",
        "//review",
        "/",
        "@acr",
        "@acr /review",
        "review",
        "@someone review",
        "@acrobat review",
        "please @acr review",
        "/review fully",
        "/review please",
        "/reviewfull",
        "/review full full",
        "/review" + " " * 300,
        "/help",
        "/approve",
        "@acr __class__",
        "/review --config.base_url=https://evil.test",
        "/review --openai__key=x",
        "/rev\u0131ew",
    ],
)
def test_b46_b47_nothing_else_is_a_command(comment: str | None) -> None:
    assert command_of(comment, app_slug="acr") is None


@given(comment=st.text())
def test_no_text_but_the_listed_commands_ever_becomes_one(comment: str) -> None:
    assert command_of(comment, app_slug="acr") in (None, "review", "review full")
    assert command_of(f"x{comment}", app_slug="acr") is None
