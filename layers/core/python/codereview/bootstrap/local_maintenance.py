"""The work of the maintenance function in this process, on a database of one's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from codereview.adapters.aws.maintenance_function import accepted
from codereview.adapters.system import RandomIds
from codereview.adapters.system.folder import FolderShelf
from codereview.bootstrap.upkeep import upkeep_app
from codereview.entrypoints.maintenance import Caller
from codereview.settings import LogSettings


def local_maintenance(database_url: str, archives: Path) -> Callable[[str, dict[str, Any]], Any]:
    """Build what runs one command here; archives lie in a folder."""
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg")
    database = sa.create_engine(url, poolclass=sa.NullPool)
    app = upkeep_app(database, FolderShelf(archives), LogSettings(service="maintenance", level="WARNING"))
    envelope = {"actor_kind": "operator", "actor": f"local:{url.username}"}
    context: Any = Caller(aws_request_id=str(RandomIds().new()))
    return lambda action, parameters: accepted(
        app.process({"action": action, "parameters": parameters, **envelope}, context)
    )
