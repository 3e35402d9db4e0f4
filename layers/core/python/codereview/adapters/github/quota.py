"""What GitHub's answers say of the requests that are left.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from codereview.domain.metrics import Metric, Tally
from codereview.github_ports import Quota

# An installation has 5,000 requests an hour or more; what has less is another quota, as that of a search.
_LEAST_LIMIT = 5_000
_SECONDS = re.compile("[0-9]{1,11}")  # and numbers: what is longer is no time that can be written


@dataclass(slots=True)
class LatestQuota:
    """An installation's, by the latest answer; whoever works for the installation in this process shares it."""

    value: Quota | None = None

    def observe(self, response: httpx.Response) -> None:
        """Keep what an answer says, if it does."""
        self.value = quota_of(response) or self.value


def quota_of(response: httpx.Response) -> Quota | None:
    """Read how an installation stands after a request; None where the answer does not say, or of another quota."""
    limit, left, reset = (response.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset"))
    is_core = response.headers.get("x-ratelimit-resource", "core") == "core"
    if not (is_core and all(_SECONDS.fullmatch(value) for value in (limit, left, reset))):
        return None
    if int(limit) < _LEAST_LIMIT:
        return None
    return Quota(limit=int(limit), remaining=int(left), reset_at=datetime.fromtimestamp(int(reset), UTC))


def watch_quota(tally: Tally) -> Callable[[httpx.Response], None]:
    """Return a hook for an HTTP client that keeps the smallest number that any installation has left."""

    def observe(response: httpx.Response) -> None:
        quota = quota_of(response)
        if quota is not None:
            tally.least(Metric.GITHUB_QUOTA_LEFT, quota.remaining)

    return observe
