"""The recorder function."""

import functools

import boto3

from codereview.adapters.aws.objects import S3Objects
from codereview.adapters.postgres.audit import PostgresAuditLog
from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.adapters.system import SystemClock
from codereview.bootstrap.database import record_database
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.logger import logger_of
from codereview.bootstrap.sdk import sdk_config
from codereview.entrypoints.recorder import RecorderApp
from codereview.settings import recorder_settings
from codereview.use_cases.record_audit import RecordAudit
from codereview.use_cases.record_reviews import RecordReviews


@functools.cache
def recorder() -> RecorderApp:
    """Build the function."""
    settings = recorder_settings(VARIABLES)
    objects = S3Objects(boto3.client("s3", config=sdk_config()), settings.objects_bucket)
    database = record_database(settings.database, is_kept=True)
    return RecorderApp(
        clock=SystemClock(),
        reviews=RecordReviews(objects=objects, record=PostgresReviewRecord(database)),
        audit=RecordAudit(log=PostgresAuditLog(database)),
        logger=logger_of(settings.log),
        close=database.dispose,
    )
