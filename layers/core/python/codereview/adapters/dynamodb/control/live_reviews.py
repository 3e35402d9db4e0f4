"""The states of a tenant's reviews, for live pages."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from codereview.adapters.dynamodb.control.documents import batch_get, page_of_keys
from codereview.adapters.dynamodb.items import due_text, review_item, review_owner, review_pk
from codereview.control_ports import Page
from codereview.domain.review import ReviewState, TenantId
from codereview.ports import ReviewItem

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoLiveReviews:
    """The `review#` items by tenant."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table

    def load(self, tenant: TenantId, review_id: UUID) -> ReviewItem | None:
        """Read one of the tenant's own."""
        pk = review_pk(review_id)
        found = batch_get(self._client, self._table, [pk])
        item = review_item(found[pk]) if pk in found else None
        return item if item is not None and item.key.tenant == tenant else None

    def page(
        self,
        tenant: TenantId,
        *,
        since: datetime,
        limit: int,
        after: str | None = None,
        states: frozenset[ReviewState] = frozenset(),
    ) -> Page[ReviewItem]:
        """Read a page of the list, the latest changed first, and leave out the states that were not asked for."""
        pks, following = page_of_keys(
            self._client,
            self._table,
            review_owner(tenant),
            limit=limit,
            after=after,
            newest_first=True,
            since=due_text(since),
        )
        found = batch_get(self._client, self._table, pks)
        items = (review_item(found[pk]) for pk in pks if pk in found)
        return Page(items=tuple(item for item in items if not states or item.state in states), next=following)
