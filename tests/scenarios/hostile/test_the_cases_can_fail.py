"""Each defence is taken away once: so many of the cases that are about it have to turn red."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from codereview.agents.registry import MODEL_AGENTS
from codereview.domain.merging import merge
from tests.scenarios.hostile import harm
from tests.scenarios.hostile.case import families
from tests.scenarios.hostile.hostile_world import HostileWorld
from tests.scenarios.hostile.test_hostile_changes import clean, expect_harmless


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """What stands in its place, by module and name; `least` of the families' cases notice."""

    places: tuple[str, ...]
    instead: Callable[..., Any]
    families: tuple[str, ...]
    least: int


def _as_it_is(text: str, *_: object, **__: object) -> str:
    return text


CORE = "codereview"
_IN_EVERY_RUN = 3  # the others in the long run
DEFENCES = {
    "the sanitiser": Defence(
        places=(f"{CORE}.domain.rendering.sanitise", f"{CORE}.domain.cutting.sanitise"),
        instead=_as_it_is,
        families=("mentions", "commands", "links", "html"),
        least=110,
    ),
    "the list of links": Defence(
        places=(f"{CORE}.domain.sanitising.is_allowed_url",),
        instead=lambda _: True,
        families=("links",),
        least=20,
    ),
    "the languages of fences": Defence(
        places=(f"{CORE}.domain.sanitising._info",), instead=_as_it_is, families=("fences",), least=8
    ),
    "the removal of what is hidden": Defence(
        places=(f"{CORE}.domain.sanitising.strip_hidden",), instead=_as_it_is, families=("unicode",), least=15
    ),
    "the masking of the change": Defence(
        places=(f"{CORE}.agents.agent.mask_secrets",), instead=_as_it_is, families=("mentions",), least=20
    ),
    "the masking of what is kept": Defence(
        places=(f"{CORE}.domain.stored.at_rest",), instead=lambda result: result, families=("mentions",), least=20
    ),
    "the instructions left out": Defence(
        places=(f"{CORE}.use_cases.ask_agents.without_instructions",),
        instead=_as_it_is,
        families=("secrets",),
        least=2,
    ),
    "the analyzers' own words": Defence(
        places=(f"{CORE}.use_cases.review_change.merge",),
        instead=lambda findings, proven_by: merge(findings),
        families=("verdicts",),
        least=2,
    ),
    "the analyzers' share": Defence(
        places=(f"{CORE}.domain.rendering.share_comments",),
        instead=lambda findings, _, most: (findings[:most], findings[most:]),
        families=("verdicts",),
        least=1,
    ),
    "the plain sight of suggestions": Defence(
        places=(f"{CORE}.domain.rendering.find_hidden_text",),
        instead=lambda _: (),
        families=("suggestions",),
        least=1,
    ),
}


def _turns_red(world: HostileWorld) -> bool:
    try:
        world.run()
        expect_harmless(world, world.case)
        harm.expect_the_analyzers_word(world, clean())
    except Exception:  # noqa: BLE001 -- whatever it trips over
        return True
    return False


@pytest.mark.parametrize(
    "name",
    [
        name if number < _IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.long)
        for number, name in enumerate(DEFENCES)
    ],
)
def test_without_a_defence_its_cases_turn_red(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    defence = DEFENCES[name]
    clean()
    for place in defence.places:
        monkeypatch.setattr(place, defence.instead)
    cases = [case for family in defence.families for case in families()[family]]
    red = [case.name for case in cases if _turns_red(HostileWorld(case=case))]
    assert len(red) >= defence.least, f"only {len(red)} of {len(cases)}: {red}"


def test_when_every_agent_is_told_the_authors_words_the_cases_turn_red(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "tests.scenarios.hostile.hostile_world.MODEL_AGENTS"
    monkeypatch.setattr(place, tuple(replace(agent, sees_description=True) for agent in MODEL_AGENTS))
    assert all(_turns_red(HostileWorld(case=case)) for case in families()["mentions"])
