"""Notices of the deployed system: on the public page, to one tenant, and by mail."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from codereview.adapters.aws.releases import FunctionReleases
from local.demo import open_and_wait, sample_repository
from local.stack import STACK_NAME, LocalStack
from tests.scenarios.commands import run, said

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(400)]

RECONCILER = f"{STACK_NAME}-reconciler"
SENDER, ADDRESS = "reviews@example.com", "ann@example.org"


@pytest.fixture(scope="module")
def tenant(local_aws: LocalStack) -> str:
    """A tenant that is bound, by its id."""
    repository = local_aws.hub.add_repository(sample_repository(), owner="acme", name="told")
    pull = open_and_wait(local_aws.hub, repository, base="main", head="change")
    trace = said(local_aws, "trace", pull["check_runs"][0]["external_id"])
    said(local_aws, "tenants", "bind", str(installation(local_aws)))
    return str(trace["reviews"][0]["tenant"])


def installation(stack: LocalStack) -> int:
    items = stack.aws.client("dynamodb").scan(TableName=stack.deployment.outputs["ControlTableName"])["Items"]
    return int(next(item["installation_id"]["N"] for item in items if item.get("installation_id")))


@pytest.fixture
def mailing(local_aws: LocalStack) -> Iterator[Any]:
    """The reconciler with a sender, as the parameter NoticeSender gives it one."""
    client: Any = local_aws.aws.client("lambda")
    before = client.get_alias(FunctionName=RECONCILER, Name="live")["FunctionVersion"]
    local_aws.aws.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    FunctionReleases(client, RECONCILER).publish(variables={"NOTICE_SENDER": SENDER})
    yield client
    FunctionReleases(client, RECONCILER).publish(variables={"NOTICE_SENDER": ""})
    assert int(before) > 0


def mailed(stack: LocalStack) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{stack.aws.endpoint_url}/_ministack/ses/messages", timeout=10) as answer:
        found = json.loads(answer.read())
    return [message for of_account in found["messages"].values() for message in of_account]


def status(stack: LocalStack) -> httpx.Response:
    return httpx.get(f"{stack.api_url}/status")


def until(is_true: Callable[[], bool], *, seconds: int = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends_at
        time.sleep(0.5)


def test_an_operators_notice_is_on_the_public_page_and_can_be_taken_back(local_aws: LocalStack) -> None:
    made = said(local_aws, "notices", "create", "Down for an hour", "--level", "incident", "--until", "+1h")
    # A function may have looked fifteen seconds ago.
    until(lambda: "Down for an hour" in [each["text"] for each in status(local_aws).json()["notices"]])
    page = httpx.get(f"{local_aws.api_url}/status", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Down for an hour" in page.text
    removed = run(local_aws, "notices", "remove", made["id"], "--yes")
    assert removed.returncode == 0, removed.stderr
    until(lambda: status(local_aws).json() == {"status": "ok", "notices": []})


def test_a_tenants_incident_reaches_its_addresses_once(local_aws: LocalStack, tenant: str, mailing: Any) -> None:
    assert said(local_aws, "contacts", "set", tenant, ADDRESS) == {"tenant": tenant, "addresses": [ADDRESS]}
    made = said(
        local_aws, "notices", "create", "Your limit is reached", "--level", "warning", "--until", "+1h", "--to", tenant
    )
    table, dynamodb = local_aws.deployment.outputs["ControlTableName"], local_aws.aws.client("dynamodb")
    for _ in range(2):
        dynamodb.delete_item(TableName=table, Key={"pk": {"S": "job#mail"}})  # as if two minutes had passed
        answer = mailing.invoke(FunctionName=f"{RECONCILER}:live", Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
    mine = [
        each
        for each in mailed(local_aws)
        if ADDRESS in json.dumps(each) and "Your limit is reached" in json.dumps(each)
    ]
    assert len(mine) == 1
    assert SENDER in json.dumps(mine[0])
    said(local_aws, "contacts", "clear", tenant)
    assert said(local_aws, "contacts", "show", tenant)["addresses"] == []
    run(local_aws, "notices", "remove", made["id"], "--yes")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("contacts", "set", "github.com:1", "no address"), 1),
        (("contacts", "show", "nobody"), 2),
        (("contacts", "show", "github.com:999999"), 1),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(local_aws: LocalStack, words: tuple[str, ...], code: int) -> None:
    refused = run(local_aws, *words)
    assert refused.returncode == code
    assert refused.stderr.splitlines()[-1].startswith(("Error: ", "codereview: "))


def start_anew(stack: LocalStack) -> None:
    """Have reviewers that know nothing yet; those that do have what they know for a minute, which no test waits for."""
    FunctionReleases(stack.aws.client("lambda"), f"{STACK_NAME}-reviewer").publish(
        description=f"at {time.monotonic_ns()}"
    )


@pytest.mark.long  # a review that was stopped looks again after a minute
@pytest.mark.parametrize("is_general", [True, False])
def test_nothing_is_posted_while_posting_is_switched_off_and_then_it_goes_on(
    local_aws: LocalStack, tenant: str, *, is_general: bool
) -> None:
    place = ("--deployment",) if is_general else ("--tenant", tenant)
    said(local_aws, "flags", "set", *place, "--posting", "off")
    start_anew(local_aws)
    hub = local_aws.hub
    repository = hub.add_repository(sample_repository(), owner="acme", name=f"stopped-{is_general}".lower())
    number = hub.open_pull(repository, base="main", head="change", title="a change")["number"]
    trace = waits_for(local_aws, f"https://github.com/acme/stopped-{is_general}/pull/{number}".lower())
    assert (trace["state"], trace["reason"]) == ("parked", "posting is switched off")
    assert hub.pull(repository, number)["reviews"] == []
    said(local_aws, "flags", "set", *place, "--posting", "on")
    start_anew(local_aws)
    # The review looks again after 55 s, and the schedule finds it within a minute.
    until(lambda: bool(hub.pull(repository, number)["reviews"]), seconds=270)


def waits_for(stack: LocalStack, url: str) -> dict[str, Any]:
    """Return the review of a pull request once it waits."""
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        reviews: list[dict[str, Any]] = said(stack, "trace", url)["reviews"]
        if reviews and reviews[0]["state"] != "queued" and reviews[0]["reason"]:
            return reviews[0]
    raise AssertionError("no review waits")
