"""The composition root: reads the environment and puts each function's parts together.

Imports stand inside the functions, so that each Lambda function loads its own parts only. Each builder is cached: it
runs with the first event, and its connections outlive the event. A ConfigurationError is not cached, and leaves the
handler: nothing may be served until the deployment is mended.
"""
# ruff: noqa: PLC0415, TID251 -- what both rules point elsewhere for, imports on demand and the environment, is this job

import functools
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codereview.entrypoints.http import WebhookEndpoint


@functools.cache
def webhook() -> "WebhookEndpoint":
    """Build the webhook function; nothing third-party is loaded on the way, since its cold start is GitHub's wait."""
    from codereview.adapters.aws.json_protocol import JsonService, ServiceAddress
    from codereview.adapters.aws.lean_queue import LeanReviewQueue
    from codereview.adapters.aws.lean_secret import LeanWebhookSecret
    from codereview.adapters.aws.signing import Credentials, Scope
    from codereview.adapters.system import SystemClock
    from codereview.domain.webhook import Receiver
    from codereview.entrypoints.http import WebhookEndpoint
    from codereview.entrypoints.json_log import JsonLog
    from codereview.settings import webhook_settings
    from codereview.use_cases.accept_webhook import AcceptWebhook, WebhookSecrets

    settings = webhook_settings(os.environ)
    clock = SystemClock()

    def service(name: str, url: str, json_version: str) -> JsonService:
        return JsonService(
            ServiceAddress(url=url, scope=Scope(region=settings.aws.region, service=name)),
            credentials=Credentials(
                access_key=settings.aws.access_key,
                secret_key=settings.aws.secret_key,
                session_token=settings.aws.session_token,
            ),
            clock=clock,
            jitter=_jitter,
            json_version=json_version,
        )

    secrets_manager = service("secretsmanager", settings.secrets_manager_url, "1.1")
    accept = AcceptWebhook(
        secrets=WebhookSecrets(LeanWebhookSecret(secrets_manager, settings.secret_arn), clock),
        queue=LeanReviewQueue(service("sqs", settings.sqs_url, "1.0"), settings.queue_url),
        clock=clock,
        receiver=Receiver(host=settings.github_host, app_slug=settings.app_slug),
    )
    log = JsonLog(_write_line, clock, service=settings.log.service, level=settings.log.level)
    return WebhookEndpoint(accept=accept, log=log)


def _jitter() -> float:
    """Return a number from 0 to 1; `random` would cost more to import than all that is done with it."""
    return os.urandom(1)[0] / 255


def _write_line(line: str) -> None:
    """Write to what is stdout now: the runtime puts its own stream there."""
    sys.stdout.write(line)
    sys.stdout.flush()
