"""Puts a new secret in place: tried first, then stored, then told to whoever has to know, then taken up.

A death after any step loses nothing: until GitHub knows the new webhook secret the old one is accepted too, and a key
that was tried works whether or not a running function has it yet.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from codereview.control_ports import AuditOutbox
from codereview.domain.control.audit import AuditOutcome, Request, audited
from codereview.domain.secret_rotation import SecretName, Values, retired, rotated
from codereview.errors import CodeReviewError, PermanentError


class SecretStore(Protocol):
    """Where secrets lie."""

    def read(self, name: SecretName) -> Values:
        """Return what is stored; nothing where there is nothing yet."""
        ...

    def write(self, name: SecretName, values: Values) -> None:
        """Replace it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What was done; `waiting` are functions that have the old value until they are started anew."""

    name: SecretName
    is_told: bool
    waiting: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecrets:
    """The secrets of one deployment. `tries` raise where a value does not work; `tells` make it known to GitHub."""

    store: SecretStore
    outbox: AuditOutbox
    tries: Mapping[SecretName, Callable[[Values], None]]
    tells: Mapping[SecretName, Callable[[Values], None]]
    refresh: Callable[[SecretName], Sequence[str]]

    def check(self, name: SecretName, value: str, *, app_id: str | None) -> Values:
        """Return what would be stored, after it was tried; nothing is changed."""
        values = rotated(name, self.store.read(name), value, app_id=app_id)
        if name in self.tries:
            self.tries[name](values)
        return values

    def rotate(self, name: SecretName, values: Values, *, is_told: bool, request: Request) -> Rotated:
        """Put the values in place."""
        self._write(name, values, "secrets.rotate", request)
        tells_somebody = is_told and name in self.tells
        if tells_somebody:
            self.announce(name, request=request)
        return Rotated(name=name, is_told=tells_somebody, waiting=self.refresh(name))

    def announce(self, name: SecretName, *, request: Request) -> None:
        """Tell GitHub what is stored; where that fails the old value works on, and this can be called again."""
        try:
            self.tells[name](self.store.read(name))
        except CodeReviewError as error:
            self._audit("secrets.announce", name, request, AuditOutcome.REFUSED)
            message = f"stored, but GitHub was not told: {error}; to go on: codereview secrets announce {name.value}"
            raise PermanentError(message) from error
        self._audit("secrets.announce", name, request, AuditOutcome.DONE)

    def retire(self, *, request: Request) -> None:
        """Accept the current webhook secret alone."""
        name = SecretName.WEBHOOK
        self._write(name, retired(self.store.read(name)), "secrets.retire", request)

    def _write(self, name: SecretName, values: Values, action: str, request: Request) -> None:
        self._audit(action, name, request, AuditOutcome.DONE)
        try:
            self.store.write(name, values)
        except CodeReviewError:
            self._audit(action, name, request, AuditOutcome.REFUSED)
            raise

    def _audit(self, action: str, name: SecretName, request: Request, outcome: AuditOutcome) -> None:
        """Say which secret, and nothing of it."""
        self.outbox.put(audited(request, tenant=None, action=action, target=f"secret/{name.value}", outcome=outcome))
