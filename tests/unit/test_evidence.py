"""Evidence of an incident: complete, without secrets, and with what stands out said first."""

import json

import pytest

from codereview.domain.evidence import FUNCTIONS, Incident, exhibit, manifest
from codereview.domain.evidence_digest import digest
from codereview.errors import ForbiddenError
from codereview.use_cases.collect_evidence import CollectEvidence
from local.checkout import ROOT
from tests.functions.webhook_world import World, pull_request, repository

GITHUB_TOKEN = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"


@pytest.mark.parametrize(
    "secret",
    [
        GITHUB_TOKEN,
        "AKIA" + "QWERTYUIOPASDFGH",
        "ann@example.com",
        "203.0.113.7",
        "X-Amz-Signature=0123456789abcdef",
        "X-Amz-Security-Token=IQoJb3JpZ2luX2Vj",
        "code=0123456789",
    ],
)
def test_what_must_not_be_shown_is_masked(secret: str) -> None:
    made = exhibit("logs/api.jsonl", json.dumps({"message": f"GET https://host/path?a=1&{secret} failed"}))
    assert secret not in made.text
    assert made.masked == 1
    assert json.loads(made.text)["message"].startswith("GET https://host/path?a=1&")


def test_what_an_operator_needs_stays() -> None:
    text = "2026-01-01T12:00:00Z review 6dcb09b5-1111-2222-3333-444455556666 of github.com:583231 failed after 12.5 s"
    assert exhibit("a", text).text == text


def test_what_cannot_be_read_is_named_and_holds_up_nothing() -> None:
    def forbidden() -> str:
        raise ForbiddenError("CloudWatch answered AccessDenied")

    collect = CollectEvidence(sources={"alarms.json": forbidden, "a.json": lambda: {"b": 1}, "log": lambda: "line\n"})
    first, second, last = collect({"incident": "other"})
    assert (first.name, first.text, second.text) == ("a.json", '{\n  "b": 1\n}\n', "line\n")
    told = json.loads(last.text)
    assert told["missing"] == {"alarms.json": "CloudWatch answered AccessDenied"}
    assert told["incident"] == "other"
    assert [(file["name"], file["sha256"]) for file in told["files"]] == [
        ("a.json", first.sha256),
        ("log", second.sha256),
    ]
    assert manifest([first])[0]["bytes"] == len(first.text)


def test_errors_are_counted_by_their_kind_memory_by_its_peak_and_refusals_by_whom_they_hit() -> None:
    def line(**fields: object) -> str:
        return json.dumps(fields)

    place = "agents/agent.py:88 request (agent security)"
    reviewer = "\n".join(
        (
            line(level="ERROR", message="Unforeseen", exception_name="KeyError", raised_at=place),
            line(level="ERROR", message="Unforeseen", exception_name="KeyError", raised_at=place),
            line(level="ERROR", message="Unforeseen", exception_name="ZeroDivisionError"),
            line(level="INFO", message="Review", MemoryUsed=71.5),
            line(level="INFO", message="Review", MemoryUsed=93),
            line(type="platform.report", record={"status": "timeout"}),
            line(type="platform.report", record={"status": "success"}),
            "RequestId: 1 Error: Runtime exited with error: signal: killed",
            "[1, 2]",
        )
    )
    api = line(level="INFO", message="Request", LimitRefusals=1, tenant="github.com:1", key="k1")
    found = digest({"reviewer": reviewer, "api": f"{api}\n{api}"})
    assert found["errors"] == {
        "reviewer: Unforeseen KeyError at agents/agent.py:88 request (agent security)": 2,
        "reviewer: Unforeseen ZeroDivisionError": 1,
        "reviewer: timeout": 1,
        "reviewer: RequestId: 1 Error: Runtime exited with error: signal: killed": 1,
    }
    assert found["most_memory"] == {"reviewer": 93}
    assert found["refusals"] == {"github.com:1 k1": 2}


def test_deliveries_are_counted_by_whose_they_are_the_most_first() -> None:
    world = World()
    for owner in (5, 7, 7):
        world.deliver(pull_request(repository=repository() | {"owner": {"id": owner}}))
    world.deliver(pull_request("labeled"))
    assert digest({"webhook": "".join(world.lines)})["deliveries"] == {"github.com:7": 2, "github.com:5": 1}


def test_every_incident_has_a_page_and_functions_that_there_are() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    for incident in Incident:
        assert set(FUNCTIONS[incident]) <= folders
        assert incident is Incident.OTHER or (ROOT / "docs" / "runbooks" / f"{incident.value}.md").is_file()
    assert set(FUNCTIONS[Incident.OTHER]) == folders
