"""The stand-in as tests and the launcher hold it: an App, a server, and everything people can do."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.github import control
from local.github.dispatch import Dispatcher, Judge
from local.github.faults import Fault
from local.github.people import People
from local.github.routing import Answer, Request
from local.github.server import Server
from local.github.state import Account, Clock, Json, World

_KEY_BITS = 2_048
_APP_ID = 123_456


def _machine_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - GitHub has a clock of its own; it is not the product's


class StandIn(People):
    """GitHub on a free port of this machine, with one App. A context manager; its time is `clock`'s."""

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock | None = None,
        slug: str = "ai-code-review",
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        judge: Judge | None = None,
        key: rsa.RSAPrivateKey | None = None,
    ) -> None:
        """Start at once. With a judge, requests and answers are validated and `violations` lists what was wrong.

        Without a `key` the App gets a new one.
        """
        key = key or rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
        self._private_key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        super().__init__(
            World(
                clock=clock or _machine_clock,
                app_id=_APP_ID,
                slug=slug,
                public_key_pem=public,
                webhook_secret=webhook_secret or secrets.token_hex(20),
                bot=Account(id=900_001, login=f"{slug}[bot]", type="Bot"),
                owner=Account(id=900_002, login="app-owner", type="Organization"),
                webhook_url=webhook_url,
            )
        )
        self.world.accounts[self.world.bot.login.lower()] = self.world.bot
        self.world.webhook_problems = judge.webhook if judge is not None else None
        self._dispatcher = Dispatcher(self.world, judge)
        self._server = Server(port, self._answer)
        self.world.base_url = self._server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    @property
    def url(self) -> str:
        """Return the root of the API, without a slash at the end."""
        return self._server.url

    @property
    def app(self) -> Json:
        """Return what the App's owner got when the App was made, and where its API is."""
        return {
            "url": self.url,
            "app_id": self.app_id,
            "slug": self.world.slug,
            "bot_login": self.world.bot.login,
            "webhook_secret": self.webhook_secret,
            "private_key": self.private_key_pem,
        }

    @property
    def app_id(self) -> str:
        """Return the App's id, as settings hold it."""
        return str(self.world.app_id)

    @property
    def private_key_pem(self) -> str:
        """Return the App's private key."""
        return self._private_key_pem

    @property
    def webhook_secret(self) -> str:
        """Return the secret that webhooks are signed with."""
        return self.world.webhook_secret

    @property
    def violations(self) -> list[str]:
        """Return what was wrong with requests and answers by GitHub's own description."""
        return list(self.world.violations)

    @property
    def limit_violations(self) -> list[Json]:
        """Return every request that was above a limit: which limit, whose, what for and when."""
        return list(self.world.limit_violations)

    @property
    def peaks(self) -> dict[str, Json]:
        """Return the most that each installation did of what is limited, and its writes less than a second apart."""
        with self.world.lock:
            held = {number: meter for number, meter in self.world.meters.items() if number}
            return {str(number): meter.peaks | {"hasty_writes": meter.hasty_writes} for number, meter in held.items()}

    @property
    def deliveries(self) -> list[Json]:
        """Return every webhook that was sent, oldest first, with headers, body and answer."""
        return list(self.world.deliveries)

    @property
    def requests(self) -> list[Json]:
        """Return every request so far: operation, method, path, query and status."""
        return list(self.world.requests)

    def set_webhook(self, url: str | None, secret: str | None = None) -> None:
        """Send webhooks to another address; None sends none."""
        self.world.webhook_url = url
        self.world.webhook_secret = secret or self.world.webhook_secret

    def set_limits(self, **limits: int | str | None) -> None:
        """Change what GitHub limits; the names are those of `state.Limits`."""
        for name, value in limits.items():
            getattr(self.world.limits, name)
            setattr(self.world.limits, name, value)

    def script(self, operation: str, faults: Sequence[Fault | dict[str, Any]]) -> None:
        """Let the next calls of an operation (its name in GitHub's OpenAPI) go wrong, one entry a call."""
        entries = [fault if isinstance(fault, Fault) else Fault(**fault) for fault in faults]
        with self.world.lock:
            self.world.faults[operation] += entries

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith(control.PREFIX):
            return control.answer(self, request)
        return self._dispatcher.answer(request)
