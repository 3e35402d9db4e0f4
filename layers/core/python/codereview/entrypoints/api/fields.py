"""The values that strangers send: their forms, once for validation and for the published schema.

Unknown fields are refused, nothing is converted that merely looks like a value, and nothing is unbounded.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

_LARGEST_ID = 2**63 - 1  # what DynamoDB and Postgres hold, and more than GitHub will ever number
_FIRST_YEAR, _LAST_YEAR = 2020, 2100
_DIGITS = re.compile(r"[0-9]{1,6}", re.ASCII)

KEY_ID = r"^[0-9A-Za-z]{22}$"
NUMBER = r"^[1-9][0-9]{0,18}$"
UUID_TEXT = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """A request's query; every value arrives as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """A response's body: only what is named here is ever shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _printable(text: str) -> str:
    """Refuse control characters and surrogates; markup and formulas are text like any other."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("control characters are not allowed")
    return text


def _in_our_time(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"a time lies between {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment.astimezone(UTC)


def _digits(value: Any) -> Any:
    """Take 0-9 only: `int` also knows `1_000`, ` 1` and digits of other scripts."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("only the digits 0 to 9 are a number here")
    return int(value) if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
Sentence = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?$")]
Number = Annotated[int, Field(ge=1, le=_LARGEST_ID)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
Text = Annotated[str, Field(max_length=500)]


class Page(Query):
    """Which part of a list: `cursor` is the `next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(_digits)] = 50
    cursor: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None


class NoQuery(Query):
    """A request without a query."""


class ActorShown(Shown):
    """Who did something."""

    kind: Literal["key", "person", "operator", "system"]
    id: str
