"""The log of deploys, on the control table."""

from dataclasses import replace
from typing import TYPE_CHECKING

from codereview.adapters.dynamodb.control.documents import Documents, Place
from codereview.domain.control.audit import AuditEntry
from codereview.domain.deployments import DeployLog

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_PK = "releases"


class DynamoDeployLogs:
    """One item: all of it is read and written at once."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._documents = Documents(client, table, DeployLog)

    def load(self) -> DeployLog:
        """Read it; an empty one where nothing was noted yet."""
        stored = self._documents.load(_PK)
        return replace(stored.value, version=stored.version) if stored else DeployLog()

    def save(self, log: DeployLog, *, audit: AuditEntry) -> None:
        """Write it over what was read; of two deploys at once, one hears StaleVersionError."""
        self._documents.save(Place(pk=_PK), log, version=log.version, audit=audit)
