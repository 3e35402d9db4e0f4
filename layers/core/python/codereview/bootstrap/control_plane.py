"""The control plane in an operator's hands, past the API."""

from dataclasses import dataclass

import boto3

from codereview.adapters.aws.inspection import Inspection
from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.github.installations import GitHubInstallations
from codereview.adapters.system import RandomIds, RandomSecrets, SystemClock
from codereview.bootstrap import account
from codereview.bootstrap.api import clients_of
from codereview.bootstrap.github import app_key, operators_client
from codereview.bootstrap.logger import logger_of
from codereview.bootstrap.services import GitHubSide, services_of
from codereview.entrypoints.api.services import Services
from codereview.ports import Ids
from codereview.settings import api_settings

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """What the api function works with; `actor` is the ARN that the audit log will name."""

    services: Services
    ids: Ids
    actor: str


def control_plane(stack: str) -> ControlPlane:
    """Build the control plane of a stack in this process, with the credentials of whoever runs it."""
    settings = api_settings(Inspection(account.clients("lambda"), stack).variables("api"))
    clients, clock = clients_of(boto3.Session()), SystemClock()
    key = app_key(Secrets(clients.secrets), settings.github_secret_arn)
    app = operators_client(key, api_url=settings.github_api_url)
    # Nobody signs in here. Cursors are good as long as the command runs, without the deployment's own key.
    github = GitHubSide(installations=GitHubInstallations(app, host=settings.github_host, clock=clock), people=None)
    drawn = RandomSecrets().draw(_KEY_BYTES)
    services = services_of(settings, clients, github, drawn, clock, logger=logger_of(settings.log))
    return ControlPlane(services=services, ids=RandomIds(), actor=account.request().actor.id)
