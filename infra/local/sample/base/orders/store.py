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
