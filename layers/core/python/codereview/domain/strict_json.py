"""JSON from strangers, read without the liberties that Python's parser takes by default."""

import json
import math
from typing import Any, NoReturn

from codereview.errors import PermanentError


def parse_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object in UTF-8.

    Refuses what two readers could understand differently: duplicate keys, NaN and infinities, other encodings, a byte
    order mark. Nesting and integers are bounded by the interpreter's own limits, about 1,000 levels and 4,300 digits.
    Raises PermanentError with a reason that quotes nothing of the data.
    """
    try:
        # Decoded here: given bytes, json.loads would guess UTF-16 and UTF-32 too.
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise PermanentError("JSON is nested too deeply") from error
    except ValueError as error:
        # A number of 5,000 digits ends here too: it is a ValueError, but no JSONDecodeError.
        raise PermanentError("not strict JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise PermanentError("JSON is not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise PermanentError("JSON has a key twice")
    return value


def _refuse_constant(_name: str) -> NoReturn:
    raise PermanentError("JSON has a number that is none")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise PermanentError("JSON has a number beyond all bounds")
    return value
