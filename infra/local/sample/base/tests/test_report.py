from orders.report import total
from orders.store import Order


def test_total_is_the_sum_of_all_orders():
    assert total([Order(1, "Ann", 500), Order(2, "Bob", 250)]) == 750
