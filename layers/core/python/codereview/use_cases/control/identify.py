"""Signing in through GitHub, with nothing stored between the two steps.

The client's ticket holds 256 random bits and an end, and is signed. State and PKCE verifier are derived from it with
the deployment's key: GitHub's answer fits only the ticket that it was asked for with, and only our server can redeem
it. Who is sent a link with somebody else's answer has no ticket for it, so nobody is signed in as another.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from codereview.control_ports import IdentityProvider, Secrets
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.control.people import SESSION_LIFE, PersonId
from codereview.domain.control.tokens import NewToken
from codereview.errors import RejectedError
from codereview.use_cases.control.sign_in import SignIn

TICKET_LIFE = timedelta(minutes=10)
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where the person goes, and the ticket that the client keeps."""

    authorize_url: str
    ticket: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that was just made."""

    token: NewToken
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """Both steps; `key` is the deployment's signing key, `host` GitHub's."""

    provider: IdentityProvider
    sign_in: SignIn
    secrets: Secrets
    host: str
    key: bytes = field(repr=False)

    def begin(self, *, now: datetime) -> Begun:
        """Make a ticket, and say where it leads."""
        expires_at = (now + TICKET_LIFE).replace(microsecond=0)
        start = f"{int(expires_at.timestamp())}.{_text(self.secrets.draw(_RANDOM_BYTES))}"
        ticket = f"{start}.{self._derived('ticket', start)}"
        challenge = _text(hashlib.sha256(self._derived("verifier", ticket).encode()).digest())
        url = self.provider.authorize_url(state=self._derived("state", ticket), challenge=challenge)
        return Begun(authorize_url=url, ticket=ticket, expires_at=expires_at)

    def complete(self, *, ticket: str, code: str, state: str, request: Request) -> SignedIn:
        """Redeem GitHub's answer for a session; raises RejectedError, whatever is wrong with it."""
        start, _, signature = ticket.rpartition(".")
        is_ours = _same(signature, self._derived("ticket", start))
        is_answer = _same(state, self._derived("state", ticket))
        ends = start.partition(".")[0]
        if not (is_ours and is_answer) or int(ends) <= request.at.timestamp():
            raise RejectedError("the sign-in cannot be completed: begin again")
        found = self.provider.identify(code=code, verifier=self._derived("verifier", ticket))
        if found is None:
            raise RejectedError("the sign-in cannot be completed: begin again")
        person = PersonId(host=self.host, user_id=found.user_id)
        actor = Actor(kind=ActorKind.PERSON, id=str(person), address=request.actor.address)
        token = self.sign_in.begin(person, login=found.login, request=replace(request, actor=actor))
        return SignedIn(token=token, expires_at=request.at + SESSION_LIFE)

    def _derived(self, purpose: str, text: str) -> str:
        return _text(hmac.digest(self.key, f"sign-in {purpose}\n{text}".encode(), "sha256"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
