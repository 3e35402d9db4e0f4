"""Published versions of a function, and the alias that callers reach them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from codereview.adapters.aws.errors import translated
from codereview.errors import ConflictError, RetryableError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

ALIAS: Final = "live"
_WAIT: Any = {"Delay": 1, "MaxAttempts": 120}  # AWS takes seconds for a function outside of a network
# What tells one release from another; memory and the number of workers are what this module changes.
_COMPARED = ("CodeSha256", "Handler", "Timeout")
TOLD: Final = "MAX_CONCURRENT_REVIEWS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the alias leads to."""

    version: str
    memory_mb: int
    variables: Mapping[str, str]


class FunctionReleases:
    """One function's. Every change is a version of its own, so that the alias can go back to the one before."""

    def __init__(self, client: "LambdaClient", function: str) -> None:
        """Work on `function`, named without an alias."""
        self._client = client
        self._function = function

    def live(self) -> Live:
        """Read what runs."""
        found = self._configuration(ALIAS)
        return Live(
            version=found["Version"],
            memory_mb=found["MemorySize"],
            variables=found.get("Environment", {}).get("Variables", {}),
        )

    def publish(
        self,
        *,
        memory_mb: int | None = None,
        variables: Mapping[str, str] | None = None,
        description: str | None = None,
    ) -> str:
        """Publish what runs with these changes, lead the alias there, and return the version.

        A description alone makes a version like the one before, whose functions are started anew.

        Raises ConflictError while the alias leads elsewhere than to the newest release, as after a rollback: what
        would be published then is the release that was rolled back.
        """
        latest, live = self._configuration(None), self._configuration(ALIAS)
        if _release(latest) != _release(live):
            raise ConflictError(
                f"{self._function} runs version {live['Version']}, which is not its newest release: deploy first"
            )
        changes: dict[str, Any] = {}
        if memory_mb is not None:
            changes["MemorySize"] = memory_mb
        if description is not None:
            changes["Description"] = description
        if variables is not None:
            known = latest.get("Environment", {}).get("Variables", {})
            changes["Environment"] = {"Variables": {**known, **variables}}
        try:
            alias = self._client.get_alias(FunctionName=self._function, Name=ALIAS)
            if alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
                raise ConflictError(f"a canary of {self._function} is under way: wait until it has ended")
            return self._publish(changes, latest["RevisionId"], alias["RevisionId"])
        except WaiterError as error:
            raise RetryableError(f"{self._function} is not ready: {error.kwargs.get('reason', '')}") from error
        except (ClientError, BotoCoreError) as error:
            raise _failure(error) from error

    def _publish(self, changes: Mapping[str, Any], revision: str, alias_revision: str) -> str:
        """Change, wait, publish, wait, move; the revisions refuse what somebody else changed meanwhile."""
        name = self._function
        self._client.update_function_configuration(FunctionName=name, RevisionId=revision, **changes)
        self._client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=_WAIT)
        version = self._client.publish_version(FunctionName=name)["Version"]
        self._client.get_waiter("published_version_active").wait(
            FunctionName=name, Qualifier=version, WaiterConfig=_WAIT
        )
        self._client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version, RevisionId=alias_revision)
        return version

    def _configuration(self, qualifier: str | None) -> Mapping[str, Any]:
        named: dict[str, Any] = {"Qualifier": qualifier} if qualifier else {}
        try:
            found: Any = self._client.get_function_configuration(FunctionName=self._function, **named)
        except (ClientError, BotoCoreError) as error:
            raise translated("Lambda", error) from error
        configuration: Mapping[str, Any] = found
        return configuration


def _release(configuration: Mapping[str, Any]) -> tuple[Any, ...]:
    layers = tuple(layer["Arn"] for layer in configuration.get("Layers", []))
    variables = {**configuration.get("Environment", {}).get("Variables", {})}
    variables.pop(TOLD, None)
    return (*(configuration.get(name) for name in _COMPARED), layers, variables)


def _failure(error: ClientError | BotoCoreError) -> Exception:
    if isinstance(error, ClientError) and error.response["Error"]["Code"] == "PreconditionFailedException":
        return ConflictError("somebody else changed the function meanwhile: look, and try again")
    return translated("Lambda", error)
