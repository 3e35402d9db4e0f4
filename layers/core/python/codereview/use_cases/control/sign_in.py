"""Sessions of people whom GitHub has just named to us."""

from dataclasses import dataclass

from codereview.control_ports import Secrets, Sessions
from codereview.domain.control.audit import Request, audited
from codereview.domain.control.people import SESSION_LIFE, PersonId, Session
from codereview.domain.control.tokens import SECRET_BYTES, NewToken, TokenKind, make_token
from codereview.ports import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Begins and ends sessions; that the person is who they say, GitHub has answered before."""

    sessions: Sessions
    ids: Ids
    secrets: Secrets
    environment: str

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
        self.sessions.begin(session, audit=audit)
        return token

    def end(self, session_id: str, *, request: Request) -> None:
        """End a session."""
        audit = audited(request, tenant=None, action="sessions.end", target=f"session/{session_id}")
        self.sessions.end(session_id, audit=audit)
