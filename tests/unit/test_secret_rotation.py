"""New secrets: tried, stored, told, taken up; and nothing of them is ever said."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from codereview.domain.control.audit import Actor, ActorKind, AuditEntry, AuditOutcome, Request
from codereview.domain.control.audit_codec import encode_audit
from codereview.domain.markers import kept_marker_key, marker_key
from codereview.domain.secret_rotation import SecretName, Values, retired, rotated
from codereview.errors import (
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    PermanentError,
    RejectedError,
    RetryableError,
)
from codereview.use_cases.rotate_secrets import RotateSecrets

OLD, NEW = "canary-old-secret-0000", "canary-new-secret-1111"
PEM = "-----BEGIN RSA PRIVATE KEY-----\ncanary-{}\n-----END RSA PRIVATE KEY-----\n"
WEBHOOK, APP, MODEL, CURSOR = SecretName.WEBHOOK, SecretName.GITHUB_APP, SecretName.MODEL, SecretName.CURSOR


class Deployment:
    """Secrets, an audit log, and a GitHub that signs with one secret and knows one key."""

    def __init__(self) -> None:
        self.stored: dict[SecretName, Values] = {WEBHOOK: {"current": OLD}, CURSOR: {"signing_key": OLD}, MODEL: {}}
        self.stored[APP] = {"app_id": "1", "private_key": PEM.format(1), "client_id": "Iv1"}
        self.entries: list[AuditEntry] = []
        self.signs_with = OLD
        self.is_away = False
        self.operate = RotateSecrets(
            store=self,
            outbox=self,
            tries={APP: self.try_key},
            tells={WEBHOOK: self.tell},
            refresh=lambda name: ["s-api"] if name is CURSOR else [],
        )

    def read(self, name: SecretName) -> Values:
        return self.stored[name]

    def write(self, name: SecretName, values: Values) -> None:
        self.stored[name] = values

    def try_key(self, values: Values) -> None:
        if "canary-9" in values["private_key"]:
            raise ForbiddenError("GitHub answered 401")

    def tell(self, values: Values) -> None:
        if self.is_away:
            raise RetryableError("GitHub answered 502")
        self.signs_with = values["current"]

    def put(self, entry: AuditEntry) -> bool:
        self.entries.append(entry)
        return True

    def unsent(self, *, now: datetime, limit: int) -> Sequence[AuditEntry]:
        return self.entries

    def mark_sent(self, entry: AuditEntry, *, now: datetime) -> None:
        self.entries.remove(entry)

    def rotate(self, name: SecretName, value: str, *, is_told: bool = True) -> bool:
        values = self.operate.check(name, value, app_id=None)
        return self.operate.rotate(name, values, is_told=is_told, request=request("rotate")).is_told


def request(name: str) -> Request:
    actor = Actor(kind=ActorKind.OPERATOR, id="ann")
    return Request(actor=actor, id=name, at=datetime(2026, 1, 1, tzinfo=UTC))


def test_f68_two_webhook_secrets_are_accepted_until_the_old_one_is_retired() -> None:
    deployment = Deployment()
    assert deployment.rotate(WEBHOOK, NEW)
    assert deployment.stored[WEBHOOK] == {"current": NEW, "previous": OLD}
    assert deployment.signs_with == NEW
    with pytest.raises(ConflictError, match="retire"):
        deployment.operate.check(WEBHOOK, "canary-third-secret-2222", app_id=None)
    deployment.operate.retire(request=request("retire"))
    assert deployment.stored[WEBHOOK] == {"current": NEW}
    with pytest.raises(ConflictError, match="none to retire"):
        deployment.operate.retire(request=request("again"))


def test_f68_while_github_cannot_be_told_what_it_signs_with_is_accepted() -> None:
    deployment = Deployment()
    deployment.is_away = True
    with pytest.raises(PermanentError, match="codereview secrets announce webhook"):
        deployment.rotate(WEBHOOK, NEW)
    assert deployment.signs_with in deployment.stored[WEBHOOK].values()
    deployment.is_away = False
    deployment.operate.announce(WEBHOOK, request=request("announce"))
    assert deployment.signs_with == NEW
    assert [(entry.action, entry.outcome) for entry in deployment.entries] == [
        ("secrets.rotate", AuditOutcome.DONE),
        ("secrets.announce", AuditOutcome.REFUSED),
        ("secrets.announce", AuditOutcome.DONE),
    ]


def test_f68_a_key_that_github_refuses_replaces_nothing() -> None:
    deployment = Deployment()
    before = dict(deployment.stored[APP])
    with pytest.raises(ForbiddenError):
        deployment.operate.check(APP, PEM.format(9), app_id=None)
    assert (deployment.stored[APP], deployment.entries) == (before, [])


def test_f68_what_was_posted_with_the_old_private_key_stays_ours() -> None:
    deployment = Deployment()
    deployment.rotate(APP, PEM.format(2))
    deployment.rotate(APP, PEM.format(3))
    stored = deployment.stored[APP]
    assert (stored["private_key"], stored["client_id"]) == (PEM.format(3), "Iv1")
    assert kept_marker_key(stored["marker_key"]) == marker_key(PEM.format(1))


def test_a_marker_key_that_is_none_stops_the_function() -> None:
    assert kept_marker_key(None) is None
    with pytest.raises(ConfigurationError):
        kept_marker_key("no hex")


def test_the_first_key_of_an_app_needs_its_number() -> None:
    with pytest.raises(RejectedError, match="--app-id"):
        rotated(APP, {}, PEM.format(1))
    assert rotated(APP, {}, PEM.format(1), app_id="7") == {"app_id": "7", "private_key": PEM.format(1)}


def test_a_function_that_could_not_be_started_anew_is_named() -> None:
    deployment = Deployment()
    values = deployment.operate.check(CURSOR, NEW, app_id=None)
    assert deployment.operate.rotate(CURSOR, values, is_told=True, request=request("a")).waiting == ["s-api"]
    assert deployment.stored[CURSOR] == {"signing_key": NEW}


@pytest.mark.parametrize(
    "value", ["", "   ", "short", "with blanks in between it", "ünïcödé-secret-which-is-long", "x" * 10_001]
)
@pytest.mark.parametrize("name", [WEBHOOK, MODEL, CURSOR])
def test_what_cannot_be_a_secret_is_refused_without_being_quoted(name: SecretName, value: str) -> None:
    with pytest.raises(RejectedError) as caught:
        rotated(name, {}, value)
    assert len(value) < 5 or value not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["", "ssh-rsa AAAA", "-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----" + "x" * 10_000]
)
def test_what_is_no_private_key_is_refused(value: str) -> None:
    with pytest.raises(RejectedError, match="private key"):
        rotated(APP, {"app_id": "1"}, value)


def test_line_ends_of_a_file_are_no_part_of_a_secret() -> None:
    assert rotated(WEBHOOK, {}, f"{NEW}\n") == {"current": NEW}


def test_the_same_secret_again_is_no_rotation() -> None:
    with pytest.raises(ConflictError, match="already"):
        rotated(WEBHOOK, {"current": NEW}, NEW)


def test_retiring_keeps_everything_else() -> None:
    assert retired({"current": NEW, "previous": OLD}) == {"current": NEW}


def test_the_audit_log_says_which_secret_and_nothing_of_it() -> None:
    deployment = Deployment()
    deployment.rotate(WEBHOOK, NEW)
    deployment.rotate(APP, PEM.format(2))
    deployment.operate.retire(request=request("retire"))
    said = json.dumps([encode_audit(entry) for entry in deployment.entries])
    assert "canary" not in said
    assert {entry.target for entry in deployment.entries} == {"secret/webhook", "secret/github-app"}
