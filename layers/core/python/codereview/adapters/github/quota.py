"""What GitHub's answers say of the requests that are left.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
"""

from collections.abc import Callable

import httpx

from codereview.domain.metrics import Metric, Tally

# An installation has 5,000 requests an hour or more; what has less is another quota, as that of a search.
_LEAST_LIMIT = 5_000


def watch_quota(tally: Tally) -> Callable[[httpx.Response], None]:
    """Return a hook for an HTTP client that keeps the smallest number that any installation has left."""

    def observe(response: httpx.Response) -> None:
        limit, left = (response.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining"))
        if limit.isdigit() and left.isdigit() and int(limit) >= _LEAST_LIMIT:
            tally.least(Metric.GITHUB_QUOTA_LEFT, int(left))

    return observe
