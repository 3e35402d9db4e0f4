"""The GitHub App, by its secret."""

import functools
from collections.abc import Callable, Mapping

from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.github.app import GitHubApp, Pace, app_client
from codereview.adapters.github.client import GitHubClient
from codereview.adapters.github.quota import watch_quota
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.adapters.system import SystemClock
from codereview.bootstrap.jitter import jitter
from codereview.domain.metrics import Tally
from codereview.settings import ReconcilerSettings, ReviewerSettings


def github_app(
    settings: ReviewerSettings | ReconcilerSettings,
    secret: Mapping[str, str],
    *,
    pace: Pace,
    tally: Tally | None = None,
) -> GitHubApp:
    """Open the App for a function; what GitHub says of its quota is told to `tally`."""
    http = outbound_client()
    if tally is not None:
        http.event_hooks = {"response": [watch_quota(tally)]}
    return GitHubApp(
        http,
        api_url=settings.github_api_url,
        credentials=app_credentials(secret),
        clock=SystemClock(),
        jitter=jitter,
        pace=pace,
    )


def app_credentials(secret: Mapping[str, str]) -> AppCredentials:
    """Take the App's id and key out of its secret."""
    return AppCredentials(app_id=secret["app_id"], private_key=secret["private_key"])


def app_key(secrets: Secrets, arn: str) -> Callable[[], AppCredentials]:
    """Read the App's key once, and not before GitHub is asked for something: who may only look may not read it."""
    return functools.cache(lambda: app_credentials(secrets.read(arn, "app_id", "private_key")))


def operators_client(credentials: Callable[[], AppCredentials], *, api_url: str) -> GitHubClient:
    """Open a client that signs in as the App itself, for one command: it need not keep out of others' way."""
    return app_client(
        outbound_client(), api_url=api_url, credentials=credentials, clock=SystemClock(), jitter=lambda: 0.5
    )
