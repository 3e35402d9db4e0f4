"""Where a bug was, and what for, said in a few words."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from codereview.adapters.models.mock import MockModel
from codereview.adapters.system import SystemClock
from codereview.agents.agent import load_prompt, part_of
from codereview.agents.security import SECURITY
from codereview.domain.raising import During, raised_at
from codereview.use_cases.ask_agents import Agents
from tests.unit.test_agents import change


def caught(run: Callable[..., object], *arguments: object) -> BaseException:
    """Run it in another thread, as agents are, and catch what it raises here."""
    with ThreadPoolExecutor() as pool:
        error = pool.submit(run, *arguments).exception()
    assert error is not None
    return error


def test_the_innermost_place_of_our_own_is_named_and_no_librarys() -> None:
    error = caught(load_prompt, "no-such-prompt.md")
    assert type(error) is FileNotFoundError
    place = raised_at(error)
    assert place is not None
    file, _, rest = place.partition(":")
    assert (file, rest.split()[1]) == ("agents/agent.py", "load_prompt")


def test_what_was_under_way_is_named_once_and_the_errors_text_never() -> None:
    def run() -> None:
        with During("agent security"), During("agent security"):
            load_prompt("canary-of-a-tenant.md")

    place = str(raised_at(caught(run)))
    assert place.endswith(" load_prompt (agent security)")
    assert "canary" not in place


def test_a_bug_in_what_agents_share_names_the_agent_that_was_asked() -> None:
    clock = SystemClock()
    broken = replace(SECURITY, prompt="no-such-prompt.md")
    agents = Agents(agents=(broken,), model=MockModel(), clock=clock, deadline=clock.now() + timedelta(minutes=1))
    with ThreadPoolExecutor() as pool, pytest.raises(FileNotFoundError) as failed:
        agents.ask([part_of(change())], pool)
    assert str(raised_at(failed.value)).endswith(" load_prompt (agent security)")


def test_an_error_of_nobodys_code_has_no_place() -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        _ = 1 // 0
    assert raised_at(failed.value) is None
