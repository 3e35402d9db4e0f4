"""What a look at a deployment means, and with what command it is mended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from codereview.bootstrap import doctor
from codereview.cli.main import cli
from codereview.domain import diagnosis, webhook
from codereview.domain.control.queues import QueueDepth
from codereview.domain.diagnosis import Colour, Diagnosis, Release, TableHealth, green, red, worst, yellow
from codereview.domain.workers import ScalingNote, WorkerKind, Workers
from codereview.errors import ForbiddenError, RetryableError
from codereview.use_cases.diagnose import Diagnose, Part

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEEDED = {"contents": "read", "pull_requests": "write"}
PAGE = "https://github.com/settings/apps/reviewer"


def seen(found: Diagnosis) -> tuple[str, str]:
    """Return the colour and the mending; whatever is not green has one."""
    assert (found.mend is None) == (found.colour is Colour.GREEN)
    return found.colour.value, found.mend or ""


@pytest.mark.parametrize(
    ("held", "colour"),
    [
        ({"contents": "read", "pull_requests": "write"}, "green"),
        ({"contents": "write", "pull_requests": "admin"}, "green"),
        ({"contents": "read", "pull_requests": "read"}, "red"),
        ({"pull_requests": "write"}, "red"),
    ],
)
def test_an_app_with_too_few_rights_is_red(held: dict[str, str], colour: str) -> None:
    assert seen(diagnosis.of_permissions(held, NEEDED, PAGE))[0] == colour


def test_a_missing_right_is_named_with_the_page_that_grants_it() -> None:
    found = diagnosis.of_permissions({"contents": "read"}, NEEDED, PAGE)
    assert "pull_requests: write" in found.said
    assert PAGE in seen(found)[1]


@pytest.mark.parametrize(
    ("missing", "colour"), [((), "green"), (("check_suite",), "yellow"), (("pull_request",), "red")]
)
def test_an_app_that_hears_of_no_pull_request_is_red(missing: tuple[str, ...], colour: str) -> None:
    assert seen(diagnosis.of_events(set(diagnosis.EVENTS) - set(missing), PAGE))[0] == colour


def test_the_events_are_those_that_the_webhook_does_something_about() -> None:
    assert set(diagnosis.EVENTS) == {name for name in webhook._HANDLERS if not name.startswith("installation")}


@pytest.mark.parametrize(
    ("seconds", "colour"), [(0, "green"), (-9, "green"), (10, "yellow"), (-61, "red"), (60, "red")]
)
def test_a_clock_is_judged_by_how_far_off_it_is(seconds: int, colour: str) -> None:
    assert seen(diagnosis.of_skew(timedelta(seconds=seconds), "AWS"))[0] == colour


@pytest.mark.parametrize(
    ("signed", "forged", "colour", "mend"),
    [
        (200, 401, "green", ""),
        (401, 401, "red", "secrets rotate webhook"),
        (200, 200, "red", "secrets rotate webhook"),
        (503, 503, "red", "log"),
        (404, 404, "red", "log"),
    ],
)
def test_a_webhook_has_to_tell_a_signed_ping_from_a_forged_one(
    signed: int, forged: int, colour: str, mend: str
) -> None:
    found = seen(diagnosis.of_round_trip("https://example.com/webhooks/github", signed, forged))
    assert found[0] == colour
    assert mend in found[1]


@pytest.mark.parametrize(
    ("failed", "total", "colour"), [(0, 0, "green"), (0, 9, "green"), (1, 9, "yellow"), (5, 9, "red")]
)
def test_deliveries_that_fail_are_told(failed: int, total: int, colour: str) -> None:
    assert seen(diagnosis.of_deliveries(failed, total))[0] == colour


def test_dead_letters_and_old_messages_are_yellow_with_the_command_for_their_queue() -> None:
    depth = QueueDepth(waiting=900, in_flight=10, delayed=0, dead_letters=3, oldest_age_seconds=1_200)
    queue, letters = diagnosis.of_queue("record", depth)
    assert seen(queue) == ("yellow", "codereview workers scale N --queue record")
    assert seen(letters) == ("yellow", "codereview redrive --queue record --dry-run")
    empty = QueueDepth(waiting=0, in_flight=0, delayed=0, dead_letters=0)
    assert {each.colour for each in diagnosis.of_queue("review", empty)} == {Colour.GREEN}


def workers(**changes: Any) -> Workers:
    given: dict[str, Any] = {"function": "r", "version": "1", "memory_mb": 512, "is_enabled": True, "state": "Enabled"}
    return Workers(**(given | {"concurrency": 10, "told": 10} | changes))


def test_paused_workers_are_red_and_scaled_ones_yellow() -> None:
    kind = WorkerKind.REVIEW
    paused = diagnosis.of_workers(kind, workers(is_enabled=False, state="Disabled"), None)
    assert seen(paused) == ("red", "codereview workers resume --queue review")
    scaled = diagnosis.of_workers(kind, workers(concurrency=40), ScalingNote(kind=kind, original=10))
    assert seen(scaled) == ("yellow", "codereview workers restore --queue review")
    assert seen(diagnosis.of_workers(kind, workers(), None)) == ("green", "")


@pytest.mark.parametrize(
    ("status", "has_recovery", "has_expiry", "colour"),
    [
        ("ACTIVE", True, True, "green"),
        ("ACTIVE", False, True, "yellow"),
        ("ACTIVE", True, False, "yellow"),
        ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", True, True, "red"),
    ],
)
def test_a_control_table_without_its_guards_is_told(
    status: str, has_recovery: bool, has_expiry: bool, colour: str
) -> None:
    assert seen(diagnosis.of_table(status, has_recovery=has_recovery, has_expiry=has_expiry))[0] == colour


@pytest.mark.parametrize(("unreserved", "colour"), [(10, "red"), (11, "yellow"), (30, "green"), (1000, "green")])
def test_an_account_that_is_new_runs_too_few_functions(unreserved: int, colour: str) -> None:
    assert seen(diagnosis.of_concurrency(1000, unreserved, 10))[0] == colour


def release(**changes: Any) -> Release:
    given: dict[str, Any] = {"function": "r", "state": "Active", "update": "Successful", "live": "3", "newest": "3"}
    return Release(**(given | {"weights": {}, "core": "core:1"} | changes))


@pytest.mark.parametrize(
    ("changes", "colour"),
    [
        ({}, "green"),
        ({"live": "2"}, "yellow"),
        ({"weights": {"4": 0.1}}, "yellow"),
        ({"core": "core:2"}, "yellow"),
        ({"state": "Failed"}, "red"),
        ({"update": "Failed"}, "red"),
    ],
)
def test_functions_of_different_releases_are_told(changes: dict[str, Any], colour: str) -> None:
    assert seen(diagnosis.of_releases([release(function="other"), release(**changes)]))[0] == colour


@pytest.mark.parametrize(("minutes", "colour"), [(-1, "green"), (4, "green"), (5, "yellow"), (30, "red")])
def test_a_reconciler_that_does_not_run_is_told_by_what_it_left_undone(minutes: int, colour: str) -> None:
    assert seen(diagnosis.of_reconciler(NOW - timedelta(minutes=minutes), now=NOW))[0] == colour


def test_a_reconciler_that_never_ran_is_yellow() -> None:
    assert seen(diagnosis.of_reconciler(None, now=NOW))[0] == "yellow"


@pytest.mark.parametrize(("minutes", "colour"), [(None, "green"), (14, "green"), (15, "yellow")])
def test_audit_entries_that_do_not_reach_the_record_are_told(minutes: int | None, colour: str) -> None:
    oldest = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert seen(diagnosis.of_outbox(oldest, now=NOW))[0] == colour


@pytest.mark.parametrize(
    ("live", "dead", "age", "rows", "colour"),
    [
        (1_000_000, 10_000, 1_000, 0, "green"),
        (10, 9_000, 1_000, 0, "green"),
        (1_000_000, 300_000, 1_000, 0, "yellow"),
        (0, 0, 500_000_000, 0, "yellow"),
        (0, 0, 1_500_000_000, 0, "red"),
        (0, 0, 0, 7, "yellow"),
    ],
)
def test_a_database_is_judged_by_dead_rows_and_transaction_ages(
    live: int, dead: int, age: int, rows: int, colour: str
) -> None:
    table = TableHealth(name="findings", live_rows=live, dead_rows=dead)
    found = seen(diagnosis.of_database([table], transaction_age=age, default_rows=rows))
    assert found[0] == colour


@pytest.mark.parametrize(
    ("is_verified", "is_out", "colour", "word"),
    [(True, True, "green", "mailed from"), (False, True, "yellow", "not verified"), (True, False, "yellow", "sandbox")],
)
def test_mail_that_would_not_arrive_is_told(is_verified: bool, is_out: bool, colour: str, word: str) -> None:
    found = diagnosis.of_mail("reviews@example.com", is_verified, is_out)
    assert (seen(found)[0], word in found.said) == (colour, True)


@pytest.mark.parametrize(
    ("found", "colour", "word"),
    [
        (diagnosis.of_notifications(1, 1), "green", "1 told"),
        (diagnosis.of_notifications(0, 1), "yellow", "confirmation"),
        (diagnosis.of_notifications(0, 0), "yellow", "nobody"),
        (diagnosis.of_runbooks("https://example.com/runbooks/page.md"), "green", "link"),
        (diagnosis.of_runbooks("docs/runbooks/page.md"), "yellow", "without a link"),
        (diagnosis.of_prices("3,0.3,15"), "green", "3,0.3,15"),
        (diagnosis.of_prices(None), "yellow", "budgets"),
    ],
)
def test_alarms_that_nobody_hears_and_money_that_nothing_holds_are_told(
    found: Diagnosis, colour: str, word: str
) -> None:
    assert (seen(found)[0], word in found.said) == (colour, True)


def test_what_cannot_be_looked_at_is_red_and_the_rest_is_looked_at() -> None:
    def broken() -> list[Diagnosis]:
        raise RetryableError("SQS answered InternalError")

    def forbidden() -> list[Diagnosis]:
        raise ForbiddenError("SQS answered AccessDenied")

    parts = [
        Part(subject="queues", look=broken, mend="make deploy STAGE=…"),
        Part(subject="more queues", look=forbidden, mend="make deploy STAGE=…"),
        Part(subject="bucket", look=lambda: [green("bucket", "there")], mend=""),
    ]
    queues, more, bucket = Diagnose(parts=parts)()
    assert seen(queues) == ("red", "make deploy STAGE=…")
    assert "your credentials" in seen(more)[1]
    assert bucket.colour is Colour.GREEN


def test_the_worst_colour_is_the_whole_ones() -> None:
    assert worst([]) is Colour.GREEN
    assert worst([green("a", ""), yellow("b", "", "c")]) is Colour.YELLOW
    assert worst([yellow("b", "", "c"), red("d", "", "e"), green("a", "")]) is Colour.RED


@pytest.mark.parametrize(("found", "code"), [(green("a", "b"), 0), (yellow("a", "b", "c"), 0), (red("a", "b", "c"), 1)])
def test_only_red_ends_the_command_with_1(found: Diagnosis, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Part(subject="a", look=lambda: [found], mend="")]
    monkeypatch.setattr(doctor, "diagnose", lambda *_args, **_kwargs: Diagnose(parts=parts))
    assert CliRunner().invoke(cli, ["doctor", "--stack", "acme"]).exit_code == code
