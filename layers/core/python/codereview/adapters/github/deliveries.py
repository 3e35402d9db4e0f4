"""GitHub's log of the webhooks that it tried to deliver to the App, and its button to try again."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel

from codereview.adapters.github.client import GitHubClient, read_list_of
from codereview.domain.redelivering import Delivery, DeliveryPage
from codereview.errors import PermanentError

_PATH = "app/hook/deliveries"


class DeliveryPayload(BaseModel):
    """A row of `GET /app/hook/deliveries`; `status` says OK or what went wrong."""

    id: int
    guid: str
    delivered_at: datetime
    status: str
    status_code: int = 0
    redelivery: bool = False


class GitHubDeliveries:
    """The App's delivery log."""

    def __init__(self, client: GitHubClient) -> None:
        """Read with the App's own credentials; an installation's token does not open the log."""
        self._client = client

    def since(self, moment: datetime) -> Iterator[Delivery]:
        """List attempts from the latest back to `moment`, all pages, however many there are."""
        at, seen = None, set[str]()
        while True:
            page = self.page(at)
            for delivery in page.deliveries:
                if delivery.delivered_at < moment:
                    return
                yield delivery
            at = page.next
            if at is None or not page.deliveries:
                return
            if at in seen:
                raise PermanentError(f"GitHub's pages of {_PATH} do not end")
            seen.add(at)

    def page(self, at: str | None) -> DeliveryPage:
        """Read a page; the way to the next one is GitHub's own link."""
        answer = self._client.get(at or _PATH, params=None if at else {"per_page": "100"})
        deliveries = tuple(
            Delivery(
                id=payload.id,
                guid=payload.guid,
                delivered_at=payload.delivered_at,
                is_ok=payload.status == "OK",
                status_code=payload.status_code,
                is_redelivery=payload.redelivery,
            )
            for payload in read_list_of(DeliveryPayload, answer)
        )
        return DeliveryPage(deliveries=deliveries, next=answer.links.get("next", {}).get("url"))

    def redeliver(self, attempt: int) -> None:
        """Ask for one more attempt."""
        self._client.write("POST", f"{_PATH}/{attempt}/attempts")
