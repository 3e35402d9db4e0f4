"""The App's delivery log and its redeliveries, as our own adapter reads and asks for them."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from codereview.adapters.github.app import app_client
from codereview.adapters.github.deliveries import GitHubDeliveries
from codereview.adapters.github.tokens import AppCredentials
from codereview.adapters.http import outbound_client
from codereview.domain.redelivering import DELIVERIES_KEPT, MOST_MISSING, Backlog, Delivery
from codereview.errors import NotFoundError
from local.github import StandIn
from tests.infra.github_stand_in.test_stand_in_and_adapter import Time
from tests.infra.github_stand_in.test_stand_in_webhooks import Receiver, receiver
from tests.infra.github_stand_in.world import Clock, app_jwt, client

__all__ = ["receiver"]  # the fixture


@pytest.fixture
def log(stand_in: StandIn, clock: Clock) -> Iterator[GitHubDeliveries]:
    with outbound_client(transport=httpx.HTTPTransport()) as http:
        credentials = AppCredentials(app_id=stand_in.app_id, private_key=stand_in.private_key_pem)
        app = app_client(
            http, api_url=stand_in.url, credentials=lambda: credentials, clock=Time(clock), jitter=lambda: 0.0
        )
        yield GitHubDeliveries(app)
        assert stand_in.violations == []


def seen(log: GitHubDeliveries, clock: Clock) -> list[Delivery]:
    return list(log.since(clock.now - DELIVERIES_KEPT))


def due(log: GitHubDeliveries, clock: Clock) -> list[int]:
    backlog = Backlog()
    assert backlog.take(seen(log, clock), now=clock.now, most=MOST_MISSING)
    return [each.attempt for each in backlog.due(clock.now)]


def until(is_true: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come true")


@pytest.mark.usefixtures("installation_id")
def test_f3_a_refused_webhook_is_delivered_again_under_the_same_guid(
    stand_in: StandIn, receiver: Receiver, log: GitHubDeliveries, clock: Clock
) -> None:
    receiver.status = 503
    stand_in.open_pull_request("acme/shop", "main", "later")
    (failed,) = [delivery for delivery in seen(log, clock) if delivery.status_code == 503]
    assert not failed.is_ok
    assert failed.id in due(log, clock)
    receiver.status = 202
    log.redeliver(failed.id)
    until(lambda: len([delivery for delivery in seen(log, clock) if delivery.guid == failed.guid]) == 2)
    latest = seen(log, clock)[0]
    assert (latest.guid, latest.is_ok, latest.status_code) == (failed.guid, True, 202)
    assert receiver.received[0][1] == receiver.received[1][1]
    assert latest.is_redelivery
    assert failed.id not in due(log, clock)


@pytest.mark.usefixtures("installation_id", "receiver")
def test_the_log_goes_over_many_pages_and_back_no_further_than_asked(
    stand_in: StandIn, log: GitHubDeliveries, clock: Clock
) -> None:
    first = stand_in.deliveries[0]
    for number in range(230):
        stand_in.world.deliveries.append(first | {"id": 2_000_000 + number})
    found = seen(log, clock)
    assert [delivery.id for delivery in found] == sorted((delivery.id for delivery in found), reverse=True)
    assert len(found) == len(stand_in.deliveries)
    clock.advance(hours=1)
    assert list(log.since(clock.now - timedelta(minutes=30))) == []


@pytest.mark.usefixtures("installation_id")
def test_after_three_days_a_delivery_is_gone(stand_in: StandIn, log: GitHubDeliveries, clock: Clock) -> None:
    number = stand_in.deliveries[0]["id"]
    clock.advance(days=3, seconds=1)
    assert seen(log, clock) == []
    with pytest.raises(NotFoundError):
        log.redeliver(number)


def test_a_cursor_that_is_none_is_refused(stand_in: StandIn) -> None:
    with client(stand_in, app_jwt(stand_in)) as app:
        assert app.get("/app/hook/deliveries", params={"cursor": "x"}).status_code == 422
