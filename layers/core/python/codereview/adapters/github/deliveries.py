"""GitHub's log of the webhooks that it tried to deliver to the App, and its button to try again."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel

from codereview.adapters.github.client import GitHubClient, read_list_of
from codereview.domain.reconciling import Delivery


class DeliveryPayload(BaseModel):
    """A row of `GET /app/hook/deliveries`; `status` says OK or what went wrong."""

    id: int
    guid: str
    delivered_at: datetime
    status: str
    status_code: int = 0


class GitHubDeliveries:
    """The App's delivery log."""

    def __init__(self, client: GitHubClient) -> None:
        """Read with the App's own credentials; an installation's token does not open the log."""
        self._client = client

    def since(self, moment: datetime) -> Iterator[Delivery]:
        """List attempts from the latest back to `moment`, all pages."""
        for page in self._client.pages("app/hook/deliveries", params={"per_page": "100"}):
            for payload in read_list_of(DeliveryPayload, page):
                if payload.delivered_at < moment:
                    return
                yield Delivery(
                    id=payload.id,
                    guid=payload.guid,
                    delivered_at=payload.delivered_at,
                    is_ok=payload.status == "OK",
                    status_code=payload.status_code,
                )

    def redeliver(self, attempt: int) -> None:
        """Ask for one more attempt."""
        self._client.write("POST", f"app/hook/deliveries/{attempt}/attempts")
