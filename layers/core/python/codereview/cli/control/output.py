"""Answers as tables for people, as JSON for programs."""

import json
import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from codereview.cli.control.api import Document, rows_of
from codereview.cli.printable import printable

Column = tuple[str, str]  # the heading, and the field, dotted where it lies deeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where answers go."""

    as_json: bool

    @property
    def is_for_programs(self) -> bool:
        """Whether JSON is wanted, or nobody looks."""
        return self.as_json or not sys.stdout.isatty()

    def document(self, document: Document) -> None:
        """Print one thing; a value is never broken or cut, since some, like a key, are shown once and copied."""
        if self.is_for_programs:
            print_json(document)
            return
        flat = _flat(document)
        width = max((len(name) for name, _ in flat), default=0) + 1
        for name, value in flat:
            text = _text(f"{name:{width}}{_shown(value)}".replace("\n", f"\n{'':{width}}"))
            Console(highlight=False).print(text, soft_wrap=True)

    def rows(self, document: Document, columns: tuple[Column, ...]) -> None:
        """Print a list."""
        if self.is_for_programs:
            print_json(document)
            return
        table = _table(*(heading for heading, _ in columns))
        for row in rows_of(document):
            table.add_row(*(_text(_shown(_value(row, name))) for _, name in columns))
        Console(highlight=False).print(table)
        if document.get("next"):
            self.note("There are more: raise --limit.")

    def note(self, sentence: str) -> None:
        """Tell a person something beside the answer."""
        sys.stderr.write(f"{printable(sentence)}\n")


def print_json(document: Document) -> None:
    """Print JSON, so that it can be read by people too."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _text(text: str) -> Text:
    return Text(printable(text))


def _value(row: Document, name: str) -> Any:
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _flat(document: Document, above: str = "") -> list[tuple[str, Any]]:
    """Lay nested objects out as dotted names."""
    found: list[tuple[str, Any]] = []
    for name, value in document.items():
        if isinstance(value, dict) and value:
            found += _flat(value, f"{above}{name}.")
        else:
            found.append((f"{above}{name}", value))
    return found


def _shown(value: Any) -> str:
    if value is None or value == {}:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(json.dumps(each) if isinstance(each, dict) else str(each) for each in value) or "-"
    return str(value)
