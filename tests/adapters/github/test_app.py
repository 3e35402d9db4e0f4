"""The App's tokens: what they reach, how they are proved, when they are renewed."""

from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from codereview.adapters.github.tokens import AppCredentials, app_jwt, private_key_text
from codereview.errors import ConfigurationError, ForbiddenError, NotFoundError
from codereview.github_ports import Quota
from tests.adapters.github.world import KEY, NOW, PEM, World

TOKENS = "POST /app/installations/5/access_tokens"
PULL = "GET /repos/o/r/pulls/3"
HEAD = "a" * 40
PULL_DOCUMENT = {
    "number": 3,
    "state": "open",
    "head": {"sha": HEAD, "ref": "topic", "repo": None},
    "base": {"sha": "b" * 40, "ref": "main"},
    "changed_files": 1,
    "user": None,
    "title": "T",
    "body": None,
}


def test_the_jwt_is_short_lived_and_survives_a_clock_that_is_a_minute_off() -> None:
    token = app_jwt(AppCredentials(app_id="12345", private_key=PEM), now=NOW)
    claims = jwt.decode(
        token, KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert claims == {
        "iss": "12345",
        "iat": int((NOW - timedelta(minutes=1)).timestamp()),
        "exp": int((NOW + timedelta(minutes=9)).timestamp()),
    }


@pytest.mark.parametrize("pasted", [PEM, PEM.replace("\n", "\r\n"), PEM.strip().replace("\n", "\\n"), f"  {PEM}  "])
def test_b100_a_key_is_read_however_it_was_pasted(pasted: str) -> None:
    assert private_key_text(pasted) == PEM.strip()


@pytest.mark.parametrize(
    "broken", ["", "not a key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"]
)
def test_b100_a_key_that_is_none_is_a_configuration_error_that_does_not_show_it(broken: str) -> None:
    with pytest.raises(ConfigurationError, match="private key is not a PEM") as raised:
        app_jwt(AppCredentials(app_id="1", private_key=broken), now=NOW)
    assert "AAAA" not in str(raised.value)


def test_a_token_is_asked_for_one_repository_and_no_more_rights_than_needed() -> None:
    world = World()
    identity = world.app().repository(5, 2).identity
    (request,) = world.asked(TOKENS)
    assert request.content == (
        b'{"repository_ids":[2],"permissions":{"metadata":"read","contents":"read",'
        b'"pull_requests":"write","checks":"write"}}'
    )
    assert (identity.owner_id, identity.owner, identity.name) == (1, "o", "r")


def test_a_token_is_kept_until_it_grows_old() -> None:
    world = World()
    app = world.app()
    app.repository(5, 2)
    app.repository(5, 2)
    assert world.tokens == 1
    world.clock.time += timedelta(minutes=51)
    app.repository(5, 2)
    assert world.tokens == 2


def test_b30_a_repository_outside_the_installation_is_not_found() -> None:
    world = World().on(TOKENS, httpx.Response(422, json={"message": "There is at least one repository that…"}))
    with pytest.raises(NotFoundError):
        world.app().repository(5, 2)


def test_b30_an_answer_that_does_not_name_the_repository_proves_nothing() -> None:
    expires = (NOW + timedelta(hours=1)).isoformat()
    world = World().on(TOKENS, httpx.Response(201, json={"token": "t", "expires_at": expires, "repositories": []}))
    with pytest.raises(NotFoundError):
        world.app().repository(5, 2)


def test_f50_a_suspended_installation_is_forbidden() -> None:
    world = World().on(TOKENS, httpx.Response(403, json={"message": "This installation has been suspended"}))
    with pytest.raises(ForbiddenError):
        world.app().repository(5, 2)


def test_f49_a_refused_token_is_renewed_once() -> None:
    world = World().on(PULL, httpx.Response(401), httpx.Response(200, json=PULL_DOCUMENT))
    assert world.app().repository(5, 2).pull_request(3).head_sha == "a" * 40
    assert [request.headers["authorization"] for request in world.asked(PULL)] == ["Bearer token-1", "Bearer token-2"]


def test_f50_a_token_that_github_took_back_is_forgotten_and_the_next_to_open_the_repository_hears_why() -> None:
    world = World()
    app = world.app()
    repository = app.repository(5, 2)
    world.on(PULL, httpx.Response(401, json={"message": "Bad credentials"}))
    world.on(TOKENS, httpx.Response(403, json={"message": "This installation has been suspended"}))
    for attempt in (lambda: repository.pull_request(3), lambda: app.repository(5, 2)):
        with pytest.raises(ForbiddenError, match="suspended"):
            attempt()


def test_however_many_repositories_a_function_meets_it_keeps_so_many_tokens_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codereview.adapters.github.app._MOST_TOKENS", 5)
    app = World().app()
    kept = 0
    for installation_id in range(1, 13):
        app.repository(installation_id, 2)
        kept = max(kept, len(app._tokens))
    assert kept == 5


def test_f49_a_token_that_is_refused_twice_is_given_up() -> None:
    world = World().on(PULL, httpx.Response(401, json={"message": "Bad credentials"}))
    with pytest.raises(ForbiddenError):
        world.app().repository(5, 2).pull_request(3)
    assert len(world.asked(PULL)) == 2


def test_credentials_and_tokens_do_not_show_themselves() -> None:
    assert PEM[40:60] not in repr(AppCredentials(app_id="1", private_key=PEM))


def said(left: str, *, resource: str = "core", reset: str = "1773578000") -> httpx.Response:
    """Answer with a pull request, and with how the installation stands."""
    names = {"limit": "5000", "remaining": left, "reset": reset, "resource": resource}
    headers = {f"x-ratelimit-{name}": value for name, value in names.items()}
    return httpx.Response(200, json=PULL_DOCUMENT, headers=headers)


def test_how_an_installation_stands_is_known_to_all_its_repositories_and_to_no_other_installation() -> None:
    app = World().on(PULL, said("499")).app()
    assert app.repository(5, 2).quota() is None
    app.repository(5, 2).pull_request(3)
    assert app.repository(5, 2).quota() == Quota(
        limit=5_000, remaining=499, reset_at=datetime.fromtimestamp(1773578000, UTC)
    )
    assert app.repository(6, 2).quota() is None


@pytest.mark.parametrize(
    "other",
    [
        said("1", resource="graphql"),
        said("-1"),
        said("1", reset="soon"),
        said("1", reset="9" * 12),
        httpx.Response(200, json=PULL_DOCUMENT),
    ],
)
def test_what_an_answer_does_not_say_of_the_quota_changes_nothing(other: httpx.Response) -> None:
    app = World().on(PULL, said("4000"), other).app()
    for _ in range(2):
        app.repository(5, 2).pull_request(3)
    quota = app.repository(5, 2).quota()
    assert quota is not None
    assert quota.remaining == 4_000


def test_a_tenth_is_kept_for_what_has_begun() -> None:
    assert [Quota(limit=12_500, remaining=left, reset_at=NOW).is_scarce for left in (1_250, 1_249, 0)] == [
        False,
        True,
        True,
    ]
