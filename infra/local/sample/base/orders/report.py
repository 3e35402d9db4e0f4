"""Sums for the finance team."""

from orders.store import Order


def total(orders: list[Order]) -> int:
    return sum(order.cents for order in orders)
