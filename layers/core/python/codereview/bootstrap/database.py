"""The record's database, with an IAM token for each connection."""

import boto3
from sqlalchemy import Engine

from codereview.adapters.postgres.connections import DatabaseAddress, engine
from codereview.bootstrap.sdk import sdk_config
from codereview.settings import DatabaseSettings


def record_database(settings: DatabaseSettings, *, connect_timeout: int = 40, is_kept: bool = False) -> Engine:
    """Reach the record; a token is signed here, without a call to anybody."""
    signer = boto3.client("rds", region_name=settings.region, config=sdk_config())

    def token() -> str:
        return str(signer.generate_db_auth_token(settings.host, settings.port, settings.user, Region=settings.region))

    return engine(
        DatabaseAddress(
            host=settings.host,
            port=settings.port,
            name=settings.name,
            user=settings.user,
            sslmode=settings.sslmode,
            ca_file=settings.ca_file,
            password=token,
            connect_timeout=connect_timeout,
        ),
        is_kept=is_kept,
    )
