"""Events of the schedule, the command line and the control plane as commands of the record's upkeep."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_jsonable_python

from codereview.domain.control.audit import Actor, ActorKind, AuditOutcome, Request, audited
from codereview.errors import CodeReviewError, PermanentError, RejectedError
from codereview.ports import AuditLog, Clock
from codereview.record_ports import SingleFlight

# Left for the answer, the log and the metrics.
_RESERVE = timedelta(seconds=15)


class Parameters(BaseModel):
    """What a command takes; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command[P: Parameters]:
    """One command. `is_alone`: never two at once. `is_audited`: from here; the other changes' use cases see to it."""

    parameters: type[P]
    run: Callable[[P, Request, datetime], Any]
    is_alone: bool = False
    is_audited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What the command line has in place of Lambda's context: as much time as the function has."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return 15 minutes."""
        return 900_000


class _Envelope(BaseModel):
    """The event around a command's parameters."""

    model_config = ConfigDict(extra="forbid")
    action: str
    parameters: dict[str, Any] = {}
    actor_kind: ActorKind = ActorKind.SYSTEM
    actor: str = "maintenance"
    request_id: str | None = None
    is_refusal_raised: bool = False  # for callers that look at whether a call failed, and at no answer


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceApp:
    """Everything that the maintenance function holds between two calls."""

    clock: Clock
    commands: Mapping[str, Command[Any]]
    flight: SingleFlight
    audit: AuditLog
    logger: Logger

    def process(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Run one command and answer `{"ok": true, "result": …}`, or `{"ok": false, "error": …}` for a refusal.

        What may work later is raised, so that Lambda repeats an asynchronous call; a refusal, where that is asked for.
        """
        deadline = self.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
        try:
            envelope = _Envelope.model_validate(event)
        except ValidationError as error:
            return {"ok": False, "error": _said(error)}
        try:
            result = self._run(envelope, envelope.request_id or context.aws_request_id, deadline)
        except (ValidationError, PermanentError) as error:
            said = _said(error) if isinstance(error, ValidationError) else str(error)
            self.logger.warning("Refused", reason=said)
            if envelope.is_refusal_raised:
                raise
            return {"ok": False, "error": said}
        self.logger.info("Done", action=envelope.action, result=result)
        return {"ok": True, "result": result}

    def _run(self, envelope: _Envelope, request_id: str, deadline: datetime) -> Any:
        command = self.commands.get(envelope.action)
        if command is None:
            raise RejectedError(f"no such action: {envelope.action}")
        parameters = command.parameters.model_validate(envelope.parameters)
        actor = Actor(kind=envelope.actor_kind, id=envelope.actor)
        request = Request(actor=actor, id=request_id, at=self.clock.now())
        if not command.is_alone:
            return self._audited(envelope.action, command, parameters, request, deadline)
        with self.flight.hold() as is_alone:
            if not is_alone:
                raise RejectedError("another run of the maintenance is at it")
            return self._audited(envelope.action, command, parameters, request, deadline)

    def _audited(
        self, action: str, command: Command[Any], parameters: Parameters, request: Request, deadline: datetime
    ) -> Any:
        """Say what is about to be done before it is: what cannot be audited is not done."""
        described = parameters.model_dump(mode="json")

        def entry(outcome: AuditOutcome, **more: str) -> None:
            if command.is_audited:
                self.audit.append(
                    [
                        audited(
                            request,
                            tenant=None,
                            action=f"database.{action}",
                            target="database",
                            after=described | more,
                            outcome=outcome,
                        )
                    ]
                )

        entry(AuditOutcome.DONE)
        try:
            return to_jsonable_python(command.run(parameters, request, deadline))
        except CodeReviewError as error:
            entry(AuditOutcome.REFUSED, error=str(error))
            raise


def _said(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
