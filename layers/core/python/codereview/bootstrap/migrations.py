"""The migrations function."""

import functools

from codereview.adapters.postgres.migrating import migrate
from codereview.adapters.system import SystemClock
from codereview.bootstrap.database import record_database
from codereview.bootstrap.environment import VARIABLES
from codereview.bootstrap.logger import logger_of
from codereview.entrypoints.custom_resource import CustomResourceApp
from codereview.settings import migrations_settings


@functools.cache
def migrations() -> CustomResourceApp:
    """Build the function."""
    settings = migrations_settings(VARIABLES)
    database, clock = record_database(settings.database), SystemClock()
    return CustomResourceApp(apply=lambda: migrate(database, now=clock.now()), logger=logger_of(settings.log))
