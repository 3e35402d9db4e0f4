"""Nobody learns from a refusal what there is: all of one kind are equal byte by byte."""

import pytest

from codereview.domain.control.people import Role
from codereview.entrypoints.api.routing import Who
from tests.functions.api.rights import ANYBODY
from tests.functions.api.samples import BY_NAME
from tests.functions.api.uniform import hold_closed, hold_uniform, strangers
from tests.functions.api.world import World

WITH_IDS = sorted(name for name, route in BY_NAME.items() if route.parameters)


@pytest.mark.parametrize("operation", WITH_IDS)
def test_b59_b64_what_is_anothers_is_refused_like_what_is_nobodys(shared: World, operation: str) -> None:
    wanted = {403} if BY_NAME[operation].access is Who.OPERATOR else {404}
    for token in (shared.key(), shared.person(13, Role.ADMIN), shared.person(14)):
        assert hold_uniform(shared, operation, token) == wanted


def test_b59_whom_nobody_knows_hears_the_same_everywhere(shared: World) -> None:
    tokens = strangers(shared)
    heard = {
        each
        for operation, route in sorted(BY_NAME.items())
        if operation not in ANYBODY
        for each in hold_closed(shared, operation, tokens)
    }
    assert [status for status, _, _ in heard] == [401]
