from orders.report import average, by_customer, total
from orders.store import Order

ORDERS = [Order(1, "Ann", 500), Order(2, "Bob", 250)]


def test_total_is_the_sum_of_all_orders():
    assert total(ORDERS) == 750


def test_average_is_between_the_smallest_and_the_largest():
    assert average(ORDERS)


def test_sums_are_told_apart_by_customer():
    sums = by_customer(ORDERS)
    assert sums["Ann"] == sums["Ann"]
