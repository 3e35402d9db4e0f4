"""Who installed the App, by GitHub's lists and answers."""

from datetime import datetime

import httpx

from codereview.adapters.github.installations import GitHubInstallations
from codereview.adapters.github.open_heads import GitHubOpenHeads
from codereview.domain.sweeping import Installed
from tests.adapters.github.world import NOW, World

CREATED = "2026-03-01T08:00:00Z"


def row(number: int, account: dict[str, object] | None, suspended_at: str | None = None) -> dict[str, object]:
    return {"id": number, "account": account, "created_at": CREATED, "suspended_at": suspended_at}


def test_installations_are_listed_with_their_accounts_of_whatever_kind() -> None:
    rows = [
        row(5, {"id": 1, "login": "acme", "type": "Organization"}),
        row(6, {"id": 2, "login": "beta"}, suspended_at=CREATED),
        row(7, {"id": 3, "slug": "an-enterprise"}),
        row(8, None),
    ]
    world = World().on("GET /app/installations", httpx.Response(200, json=rows))
    found, is_last = GitHubOpenHeads(world.app()).installations(1)
    created = datetime.fromisoformat(CREATED)
    assert is_last
    assert [(each.id, each.account_id, each.login, each.is_suspended) for each in found] == [
        (5, 1, "acme", False),
        (6, 2, "beta", True),
        (7, 3, None, False),
        (8, None, None, False),
    ]
    assert found[0] == Installed(id=5, account_id=1, login="acme", created_at=created, is_suspended=False)


def test_an_installation_is_proven_by_github_and_one_that_was_deleted_is_none() -> None:
    suspended = row(5, {"id": 1, "login": "acme"}, suspended_at=CREATED)
    world = World().on("GET /app/installations/5", httpx.Response(200, json=suspended), httpx.Response(404, json={}))
    installations = GitHubInstallations(world.app().client, host="github.com", clock=world.clock)
    proof = installations.prove(5)
    assert proof is not None
    assert (proof.account_id, proof.login, proof.is_suspended, proof.seen_at) == (1, "acme", True, NOW)
    assert installations.prove(5) is None
