"""An attacker's words, anywhere in a pull request, with a model that does all they say: nothing comes of it."""

from functools import cache

import pytest

from tests.scenarios.hostile import harm
from tests.scenarios.hostile.case import Case, cases
from tests.scenarios.hostile.hostile_world import SECRET, HostileWorld

CASES = cases()
ENVIRONMENT = "CANARY-environment-5d1f"


@cache
def clean() -> HostileWorld:
    """Review the change without the attacker's words."""
    return HostileWorld(is_clean=True).run()


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize("name", CASES)
def test_b40_to_b44_b53_the_worst_model_obeys_and_nothing_comes_of_it(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CANARY", ENVIRONMENT)
    caplog.set_level("DEBUG")
    case = CASES[name]
    world = HostileWorld(case=case).run()
    expect_harmless(world, case)
    harm.expect_the_analyzers_word(world, clean())
    assert SECRET not in caplog.text


def expect_harmless(world: HostileWorld, case: Case) -> None:
    """Hold all that does not need the analyzers."""
    assert bool(world.model.obeyed) is case.is_seen
    harm.expect_a_mere_comment(world)
    harm.expect_nothing_live(world)
    harm.expect_code_as_it_is(world)
    harm.expect_suggestions_in_plain_sight(world)
    harm.expect_no_canary(world, [ENVIRONMENT])
    harm.expect_no_instructions(world)
    harm.expect_the_authors_words_where_they_belong(world)
    harm.expect_only_the_change_read(world)
