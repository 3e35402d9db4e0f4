"""The same request, answered once: what `Idempotency-Key` promises.

A claim lasts as long as the function can live. Who dies in between leaves a claim that runs out; the repeated request
is then worked on again with the ids of the first, which the control table takes only once, so that it says "conflict"
where the first one got through. Answers that changed something are kept, sealed: a new key's text is among them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID, uuid5

from codereview.control_ports import Replies, Seal
from codereview.domain.control.replies import Fresh, Kept, Running
from codereview.entrypoints.api.problems import Problem, busy
from codereview.entrypoints.api.responses import Response

CLAIMED_FOR: Final = timedelta(seconds=35)  # longer than the function can live
_NAMESPACE = UUID("7c2d9a55-0f43-4b0e-9a2e-5a4b8a1d3f60")


@dataclass(slots=True)
class DerivedIds:
    """Ids that a repeated request draws again, in the same order."""

    seed: str
    drawn: int = field(default=0)

    def new(self) -> UUID:
        """Return the next one."""
        self.drawn += 1
        return uuid5(_NAMESPACE, f"{self.seed}\n{self.drawn}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A request that its caller has given a name: `name` is that of caller and key, `fingerprint` of what is asked."""

    name: str
    fingerprint: str

    @property
    def request_id(self) -> str:
        """The id under which the change is audited: the same for every repetition, so that it is made once."""
        return f"once-{self.name[:32]}-{self.fingerprint[:32]}"


def named(caller: str, key: str, *parts: str | bytes) -> Named:
    """Name a request; keys are each caller's own."""
    return Named(name=_digest(caller, key), fingerprint=_digest(*parts))


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8) + data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Answers named requests."""

    replies: Replies
    seal: Seal

    def __call__(self, request: Named, answer: Callable[[], Response], *, now: datetime) -> Response:
        """Return the kept answer, or answer and keep it; raises Problem for another request under the same key."""
        claim = self.replies.claim(request.name, fingerprint=request.fingerprint, now=now, until=now + CLAIMED_FOR)
        match claim:
            case Fresh():
                return self._answer(request, answer, now)
            case Kept() | Running() if claim.fingerprint != request.fingerprint:
                raise Problem(
                    status=HTTPStatus.UNPROCESSABLE_ENTITY,
                    code="idempotency-key-reused",
                    detail="this Idempotency-Key belongs to another request",
                )
            case Running():
                headers = busy(retry_after=claim.until - now).headers
                raise Problem(
                    status=HTTPStatus.CONFLICT,
                    code="in-progress",
                    detail="this request is being answered",
                    headers=headers,
                )
            case Kept():
                kept: Response = json.loads(self.seal.open(claim.reply, bound=request.name))
                return kept | {"headers": kept["headers"] | {"idempotent-replayed": "true"}}

    def _answer(self, request: Named, answer: Callable[[], Response], now: datetime) -> Response:
        try:
            made = answer()
        except Exception:
            # Nothing may have happened, or all of it: the ids tell the next try which.
            self.replies.drop(request.name)
            raise
        sealed = self.seal.close(json.dumps(made).encode(), bound=request.name)
        self.replies.keep(request.name, fingerprint=request.fingerprint, reply=sealed, now=now)
        return made
