"""AWS as an operator reaches it: with the credentials of whoever runs the command."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.adapters.aws.inspection import Inspection
from codereview.adapters.system import RandomIds, SystemClock
from codereview.bootstrap.sdk import sdk_config
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.errors import ForbiddenError

CONFIG = sdk_config().merge(Config(tcp_keepalive=True))


def session() -> boto3.Session:
    """Open a session of AWS; raises ForbiddenError, in words that help, where nobody is signed in or to no region."""
    try:
        opened = boto3.Session()
        credentials = opened.get_credentials()
        if credentials is None:
            raise ForbiddenError("no AWS credentials: sign in, or set AWS_PROFILE")
        credentials.get_frozen_credentials()  # which finds out that a sign-in has expired
    except BotoCoreError as error:
        raise ForbiddenError(f"AWS: {error}") from error
    if opened.region_name is None:
        raise ForbiddenError("no AWS region: set AWS_DEFAULT_REGION, or one in the profile")
    return opened


def clients(*services: str) -> Mapping[str, Any]:
    """Open clients of AWS, by service; raises ForbiddenError as `session` does."""
    make: Any = session().client  # its type knows one overload a service, and no service that is a variable
    return {service: make(service, config=CONFIG) for service in services}


def control_table(clients_by_service: Mapping[str, Any], stack: str) -> str:
    """Return the name of a stack's control table; asks Lambda."""
    return Inspection(clients_by_service, stack).variables("reconciler")["CONTROL_TABLE"]


def request() -> Request:
    """Name whoever holds the credentials, for the audit log."""
    try:
        arn = clients("sts")["sts"].get_caller_identity()["Arn"]
    except (ClientError, BotoCoreError) as error:
        raise translated("STS", error) from error
    return Request(actor=Actor(kind=ActorKind.OPERATOR, id=arn), id=str(RandomIds().new()), at=SystemClock().now())
