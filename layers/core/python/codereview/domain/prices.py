"""What tokens cost, in micro-dollars: a dollar for a million tokens is one micro-dollar a token."""

import re
from dataclasses import dataclass

_PRICES = re.compile(r"\d{1,4}(?:\.\d{1,4})?(?:,\d{1,4}(?:\.\d{1,4})?){2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """Dollars for a million tokens: read anew, read from the provider's cache, and written."""

    read: float
    cached: float
    written: float

    def cost(self, *, input_tokens: int, cached_tokens: int, output_tokens: int) -> int:
        """Return micro-dollars; `cached_tokens` of the input came from the cache."""
        fresh = max(0, input_tokens - cached_tokens)
        return round(fresh * self.read + cached_tokens * self.cached + output_tokens * self.written)


def parse_prices(text: str) -> TokenPrices | None:
    """Read "READ,CACHED,WRITTEN"; None if it is not of that form."""
    if not _PRICES.fullmatch(text):
        return None
    read, cached, written = map(float, text.split(","))
    return TokenPrices(read=read, cached=cached, written=written)
