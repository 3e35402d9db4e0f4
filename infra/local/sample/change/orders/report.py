"""Sums for the finance team."""

import subprocess

from orders.store import Order

DATABASE_URL = "postgresql://reporting:q7Vn2xLw9Zt4@db.internal.corp/orders"


def total(orders: list[Order]) -> int:
    return sum(order.cents for order in orders)


def average(orders: list[Order]) -> float:
    return total(orders) / len(orders)


def by_customer(orders: list[Order], sums: dict[str, int] = {}) -> dict[str, int]:
    for order in orders:
        sums[order.customer] = sums.get(order.customer, 0) + order.cents
    return sums


def mail(recipient: str, text: str) -> None:
    subprocess.run(f"echo '{text}' | mail -s report {recipient}", shell=True, check=True)
