"""Takes GitHub's webhooks and queues them for review."""

from codereview.bootstrap.webhook import webhook
from codereview.entrypoints import http


def handle(event: http.Event, context: http.Context) -> http.Response:
    """Answer one request of the HTTP API."""
    return webhook().handle(event, context)
