"""One delivery of GitHub's: its signature checked, its meaning decided, its envelope queued, in that order.

The two ports stand here and not in `ports`, whose imports would double this function's cold start.

Failures, and how each ends:

- The queue has the envelope, but the answer is lost: GitHub records a failure and the delivery comes again. The
  reviewer derives the id of a review from the pull request's head, so that the second envelope finds the first's work.
- The queue does not have it: 503, and GitHub's record of the failure is what brings it back.
- The secret was rotated: a signature that does not fit makes us read the secret again, but once a minute at most, so
  that strangers cannot make us call Secrets Manager at will. GitHub's deliveries in the rest of that minute would be
  refused; to rotate without any, store the new secret as `current` and the old one as `previous` for a minute first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from codereview.domain.envelope import Envelope
from codereview.domain.signature import SIGNATURE_HEADER, is_signed
from codereview.domain.webhook import Accepted, Receiver, Verdict, interpret
from codereview.errors import CodeReviewError, ConfigurationError

if TYPE_CHECKING:
    from codereview.ports import Clock

# Pushes come in bursts: commit, amend, push again. A review that starts this late sees the last head of most bursts and
# reads only that; the others' envelopes find its work done. It is a third of the minute that half of all reviews may
# take, and longer than GitHub's reads lag behind its own webhooks.
PUSH_DELAY = timedelta(seconds=20)

_SHORTEST_REFRESH = timedelta(minutes=1)
_LONGEST_TRUST = timedelta(minutes=5)  # a secret that was taken away is accepted this much longer by a warm function


class SecretReader(Protocol):
    """Where the webhook's secrets are kept."""

    def read(self) -> tuple[bytes, ...]:
        """Return the secrets that a delivery may be signed with, never none and never an empty one.

        Raises ConfigurationError without one; RetryableError or PermanentError where it cannot be read now.
        """
        ...


class EnvelopeQueue(Protocol):
    """The queue in front of the reviewer."""

    def send(self, envelope: Envelope, *, delay: timedelta) -> None:
        """Return once the envelope is stored; raises one of our errors if that is not certain."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unauthenticated:
    """No secret of ours signed the delivery; says the same, whatever was wrong with the signature."""


class WebhookSecrets:
    """The secrets, kept in memory."""

    def __init__(self, reader: SecretReader, clock: "Clock") -> None:
        """Start without any."""
        self._reader = reader
        self._clock = clock
        self._secrets: tuple[bytes, ...] = ()
        self._read_at: datetime | None = None
        self._refreshed_at: datetime | None = None  # tried to, that is

    def current(self) -> tuple[bytes, ...]:
        """Return the secrets; raises ConfigurationError if there are none, another error of ours if they never came."""
        if self._read_at is None:
            return self._read()
        if self._clock.now() - self._read_at >= _LONGEST_TRUST:
            try:
                return self.refreshed() or self._secrets
            except ConfigurationError:
                raise
            except CodeReviewError:
                return self._secrets  # an outage of the store is no reason to lose deliveries
        return self._secrets

    def refreshed(self) -> tuple[bytes, ...] | None:
        """Read the secrets again; None if that was done a moment ago."""
        now = self._clock.now()
        if self._refreshed_at is not None and now - self._refreshed_at < _SHORTEST_REFRESH:
            return None
        self._refreshed_at = now
        return self._read()

    def _read(self) -> tuple[bytes, ...]:
        try:
            self._secrets = self._reader.read()
        except ConfigurationError:
            self._read_at = None
            raise
        self._read_at = self._clock.now()
        return self._secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptWebhook:
    """The use case."""

    secrets: WebhookSecrets
    queue: EnvelopeQueue
    clock: "Clock"
    receiver: Receiver

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Verdict | Unauthenticated:
        """Take a delivery; `headers` by lower-case name.

        Returning Accepted means that the queue has it. Raises ConfigurationError when nothing may be served, and any
        other of our errors when GitHub has to be told that the delivery failed.
        """
        if not self._is_signed(body, headers.get(SIGNATURE_HEADER)):
            return Unauthenticated()
        received_at = self.clock.now().isoformat(timespec="milliseconds")
        verdict = interpret(headers, body, receiver=self.receiver, received_at=received_at)
        if isinstance(verdict, Accepted):
            is_push = verdict.envelope.action == "synchronize"
            self.queue.send(verdict.envelope, delay=PUSH_DELAY if is_push else timedelta())
        return verdict

    def _is_signed(self, body: bytes, signature: str | None) -> bool:
        if is_signed(body, signature, self.secrets.current()):
            return True
        secrets = self.secrets.refreshed()
        return secrets is not None and is_signed(body, signature, secrets)
