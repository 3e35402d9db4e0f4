"""The command line of the control plane, against the real function behind a real socket, and past it."""

import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
from click.testing import CliRunner, Result

from codereview.adapters.system import RandomIds
from codereview.bootstrap import control_plane
from codereview.bootstrap.control_plane import ControlPlane
from codereview.cli.control import connection, sessions
from codereview.cli.control.failures import CommandError, ExitCode
from codereview.cli.main import cli
from codereview.domain.control.audit import ActorKind
from codereview.domain.control.people import Role
from codereview.domain.review import ReviewState
from codereview.entrypoints.api.table import ROUTES
from tests.functions.api.world import World, event

CREATE = ("keys", "create", "--name", "ci", "--scope", "reviews:read", "--expires", "2026-04-01")
ARN = "arn:aws:iam::123456789012:user/ann"


class Gateway:
    """API Gateway, as far as the function sees it; `refusals` are answered first, in their order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                return

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode() or None
                status, headers, text = gateway.answer(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 -- http.server's names

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, method: str, target: str, headers: dict[str, str], body: str | None) -> tuple[int, Any, str]:
        self.asked.append(f"{method} {urlsplit(target).path}")
        if self.refusals:
            status, more = self.refusals.pop(0)
            return status, more, ""
        parts = urlsplit(target)
        given = {name.lower(): value for name, value in headers.items()}
        reply = self.world.send(event(method, parts.path, headers=given, body=body, query=parts.query))
        return reply.status, reply.headers, reply.text

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def gateway(world: World) -> Iterator[Gateway]:
    gateway = Gateway(world)
    yield gateway
    gateway.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(click, "get_app_dir", lambda _name: str(tmp_path / "home"))
    for name in ("CODEREVIEW_API_URL", "CODEREVIEW_API_KEY", "CODEREVIEW_TENANT", "CODEREVIEW_STACK"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(gateway: Gateway, token: str | None, *words: str, stdin: str | None = None, wait: int = 0) -> Result:
    environment = {"CODEREVIEW_API_URL": gateway.url, "CODEREVIEW_API_KEY": token}
    return CliRunner().invoke(cli, [*words, "--wait", str(wait)], env=environment, input=stdin)


def said(result: Result) -> Any:
    assert result.exception is None, (result.output, result.exception)
    return json.loads(result.stdout)


def failure(result: Result) -> CommandError:
    assert isinstance(result.exception, CommandError), (result.output, result.exception)
    return result.exception


def test_every_operation_of_the_api_has_a_command() -> None:
    sources = "\n".join(path.read_text() for path in Path(connection.__file__).parent.glob("*.py"))
    # Their names are put together, once for tenants and once for the deployment.
    groups = {"flags", "limits", "deployment_flags", "deployment_limits"}
    named = {operation for operation in (route.operation for route in ROUTES) if f'"{operation}"' in sources}
    assert {route.operation for route in ROUTES if route.operation.split(".")[0] not in groups} <= named


def test_a_command_without_a_tenant_says_why_it_has_none(world: World, gateway: Gateway) -> None:
    mistyped = failure(run(gateway, world.key()[:-1] + "!", "keys", "list"))
    assert mistyped.exit_code is ExitCode.NOT_ALLOWED
    gateway.refusals = [(503, {"retry-after": "3600"})]
    assert failure(run(gateway, world.key(), "keys", "list")).exit_code is ExitCode.UNAVAILABLE
    person = run(gateway, world.person(11, Role.ADMIN), "keys", "list")
    assert (person.exit_code, "which tenant?" in person.stderr) == (2, True)


def test_a_key_is_made_listed_rotated_and_revoked(world: World, gateway: Gateway) -> None:
    token = world.key()
    made = said(
        run(gateway, token, "keys", "create", "--name", "ci", "--scope", "reviews:read", "--expires", "2026-04-01")
    )
    listed = said(run(gateway, token, "keys", "list"))["items"]
    assert {row["id"] for row in listed} >= {made["key"]["id"]}
    assert made["token"] not in json.dumps(listed)
    rotated = said(run(gateway, token, "keys", "rotate", made["key"]["id"], "--overlap", "60"))
    assert rotated["key"]["name"] == "ci"
    assert run(gateway, token, "keys", "revoke", rotated["key"]["id"], "--yes").exit_code == 0
    assert said(run(gateway, token, "keys", "show", rotated["key"]["id"]))["revoked_at"] is not None


def test_what_cannot_be_taken_back_asks_first(world: World, gateway: Gateway) -> None:
    token, key = world.key(), world.issue().key.id
    result = run(gateway, token, "keys", "revoke", key)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert gateway.asked == []


def test_flags_change_only_what_is_named(world: World, gateway: Gateway) -> None:
    token = world.key()
    said(run(gateway, token, "flags", "set", "--agent", "security=shadow", "--posting", "off"))
    changed = said(run(gateway, token, "flags", "set", "--agent", "performance=canary:25", "--mock-models", "on"))
    assert changed["agents"]["security"]["mode"] == "shadow"
    assert changed["agents"]["performance"] == {"mode": "canary", "percent": 25}
    assert (changed["posting"], changed["models"], changed["mock_models"]) == (False, True, True)


def test_limits_change_only_what_is_named_and_none_takes_one_away(world: World, gateway: Gateway) -> None:
    operator, tenant = world.operator(), ["--tenant", str(world.tenant().id)]
    said(run(gateway, operator, "limits", "set", *tenant, "--requests", "600/m:100", "--review", "0.40"))
    changed = said(run(gateway, operator, "limits", "set", *tenant, "--tenant-month", "25", "--review", "none"))
    assert changed["own"]["requests"] == {"units": 600, "period_seconds": 60, "burst": 100}
    assert (changed["own"]["budgets"]["tenant_month"], changed["own"]["budgets"]["review"]) == (25_000_000, None)


def test_a_key_may_not_raise_its_own_limits(world: World, gateway: Gateway) -> None:
    error = failure(run(gateway, world.key(), "limits", "set", "--requests", "9999999/m"))
    assert error.exit_code is ExitCode.NOT_ALLOWED


def test_reviews_are_listed_shown_and_cancelled(world: World, gateway: Gateway) -> None:
    token, review = world.key(), str(world.review(state=ReviewState.PARKED))
    assert [row["id"] for row in said(run(gateway, token, "reviews", "list", "--state", "parked"))["items"]] == [review]
    assert said(run(gateway, token, "reviews", "cancel", review, "--yes"))["state"] != "parked"
    assert said(run(gateway, token, "reviews", "list", "--state", "parked"))["items"] == []


def test_a_review_is_asked_for_and_put_on_the_queue(world: World, gateway: Gateway) -> None:
    asked = said(run(gateway, world.key(), "reviews", "run", "--repository", "5", "--number", "7", "--full"))
    assert (asked["repository_id"], asked["number"]) == (5, 7)
    assert len(world.queued()) == 1


def test_a_list_follows_its_pages_up_to_the_limit(world: World, gateway: Gateway) -> None:
    token = world.key()
    for _ in range(130):
        world.issue()
    assert len(said(run(gateway, token, "keys", "list", "--limit", "500"))["items"]) == 131
    some = said(run(gateway, token, "keys", "list", "--limit", "3"))
    assert (len(some["items"]), some["next"] is None) == (3, False)


def test_a_pause_is_set_listed_and_taken_back(world: World, gateway: Gateway) -> None:
    token = world.key()
    said(run(gateway, token, "reviews", "pause", "--repository", "5", "--reason", "migration"))
    assert [row["reason"] for row in said(run(gateway, token, "reviews", "pauses"))["items"]] == ["migration"]
    assert run(gateway, token, "reviews", "resume", "--repository", "5").exit_code == 0
    assert said(run(gateway, token, "reviews", "pauses"))["items"] == []


def test_the_operator_sees_queues_and_moves_dead_letters(world: World, gateway: Gateway) -> None:
    operator = world.operator()
    world.dead_letter("not an envelope")
    (reviews, _) = said(run(gateway, operator, "queues", "list"))["items"]
    assert (reviews["name"], reviews["dead_letters"]) == ("reviews", 1)
    assert said(run(gateway, operator, "queues", "dead-letters", "reviews"))["total"] == 1
    moves = said(run(gateway, operator, "queues", "redrive", "reviews", "--yes", "--follow", "--rate", "5"))
    assert len(moves["items"]) == 1


def test_a_notice_is_made_changed_and_removed(world: World, gateway: Gateway) -> None:
    operator, until = world.operator(), (world.clock.now() + timedelta(hours=4)).isoformat()
    notice = said(run(gateway, operator, "notices", "create", "Slow today", "--level", "warning", "--until", until))
    changed = said(run(gateway, operator, "notices", "change", notice["id"], "--text", "Still slow"))
    assert (changed["text"], changed["level"]) == ("Still slow", "warning")
    assert [row["text"] for row in said(run(gateway, world.key(), "notices", "current"))["items"]] == ["Still slow"]
    assert run(gateway, operator, "notices", "remove", notice["id"], "--yes").exit_code == 0
    assert said(run(gateway, operator, "notices", "list"))["items"] == []


def test_people_get_and_lose_roles(world: World, gateway: Gateway) -> None:
    token = world.person(1, Role.ADMIN)
    tenant = ["--tenant", str(world.tenant().id)]
    said(run(gateway, token, "people", "set", "2", "--role", "viewer", "--login", "bob", *tenant))
    assert {row["user_id"] for row in said(run(gateway, token, "people", "list", *tenant))["items"]} == {1, 2}
    assert run(gateway, token, "people", "remove", "2", "--yes", *tenant).exit_code == 0
    assert failure(run(gateway, token, "people", "remove", "1", "--yes", *tenant)).exit_code is ExitCode.CONFLICT


def test_tenants_are_blocked_and_served_again(world: World, gateway: Gateway) -> None:
    operator, tenant = world.operator(), ["--tenant", str(world.tenant().id)]
    assert said(run(gateway, operator, "tenants", "block", "--yes", *tenant))["is_blocked"] is True
    assert said(run(gateway, operator, "tenants", "unblock", *tenant))["is_blocked"] is False
    assert [row["id"] for row in said(run(gateway, operator, "tenants", "list"))["items"]] == [str(world.tenant().id)]


def test_somebody_signs_in_and_out(world: World, gateway: Gateway, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(click, "echo", lambda text, **_: shown.write(text))

    def browse(_question: str, **_: object) -> str:
        code, state = world.web.approve(shown.getvalue().split()[-1])
        return f"https://app.example/callback?code={code}&state={state}"

    monkeypatch.setattr(click, "prompt", browse)
    result = CliRunner().invoke(cli, ["sign-in"], env={"CODEREVIEW_API_URL": gateway.url})
    assert result.exit_code == 0, (result.output, result.exception)
    (kept,) = (home / "home").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert said(CliRunner().invoke(cli, ["whoami"]))["login"] == "ann"
    assert sessions.token_for("https://elsewhere.example") is None
    assert CliRunner().invoke(cli, ["sign-out"]).exit_code == 0
    assert not kept.exists()


def test_an_export_is_started_followed_and_fetched(
    world: World, gateway: Gateway, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, file = world.key(), home / "findings.csv"
    monkeypatch.setattr(time, "sleep", lambda _seconds: world.finish_exports(rows=12))
    words = ["--since", "2026-03-01", "--until", "2026-03-31", "--format", "csv", "--output", str(file)]
    result = run(gateway, token, "exports", "start", *words)
    job = said(result)
    assert (job["state"], file.read_bytes()) == ("done", b"review_id,path\r\n")
    assert f"{job['id']} is being written" in result.stderr
    assert f"12 findings, 16 bytes, in {file}" in result.stderr
    assert [path.name for path in home.iterdir()] == ["findings.csv"]
    assert [row["id"] for row in said(run(gateway, token, "exports", "list"))["items"]] == [job["id"]]
    file.unlink()
    said(run(gateway, token, "exports", "show", job["id"], "--output", str(file)))
    assert file.exists()


def test_an_export_that_is_not_there_leaves_no_file(world: World, gateway: Gateway, home: Path) -> None:
    token, file = world.key(), home / "findings.csv"
    job = str(world.export())
    shown = said(run(gateway, token, "exports", "show", job))
    assert (shown["state"], shown["url"]) == ("running", None)
    assert failure(run(gateway, token, "exports", "show", job, "--output", str(file))).exit_code is ExitCode.CONFLICT
    world.clock.sleep(timedelta(minutes=20))
    failed = failure(run(gateway, token, "exports", "show", job, "--output", str(file)))
    assert (failed.exit_code, "was not written" in str(failed)) == (ExitCode.FAILED, True)
    assert list(home.iterdir()) == []


def test_a_file_that_cannot_be_fetched_or_written_is_no_half_file(world: World, gateway: Gateway, home: Path) -> None:
    token, job = world.key(), str(world.export())
    world.finish_exports()
    nowhere = home / "nowhere" / "findings.csv"
    error = failure(run(gateway, token, "exports", "show", job, "--output", str(nowhere)))
    assert "cannot be written: No such file or directory" in str(error)
    key = f"exports/github.com/1/{job}.csv"
    world.aws.client("s3").delete_object(Bucket=world.settings.objects_bucket, Key=key)
    gone = failure(run(gateway, token, "exports", "show", job, "--output", str(home / "findings.csv")))
    assert (gone.exit_code, "404" in str(gone)) == (ExitCode.UNAVAILABLE, True)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["keys", "show", "A" * 22], ExitCode.NOT_FOUND),
        (["queues", "list"], ExitCode.NOT_ALLOWED),
        (["reviews", "show", "00000000-0000-4000-8000-000000000000"], ExitCode.NOT_FOUND),
        (["tenants", "show", "--tenant", "github.com:404"], ExitCode.NOT_FOUND),
    ],
)
def test_scripts_learn_by_the_exit_code(shared: World, words: list[str], code: ExitCode) -> None:
    gateway = Gateway(shared)
    try:
        assert failure(run(gateway, shared.key(), *words)).exit_code is code
    finally:
        gateway.close()


def test_without_a_key_it_says_what_is_missing(gateway: Gateway) -> None:
    error = failure(run(gateway, None, "tenants", "list"))
    assert (error.exit_code, "Bearer" in str(error)) == (ExitCode.NOT_ALLOWED, True)


def test_a_limit_is_waited_for_as_long_as_patience_lasts(world: World, gateway: Gateway) -> None:
    token = world.key()
    gateway.refusals = [(429, {"retry-after": "1"})]
    result = run(gateway, token, "whoami", wait=5)
    assert said(result)["kind"] == "key"
    assert "trying again in 1 s" in result.stderr
    gateway.refusals = [(429, {"retry-after": "3600"})]
    assert failure(run(gateway, token, "whoami", wait=5)).exit_code is ExitCode.LIMITED


@pytest.mark.parametrize("answer", [(502, {}), (503, {}), (200, {})])
def test_what_is_no_api_is_said_to_be_none(world: World, gateway: Gateway, answer: tuple[int, dict[str, str]]) -> None:
    gateway.refusals = [answer]
    token = world.key()
    error = failure(run(gateway, token, "keys", "show", "A" * 22, "--tenant", str(world.tenant().id)))
    assert error.exit_code is ExitCode.UNAVAILABLE


def test_an_api_out_of_reach_is_named_with_the_other_way(world: World) -> None:
    gateway = Gateway(world)
    gateway.close()
    error = failure(run(gateway, world.key(), "whoami"))
    assert error.exit_code is ExitCode.UNAVAILABLE
    assert "--stack" in str(error)


class TestPastTheApi:
    """With AWS credentials, when `/v1` is what is broken."""

    @pytest.fixture(autouse=True)
    def plane(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        plane = ControlPlane(services=world.app.services, ids=RandomIds(), actor=ARN)
        monkeypatch.setattr(control_plane, "control_plane", lambda _stack: plane)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--stack", "codereview-prod"])

    def test_an_operator_does_what_the_api_would(self, world: World) -> None:
        tenant = ["--tenant", str(world.tenant().id)]
        made = said(
            self.run("keys", "create", "--name", "x", "--scope", "reviews:read", "--expires", "2026-04-01", *tenant)
        )
        assert world.call("GET", "/v1/me", made["token"]).status == 200
        assert said(self.run("flags", "set", "--posting", "off", "--deployment"))["posting"] is False
        assert said(self.run("tenants", "list"))["items"][0]["id"] == str(world.tenant().id)
        assert said(self.run("limits", "set", "--requests", "9/m", *tenant))["own"]["requests"]["units"] == 9

    def test_the_audit_names_the_arn(self, world: World) -> None:
        said(self.run("tenants", "block", "--yes", "--tenant", str(world.tenant().id)))
        (entry,) = world.audited()
        assert (entry.actor.kind, entry.actor.id, entry.action) == (ActorKind.OPERATOR, ARN, "tenants.block")

    def test_an_export_is_started_there_too_in_the_operators_name(self, world: World, home: Path) -> None:
        world.functions.does = world.finish_exports
        tenant = ["--tenant", str(world.tenant().id)]
        file = home / "findings.jsonl"
        world.clock.sleep(timedelta(days=1))
        assert said(self.run("exports", "start", "--output", str(file), *tenant))["rows"] == 3
        assert file.exists()
        (event,) = world.functions.called
        assert (event["actor_kind"], event["actor"]) == ("operator", ARN)

    def test_what_is_no_id_is_nothing_there(self, world: World) -> None:
        tenant = ["--tenant", str(world.tenant().id)]
        for words in (["exports", "show"], ["reviews", "show"]):
            assert failure(self.run(*words, "../x", *tenant)).exit_code is ExitCode.NOT_FOUND

    def test_what_is_wrong_is_told_in_the_same_words(self, world: World) -> None:
        tenant = ["--tenant", str(world.tenant().id)]
        assert failure(self.run("keys", "show", "A" * 22, *tenant)).exit_code is ExitCode.NOT_FOUND
        assert failure(self.run("tenants", "show", "--tenant", "github.com:404")).exit_code is ExitCode.NOT_FOUND
        assert "name" in str(failure(self.run(*CREATE, "--name", "", *tenant)))

    def test_nobody_signs_in_there(self) -> None:
        assert self.run("sign-in").exit_code == 2
