"""Who may ask the stand-in for what."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from codereview.adapters.github.tokens import PERMISSIONS
from local.github import StandIn
from tests.infra.github_stand_in.world import PULL, ROOT, Clock, app_jwt, client, messages, token


def sell(stand_in: StandIn, installation_id: int, document: dict[str, Any] | None = None, **jwt: Any) -> httpx.Response:
    with client(stand_in, app_jwt(stand_in, **jwt)) as app:
        return app.post(f"/app/installations/{installation_id}/access_tokens", json=document or {})


def test_the_app_names_itself(stand_in: StandIn) -> None:
    with client(stand_in, app_jwt(stand_in)) as app:
        document = app.get("/app").json()
    assert (document["id"], document["slug"]) == (int(stand_in.app_id), "ai-code-review")


def test_the_app_lists_its_installations(stand_in: StandIn, installation_id: int) -> None:
    with client(stand_in, app_jwt(stand_in)) as app:
        assert [one["id"] for one in app.get("/app/installations").json()] == [installation_id]
        assert app.get(f"/app/installations/{installation_id}").json()["account"]["login"] == "acme"
        assert app.get(f"{ROOT}/installation").json()["id"] == installation_id


@pytest.mark.parametrize(
    ("claims", "status", "words"),
    [
        ({"exp": 2_000_000_000}, 401, "too far in the future"),
        ({"exp": 1}, 401, "future time at which the assertion expires"),
        ({"exp": None}, 401, "'exp'"),
        ({"iat": 2_000_000_000}, 401, "'iat'"),
        ({"iat": None}, 401, "'iat'"),
        ({"iss": "987"}, 404, "Integration not found"),
    ],
    ids=["lives too long", "expired", "never expires", "from the future", "has no time", "of another App"],
)
def test_a_jwt_that_github_would_refuse_is_refused(
    stand_in: StandIn, installation_id: int, claims: dict[str, Any], status: int, words: str
) -> None:
    answer = sell(stand_in, installation_id, **claims)
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_a_jwt_of_another_key_is_refused(stand_in: StandIn, installation_id: int) -> None:
    with StandIn() as other:
        answer = sell(stand_in, installation_id, key=other.private_key_pem)
    assert (answer.status_code, answer.json()["message"]) == (401, "A JSON web token could not be decoded")


def test_a_token_for_one_repository_names_it_and_reaches_no_other(
    stand_in: StandIn, installation_id: int, clone: Path
) -> None:
    other = stand_in.add_repository(str(clone), "acme", "other")
    answer = sell(stand_in, installation_id, {"repository_ids": [other["id"]], "permissions": PERMISSIONS})
    document = answer.json()
    assert [one["full_name"] for one in document["repositories"]] == ["acme/other"]
    assert document["permissions"] == PERMISSIONS
    with client(stand_in, document["token"]) as github:
        assert github.get("/repos/acme/other").status_code == 200
        assert github.get(ROOT).status_code == 404
        assert github.post(f"{PULL}/reviews", json={"event": "APPROVE"}).status_code == 404


def test_a_token_can_be_asked_for_by_name(stand_in: StandIn, installation_id: int) -> None:
    document = sell(stand_in, installation_id, {"repositories": ["shop"]}).json()
    assert [one["full_name"] for one in document["repositories"]] == ["acme/shop"]


def test_a_public_repository_can_be_read_but_not_written_from_outside(
    stand_in: StandIn, installation_id: int, clone: Path
) -> None:
    stand_in.add_repository(str(clone), "stranger", "open", private=False, installed=False)
    stand_in.open_pull_request("stranger/open", "main", "feature")
    with client(stand_in, token(stand_in, installation_id)) as github:
        assert github.get("/repos/stranger/open/pulls/1").status_code == 200
        refused = github.post("/repos/stranger/open/pulls/1/reviews", json={"event": "COMMENT", "body": "x"})
    assert (refused.status_code, messages(refused)) == (403, ["Resource not accessible by integration"])


def test_a_repository_of_another_installation_is_refused_as_unknown(
    stand_in: StandIn, installation_id: int, clone: Path
) -> None:
    other = stand_in.add_repository(str(clone), "globex", "shop")
    assert sell(stand_in, installation_id, {"repository_ids": [other["id"]]}).status_code == 422
    assert sell(stand_in, installation_id, {"repository_ids": [1]}).status_code == 422


def test_a_permission_that_the_installation_lacks_is_refused(stand_in: StandIn, installation_id: int) -> None:
    answer = sell(stand_in, installation_id, {"permissions": {"contents": "write"}})
    assert (answer.status_code, messages(answer)) == (
        422,
        ["The permissions requested are not granted to this installation."],
    )


def test_a_token_without_a_permission_gets_403_and_is_told_which(stand_in: StandIn, installation_id: int) -> None:
    with client(stand_in, token(stand_in, installation_id, permissions={"contents": "read"})) as github:
        assert github.get(f"{ROOT}/contents/app.py").status_code == 200
        refused = github.get(PULL)
    assert refused.status_code == 403
    assert refused.headers["X-Accepted-GitHub-Permissions"] == "pull_requests=read"


def test_a_token_lives_for_an_hour_of_githubs_clock(stand_in: StandIn, github: httpx.Client, clock: Clock) -> None:
    clock.advance(minutes=59)
    assert github.get(ROOT).status_code == 200
    clock.advance(minutes=1)
    expired = github.get(ROOT)
    assert (expired.status_code, messages(expired)) == (401, ["Bad credentials"])


def test_a_suspended_installation_sells_no_token_and_honours_none(
    stand_in: StandIn, installation_id: int, github: httpx.Client
) -> None:
    stand_in.change_installation(installation_id, "suspend")
    refused = sell(stand_in, installation_id)
    assert (refused.status_code, messages(refused)) == (403, ["This installation has been suspended"])
    assert github.get(ROOT).status_code == 403
    stand_in.change_installation(installation_id, "unsuspend")
    assert github.get(ROOT).status_code == 200


def test_a_deleted_installation_is_not_found(stand_in: StandIn, installation_id: int, github: httpx.Client) -> None:
    stand_in.change_installation(installation_id, "deleted")
    assert sell(stand_in, installation_id).status_code == 404
    assert github.get(ROOT).status_code == 401


def test_nobody_reads_without_a_credential_or_a_name(stand_in: StandIn, installation_id: int) -> None:
    with httpx.Client(base_url=stand_in.url) as anybody:
        assert anybody.get(ROOT).status_code == 401
        assert anybody.get(ROOT, headers={"Authorization": "Bearer ghs_made_up"}).status_code == 401
        assert anybody.get("/meta").json()["hooks"] == ["127.0.0.0/8"]
        assert anybody.get("/meta", headers={"User-Agent": ""}).status_code == 200
        del anybody.headers["User-Agent"]
        assert anybody.get("/meta").status_code == 403


def test_a_renamed_repository_leads_to_its_new_name(stand_in: StandIn, github: httpx.Client) -> None:
    stand_in.rename_repository("acme/shop", "store")
    moved = github.get(f"{PULL}/files", params={"per_page": "2"})
    assert moved.status_code == 301
    assert moved.headers["Location"].startswith(f"{stand_in.url}/repositories/")
    rows = github.get(moved.headers["Location"]).json()
    assert len(rows) == 2
    assert github.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "x"}).status_code == 307


def test_every_answer_says_what_is_left_of_the_hour(stand_in: StandIn, github: httpx.Client, clock: Clock) -> None:
    stand_in.set_limits(requests_per_hour=2)
    first, second, third = github.get(ROOT), github.get(ROOT), github.get(ROOT)
    assert [answer.headers["X-RateLimit-Remaining"] for answer in (first, second, third)] == ["1", "0", "0"]
    assert first.headers["X-GitHub-Request-Id"] != second.headers["X-GitHub-Request-Id"]
    assert third.status_code == 403
    assert "rate limit" in third.json()["message"]
    assert int(third.headers["X-RateLimit-Reset"]) > clock.now.timestamp()
    clock.advance(minutes=30)
    stand_in.set_limits(requests_per_hour=5_000)
    assert github.get(ROOT).status_code == 200


def test_an_answer_that_has_not_changed_is_not_sent_again(github: httpx.Client) -> None:
    tag = github.get(f"{PULL}/files").headers["ETag"]
    again = github.get(f"{PULL}/files", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("role", "permission"),
    [("maintain", "write"), ("triage", "read"), ("admin", "admin"), ("write", "write"), (None, "none")],
)
def test_what_somebody_may_do_is_folded_into_four_words(
    stand_in: StandIn, github: httpx.Client, role: str | None, permission: str
) -> None:
    if role is not None:
        stand_in.grant("acme/shop", "kim", role)
    stand_in.world.account("kim")
    document = github.get(f"{ROOT}/collaborators/kim/permission").json()
    assert document["permission"] == permission
    assert document["role_name"] == (role or "none")
