"""The webhook function. Nothing third-party is loaded on the way, since its cold start is GitHub's wait."""

import functools
import sys

from codereview.adapters.aws.json_protocol import JsonService, ServiceAddress
from codereview.adapters.aws.lean_queue import LeanReviewQueue
from codereview.adapters.aws.lean_secret import LeanWebhookSecret
from codereview.adapters.aws.signing import Credentials, Scope
from codereview.adapters.system import SystemClock
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.jitter import jitter
from codereview.domain.webhook import Receiver
from codereview.entrypoints.http import WebhookEndpoint
from codereview.entrypoints.json_log import JsonLog
from codereview.settings import AwsSettings, webhook_settings
from codereview.use_cases.accept_webhook import AcceptWebhook, WebhookSecrets


@functools.cache
def webhook() -> WebhookEndpoint:
    """Build the function."""
    settings, clock = webhook_settings(VARIABLES), SystemClock()
    secrets_manager = _service(settings.aws, "secretsmanager", settings.secrets_manager_url, "1.1")
    accept = AcceptWebhook(
        secrets=WebhookSecrets(LeanWebhookSecret(secrets_manager, settings.secret_arn), clock),
        queue=LeanReviewQueue(_service(settings.aws, "sqs", settings.sqs_url, "1.0"), settings.queue_url),
        clock=clock,
        receiver=Receiver(host=settings.github_host, app_slug=settings.app_slug),
    )
    log = JsonLog(
        _write_line, clock, service=settings.log.service, level=settings.log.level, origin=settings.log.origin
    )
    return WebhookEndpoint(accept=accept, log=log)


def _service(aws: AwsSettings, name: str, url: str, json_version: str) -> JsonService:
    return JsonService(
        ServiceAddress(url=url, scope=Scope(region=aws.region, service=name)),
        credentials=Credentials(access_key=aws.access_key, secret_key=aws.secret_key, session_token=aws.session_token),
        clock=SystemClock(),
        jitter=jitter,
        json_version=json_version,
    )


def _write_line(line: str) -> None:
    """Write to what is stdout now: the runtime puts its own stream there."""
    sys.stdout.write(line)
    sys.stdout.flush()
