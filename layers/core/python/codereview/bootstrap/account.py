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

CONFIG = sdk_config().merge(Config(tcp_keepalive=True))


def clients(*services: str) -> Mapping[str, Any]:
    """Open clients of AWS, by service."""
    try:
        make: Any = boto3.Session().client  # its type knows one overload a service, and no service that is a variable
        return {service: make(service, config=CONFIG) for service in services}
    except BotoCoreError as error:  # without a region, for one
        raise translated("AWS", error) from error


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
