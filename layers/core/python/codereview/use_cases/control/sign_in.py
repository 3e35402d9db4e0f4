"""Sessions of people whom GitHub has just named to us."""

from collections.abc import Callable
from dataclasses import dataclass

from codereview.control_ports import Secrets, Sessions
from codereview.domain.control.audit import AuditEntry, Request, audited
from codereview.domain.control.people import SESSION_LIFE, PersonId, Session
from codereview.domain.control.tokens import SECRET_BYTES, NewToken, TokenKind, make_token
from codereview.ports import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Begins and ends sessions; that the person is who they say, GitHub has answered before.

    Whoever has a GitHub account gets one. The audit log lies in a database that nobody may wake who is not known
    (`knows`): what strangers do is told to `note`.
    """

    sessions: Sessions
    ids: Ids
    secrets: Secrets
    environment: str
    knows: Callable[[PersonId], bool]
    note: Callable[[AuditEntry], None]

    def begin(self, person: PersonId, *, login: str, request: Request) -> NewToken:
        """Make a session and return its token, whose text is not kept."""
        token = make_token(
            TokenKind.SESSION,
            environment=self.environment,
            token_id=self.ids.new(),
            secret=self.secrets.draw(SECRET_BYTES),
        )
        session = Session(
            id=token.id,
            hash=token.hash,
            person=person,
            login=login,
            created_at=request.at,
            expires_at=request.at + SESSION_LIFE,
        )
        audit = audited(request, tenant=None, action="sessions.begin", target=f"person/{person}")
        self.sessions.begin(session, audit=self._of_somebody(person, audit))
        return token

    def end(self, session_id: str, person: PersonId, *, request: Request) -> None:
        """End a session of that person's."""
        audit = audited(request, tenant=None, action="sessions.end", target=f"session/{session_id}")
        self.sessions.end(session_id, at=request.at, audit=self._of_somebody(person, audit))

    def _of_somebody(self, person: PersonId, entry: AuditEntry) -> AuditEntry | None:
        if self.knows(person):
            return entry
        self.note(entry)
        return None
