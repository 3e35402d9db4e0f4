"""The api function."""

import functools

import boto3

from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.github.app import app_client
from codereview.adapters.github.identity import GitHubIdentity, OAuthClient
from codereview.adapters.github.installations import GitHubInstallations
from codereview.adapters.http import outbound_client
from codereview.adapters.system import SystemClock
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.github import app_credentials
from codereview.bootstrap.jitter import jitter
from codereview.bootstrap.logger import logger_of
from codereview.bootstrap.sdk import sdk_config
from codereview.bootstrap.services import Clients, GitHubSide, assemble
from codereview.entrypoints.api.app import ApiApp
from codereview.settings import ApiSettings, api_settings


@functools.cache
def api() -> ApiApp:
    """Build the function."""
    settings = api_settings(VARIABLES)
    clients = clients_of(boto3.Session())
    secrets = Secrets(clients.secrets)
    key = secrets.read(settings.api_secret_arn, "signing_key")["signing_key"].encode()
    github = _github_side(settings, secrets)
    return assemble(settings, clients, github, key=key, clock=SystemClock(), logger=logger_of(settings.log))


def clients_of(session: boto3.Session) -> Clients:
    """Open what the api function speaks to."""
    return Clients(
        dynamodb=session.client("dynamodb", config=sdk_config()),
        sqs=session.client("sqs", config=sdk_config()),
        secrets=session.client("secretsmanager", config=sdk_config()),
        metrics=session.client("cloudwatch", config=sdk_config(read_timeout=5, total_max_attempts=1)),
        objects=session.client("s3", config=sdk_config(signature_version="s3v4")),
        functions=session.client("lambda", config=sdk_config()),
    )


def _github_side(settings: ApiSettings, secrets: Secrets) -> GitHubSide:
    """Reach GitHub for installations, and for people where its App's OAuth client is known."""
    oauth = ("client_id", "client_secret")
    secret = secrets.read(settings.github_secret_arn, "app_id", "private_key", optional=oauth)
    key = app_credentials(secret)
    http, clock, api_url = outbound_client(), SystemClock(), settings.github_api_url
    client = app_client(http, api_url=api_url, credentials=lambda: key, clock=clock, jitter=jitter)
    installations = GitHubInstallations(client, host=settings.github_host, clock=clock)
    if not all(name in secret for name in oauth):
        return GitHubSide(installations=installations, people=None)
    oauth_client = OAuthClient(
        client_id=secret["client_id"],
        client_secret=secret["client_secret"],
        redirect_url=settings.sign_in_redirect_url,
    )
    people = GitHubIdentity(http, web_url=settings.github_web_url, api_url=api_url, client=oauth_client)
    return GitHubSide(installations=installations, people=people)
