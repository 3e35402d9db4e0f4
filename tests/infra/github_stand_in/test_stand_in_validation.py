"""GitHub's own description judges requests, answers and webhooks, and it can say no."""

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.github import StandIn, openapi, routing, shapes
from local.github.dispatch import operations
from local.github.validation import WEBHOOKS, OpenApiJudge
from tests.infra.github_stand_in.world import PULL, ROOT, build_clone, client, token


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_clone(tmp_path_factory.mktemp("judged") / "clone")


def watched(judge: OpenApiJudge, clone: Path, path: str) -> list[str]:
    """Return what a judged stand-in says of one answer."""
    with StandIn(judge=judge) as stand_in:
        added = stand_in.add_repository(str(clone), "acme", "shop")
        stand_in.open_pull_request("acme/shop", "main", "feature")
        with client(stand_in, token(stand_in, added["installation_id"])) as github:
            github.get(path)
        return stand_in.violations


def test_a_field_that_is_broken_on_purpose_is_named(
    judge: OpenApiJudge, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shapes.user
    assert watched(judge, clone, PULL) == []
    monkeypatch.setattr(shapes, "user", lambda *given: whole(*given) | {"id": "not a number"})
    problems = watched(judge, clone, PULL)
    assert any(one.startswith("answer pulls/get 200: $.user") for one in problems)
    assert any(one.startswith("webhook pull-request-opened: ") for one in problems)


@pytest.mark.parametrize("name", [route.operation for route in routing.ROUTES if route.template != "/graphql"])
def test_every_operation_is_githubs_and_refuses_an_answer_of_another_kind(judge: OpenApiJudge, name: str) -> None:
    route = next(one for one in routing.ROUTES if one.operation == name)
    status = 201 if name in {"checks/create", "checks/rerequest-run", "issues/create-comment"} else 200
    for tried in (status, 201):
        if judge.answer(route, routing.Answer(status=tried, document=42)):
            return
    pytest.fail(f"{name} accepts 42")


def test_an_operation_that_fails_inside_is_a_violation(
    judge: OpenApiJudge, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    routes = [
        dataclasses.replace(route, handler=broken) if route.operation == "repos/get" else route
        for route in routing.ROUTES
    ]
    monkeypatch.setattr(routing, "ROUTES", routes)
    assert any("ZeroDivisionError" in one for one in watched(judge, clone, ROOT))


def test_a_request_with_what_github_does_not_know_is_named(
    stand_in: StandIn, github: httpx.Client, installation_id: int
) -> None:
    github.get(f"{PULL}/files", params={"perpage": "100"})
    github.get(f"{PULL}/files", params={"per_page": "many"})
    github.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "x", "commit": "abc"})
    github.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "x", "comments": [{"path": "a", "lines": 1}]})
    github.get("/repos/acme/shop/milestones")
    problems = "\n".join(stand_in.violations)
    assert "request pulls/list-files: no such parameter: perpage" in problems
    assert "request pulls/list-files ?per_page: $ 'many' is not of type 'integer'" in problems
    assert "request pulls/create-review: no such field: commit" in problems
    assert "request pulls/create-review: no such field: comments.lines" in problems
    assert "request pulls/create-review: $.comments[0] 'body' is a required property" in problems
    assert "request GET /repos/acme/shop/milestones: the stand-in has no such operation" in problems
    assert httpx.get(f"{stand_in.url}/_control/violations").json() == stand_in.violations


def test_without_a_judge_nothing_is_judged(clone: Path) -> None:
    with StandIn() as stand_in:
        added = stand_in.add_repository(str(clone), "acme", "shop")
        with client(stand_in, token(stand_in, added["installation_id"])) as github:
            github.get("/nothing", params={"x": "y"})
        assert stand_in.violations == []


def test_the_description_is_the_pinned_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = openapi.fetch(operations(), WEBHOOKS)
    assert len(document["operations"]) == len(operations())
    assert set(document["webhooks"]) == set(WEBHOOKS)

    def packed(command: list[str], **_: Any) -> Any:
        archive = Path(command[-1]) / "octokit-openapi.tgz"
        archive.write_bytes(b"something else")
        return type("Done", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr(openapi, "TOOLS", tmp_path)
    monkeypatch.setattr(subprocess, "run", packed)
    with pytest.raises(RuntimeError, match="not the file that was pinned"):
        openapi.fetch(operations(), WEBHOOKS)
