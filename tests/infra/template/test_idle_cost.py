"""The checkout's own floor."""

from codereview.cli.idle_cost import CEILING, price_list
from codereview.domain.idle_cost import idle_lines, summed
from local.translation import translated_checkout


def test_every_resource_has_a_price_and_the_floor_is_below_the_ceiling() -> None:
    prices = price_list()
    lines = summed(idle_lines(translated_checkout(), prices), prices)
    assert sum(line.charged for line in lines) < CEILING
    # The database pauses, and nothing is there that is paid for by the hour.
    assert {line.what.split()[0] for line in lines} >= {"secret", "polls", "capacity", "storage"}
