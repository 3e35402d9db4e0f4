"""The workers of one queue: its event source mapping, and the function behind it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.adapters.aws.releases import TOLD, FunctionReleases
from codereview.domain.workers import Workers
from codereview.errors import NotFoundError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class LambdaWorkers:
    """The mapping's MaximumConcurrency is how many work, its Enabled whether they do.

    Not reserved concurrency: that would throttle the pollers, and each throttled message would have lost a receive.
    """

    def __init__(self, client: "LambdaClient", function: str, *, told: Sequence[str] = ()) -> None:
        """Work on `function`; `told` are the functions that divide the workers among tenants, itself included."""
        self._client = client
        self._function = function
        self._releases = FunctionReleases(client, function)
        self._told = {name: FunctionReleases(client, name) for name in told}

    def read(self) -> Workers:
        """Read the mapping, and what the alias leads to."""
        mapping, live = self._mapping(), self._releases.live()
        told = live.variables.get(TOLD) if self._function in self._told else None
        concurrency = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        return Workers(
            function=self._function,
            version=live.version,
            memory_mb=live.memory_mb,
            is_enabled=mapping["State"] not in ("Disabled", "Disabling"),
            state=mapping["State"],
            concurrency=int(concurrency) if concurrency is not None else None,
            told=int(told) if told is not None else None,
        )

    def set_concurrency(self, count: int | None) -> None:
        """Change the mapping, which acts at once, then tell the code by versions of its own."""
        self._update(ScalingConfig={"MaximumConcurrency": count} if count is not None else {})
        if count is None:
            return
        for releases in self._told.values():
            if releases.live().variables.get(TOLD) != str(count):
                releases.publish(variables={TOLD: str(count)})

    def set_enabled(self, *, is_enabled: bool) -> None:
        """Switch the mapping."""
        self._update(Enabled=is_enabled)

    def set_memory(self, memory_mb: int) -> None:
        """Publish a version."""
        self._releases.publish(memory_mb=memory_mb)

    def _update(self, **changes: Any) -> None:
        try:
            self._client.update_event_source_mapping(UUID=self._mapping()["UUID"], **changes)
        except (ClientError, BotoCoreError) as error:
            raise translated("Lambda", error) from error

    def _mapping(self) -> Mapping[str, Any]:
        try:
            found: Any = self._client.list_event_source_mappings(FunctionName=f"{self._function}:live")
            mappings = found["EventSourceMappings"]
        except (ClientError, BotoCoreError) as error:
            raise translated("Lambda", error) from error
        if not mappings:
            raise NotFoundError(f"nothing feeds {self._function}: it has no event source mapping")
        mapping: Mapping[str, Any] = mappings[0]
        return mapping
