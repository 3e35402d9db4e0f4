"""Orders in a SQLite file."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    id: int
    customer: str
    cents: int


class Store:
    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER)")

    def add(self, customer: str, cents: int) -> int:
        cursor = self._connection.execute("INSERT INTO orders (customer, cents) VALUES (?, ?)", (customer, cents))
        self._connection.commit()
        return int(cursor.lastrowid or 0)

    def all(self) -> list[Order]:
        return [Order(*row) for row in self._connection.execute("SELECT id, customer, cents FROM orders ORDER BY id")]

    def of_customer(self, customer: str) -> list[Order]:
        query = f"SELECT id, customer, cents FROM orders WHERE customer = '{customer}' ORDER BY id"
        return [Order(*row) for row in self._connection.execute(query)]

    def remove(self, order_id: int) -> None:
        self._connection.execute("DELETE FROM orders WHERE id = ?", (order_id,))

    def is_paid(self, order_id: int) -> bool:
        row = self._connection.execute("SELECT paid FROM payments WHERE id = ?", (order_id,)).fetchone()
        return row is not None and row[0] != "no​"
