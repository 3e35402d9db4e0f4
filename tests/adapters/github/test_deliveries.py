"""GitHub's log of deliveries, a page and a request at a time, however long it is."""

from datetime import timedelta

import httpx
import pytest

from codereview.adapters.github import client
from codereview.adapters.github.deliveries import GitHubDeliveries
from codereview.errors import ForbiddenError, PermanentError
from tests.adapters.github.world import API, NOW, World

LOG = "GET /app/hook/deliveries"


def row(number: int, *, status: str = "OK", is_redelivery: bool = False) -> dict[str, object]:
    return {
        "id": number,
        "guid": f"g{number}",
        "delivered_at": (NOW - timedelta(seconds=number)).isoformat(),
        "status": status,
        "status_code": 200 if status == "OK" else 502,
        "redelivery": is_redelivery,
    }


def page(number: int, following: str | None) -> httpx.Response:
    headers = {"link": f'<{following}>; rel="next"'} if following else {}
    return httpx.Response(200, json=[row(number)], headers=headers)


def log(world: World) -> GitHubDeliveries:
    return GitHubDeliveries(world.app().client)


def test_a_page_says_what_each_attempt_was_and_where_the_next_one_is() -> None:
    rows = [row(1, status="Service Unavailable", is_redelivery=True), row(2)]
    following = f"{API}/app/hook/deliveries?per_page=100&cursor=v1_2"
    answer = httpx.Response(200, json=rows, headers={"link": f'<{following}>; rel="next"'})
    world = World().on(LOG, answer, httpx.Response(200, json=[]))
    first = log(world).page(None)
    assert [(each.is_ok, each.is_redelivery, each.status_code) for each in first.deliveries] == [
        (False, True, 502),
        (True, False, 200),
    ]
    assert log(world).page(first.next).next is None
    assert [str(request.url.query, "ascii") for request in world.asked(LOG)] == [
        "per_page=100",
        "per_page=100&cursor=v1_2",
    ]


def test_the_log_may_have_more_pages_than_any_other_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MAX_PAGES", 3)
    pages = 10

    def following(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("cursor", "0")) + 1
        return page(number, f"{API}/app/hook/deliveries?cursor={number}" if number < pages else None)

    world = World().on(LOG, following)
    assert len(list(log(world).since(NOW - timedelta(days=3)))) == pages
    assert len(list(log(world).since(NOW - timedelta(seconds=5)))) == 5


def test_b97_a_log_whose_pages_go_in_a_loop_ends() -> None:
    world = World().on(LOG, page(1, f"{API}/app/hook/deliveries?cursor=1"))
    with pytest.raises(PermanentError, match="do not end"):
        list(log(world).since(NOW - timedelta(days=3)))
    assert len(world.asked(LOG)) == 2


def test_b97_a_page_of_the_log_that_is_on_another_host_is_not_asked_for() -> None:
    world = World().on(LOG, page(1, "https://evil.test/app/hook/deliveries?cursor=1"))
    with pytest.raises(ForbiddenError):
        log(world).page(log(world).page(None).next)
    assert all(request.url.host == "api.github.test" for request in world.requests)
