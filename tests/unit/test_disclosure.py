"""What a model was told is not what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.agents.registry import MODEL_AGENTS
from codereview.domain.disclosure import WITHHELD, without_instructions

_TOLD = "You are one of several reviewers of a pull request. You see the change and the functions around it."


@pytest.mark.parametrize(
    ("said", "left"),
    [
        pytest.param(_TOLD, WITHHELD + ".", id="word by word"),
        pytest.param(f"My rules: {_TOLD} Done.", f"My rules: {WITHHELD}. Done.", id="within a text"),
        pytest.param(_TOLD.upper(), WITHHELD + ".", id="in capitals"),
        pytest.param(_TOLD.replace(" ", "\n> "), WITHHELD + ".", id="over lines"),
        pytest.param(_TOLD.replace(" ", "*"), WITHHELD + ".", id="with signs between"),
        pytest.param("You see the change.", "You see the change.", id="a few words"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_b42_instructions_are_left_out(said: str, left: str) -> None:
    assert without_instructions(said, _TOLD) == left


def test_what_the_change_itself_says_may_be_said() -> None:
    assert without_instructions(_TOLD, _TOLD, shown=f"     1 + # {_TOLD}") == _TOLD


@given(st.text(max_size=200))
def test_other_words_stay_as_they_are(text: str) -> None:
    assert without_instructions(text, _TOLD) == text


@pytest.mark.parametrize("agent", MODEL_AGENTS, ids=lambda agent: agent.name)
def test_b42_of_no_agents_instructions_a_paragraph_comes_out(agent: object) -> None:
    instructions = getattr(agent, "instructions", "")
    assert len(instructions) > 3_000
    assert len(without_instructions(instructions, instructions)) < len(WITHHELD) + 50
