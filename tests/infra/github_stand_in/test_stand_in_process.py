"""The stand-in as the launcher has it: faults, control over HTTP, a process of its own."""

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from local.checkout import ROOT as CHECKOUT
from local.checkout import child_environment
from local.github import Fault, StandIn
from tests.infra.github_stand_in.world import PULL, ROOT

REVIEW = {"event": "COMMENT", "body": "x"}


def count(stand_in: StandIn) -> int:
    return len(stand_in.posted("acme/shop")["reviews"])


def test_an_error_before_does_nothing_and_an_error_after_has_done_it(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.script("pulls/create-review", [Fault.error_before(502), Fault.none(), Fault.error_after(500)])
    assert github.post(f"{PULL}/reviews", json=REVIEW).status_code == 502
    assert count(stand_in) == 0
    assert github.post(f"{PULL}/reviews", json=REVIEW).status_code == 200
    assert github.post(f"{PULL}/reviews", json=REVIEW).status_code == 500
    assert count(stand_in) == 2
    assert github.post(f"{PULL}/reviews", json=REVIEW).status_code == 200


def test_a_pull_request_can_be_unknown_at_first(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.script("pulls/get", [Fault.not_found()])
    assert [github.get(PULL).status_code for _ in range(2)] == [404, 200]


def test_a_limit_is_told_by_its_headers(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.script("pulls/get", [Fault.error_before(429, "Slow down", retry_after="7")])
    answer = github.get(PULL)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["message"]) == (429, "7", "Slow down")


def test_a_connection_can_be_cut_before_and_after(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.script("pulls/create-review", [Fault.cut_before(), Fault.cut_after()])
    for stored in (0, 1):
        with pytest.raises(httpx.RemoteProtocolError):
            github.post(f"{PULL}/reviews", json=REVIEW)
        assert count(stand_in) == stored
    assert github.get(ROOT).status_code == 200


def test_an_answer_can_be_late_while_others_are_not(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.script("pulls/get", [Fault.slow(3600)])
    with pytest.raises(httpx.ReadTimeout):
        github.get(PULL, timeout=0.1)
    assert github.get(PULL, timeout=60).status_code == 200


def test_closing_hangs_up_on_everybody() -> None:
    with StandIn() as stand_in, httpx.Client(base_url=stand_in.url) as anybody:
        assert anybody.get("/meta").status_code == 200
        stand_in.close()
        with pytest.raises(httpx.TransportError):
            anybody.get("/meta")


def test_the_launcher_sees_what_stands_on_a_pull_request(stand_in: StandIn, clone: Path) -> None:
    with httpx.Client(base_url=stand_in.url) as launcher:
        app = launcher.get("/_control/app").json()
        assert (app["app_id"], app["webhook_secret"]) == (stand_in.app_id, stand_in.webhook_secret)
        assert app["private_key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
        document = {"path": str(clone), "owner": "acme", "name": "shop"}
        repository = launcher.post("/_control/repositories", json=document).json()["id"]
        assert launcher.post("/_control/repositories", json=document).json()["id"] == repository
        pulls = f"/_control/repositories/{repository}/pulls"
        opened = launcher.post(pulls, json={"base": "main", "head": "feature", "title": "T"})
        assert (opened.status_code, opened.json()["number"]) == (201, 1)
        wrong = launcher.post(pulls, json={"base": "main", "head": "no such branch"})
        assert (wrong.status_code, "no such branch" in wrong.json()["message"]) == (422, True)
        stand_in.review("acme/shop", 1, REVIEW | {"comments": [{"path": "app.py", "line": 50, "body": "y"}]})
        shown = launcher.get(f"{pulls}/1").json()
    assert [delivery["event"] for delivery in shown["deliveries"]] == ["installation", "pull_request"]
    comment = shown["reviews"][0]["comments"][0]
    assert (comment["path"], comment["line"], comment["side"], comment["body"]) == ("app.py", 50, "RIGHT", "y")


def test_every_method_is_reachable_by_name_and_nothing_private_is(stand_in: StandIn, installation_id: int) -> None:
    with httpx.Client(base_url=stand_in.url) as launcher:
        arguments = {"repository": "acme/shop", "number": 1, "action": "closed"}
        assert launcher.post("/_control/change_pull_request", json=arguments).json()["result"]["state"] == "closed"
        assert launcher.post("/_control/posted", json={"repository": "acme/shop"}).json()["result"]["reviews"] == []
        assert launcher.post("/_control/posted", json={"repository": "none/none"}).status_code == 404
        assert launcher.post("/_control/posted", json={"wrong": 1}).status_code == 422
        faults = {"operation": "meta/get", "faults": [{"status": 503}]}
        assert launcher.post("/_control/script", json=faults).status_code == 200
        assert launcher.get("/meta").status_code == 503
        for name in ("_answer", "__init__", "world", "none"):
            assert launcher.post(f"/_control/{name}", json={}).status_code == 404
            assert launcher.get(f"/_control/{name}").status_code == 404
        assert "meta/get" in [one["operation"] for one in launcher.get("/_control/requests").json()]


def test_a_process_of_its_own_tells_where_it_listens_and_ends_on_sigterm(tmp_path: Path) -> None:
    state = tmp_path / "github.json"
    environment = child_environment({"PYTHONPATH": str(CHECKOUT / "infra")})
    command = [sys.executable, "-m", "local.github", "--port", "0", "--state-file", str(state)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/meta").status_code == 200
        while not state.is_file():
            time.sleep(0.01)
        assert json.loads(state.read_text())["url"] == url
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not state.exists()
