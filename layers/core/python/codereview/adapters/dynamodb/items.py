"""Between the control table's attributes and our values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.ports import PullRequestKey, ReviewItem, StoredObject

_SERIALIZER = TypeSerializer()
_DESERIALIZER = TypeDeserializer()


def marshal(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn plain values into DynamoDB's typed ones; None is left out."""
    return {name: _SERIALIZER.serialize(value) for name, value in values.items() if value is not None}


def unmarshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """Turn DynamoDB's typed values into plain ones; numbers come back as Decimal."""
    return {name: _DESERIALIZER.deserialize(value) for name, value in item.items()}


def pull_request_pk(pull_request: PullRequestKey) -> str:
    """Name the item of a pull request."""
    return f"pr#{pull_request.tenant}#{pull_request.repository_id}#{pull_request.number}"


def review_pk(review_id: UUID) -> str:
    """Name the item of a review."""
    return f"review#{review_id}"


def epoch_ms(moment: datetime) -> int:
    """Return a moment as it is stored: milliseconds since 1970, UTC."""
    return int(moment.timestamp() * 1000)


def moment_of(milliseconds: Any) -> datetime:
    """Read a stored moment."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)


def review_attributes(item: ReviewItem, *, now: datetime) -> dict[str, Any]:
    """Spell out a review as attributes of its item, without the key."""
    return {
        "tenant": item.key.tenant,
        "repository_id": item.key.repository_id,
        "number": item.key.number,
        "head_sha": item.key.head_sha,
        "kind": item.key.kind,
        "state": item.state.value,
        "attempts": item.attempts,
        "reason": item.reason,
        "last_error": item.last_error,
        "check_run_id": item.check_run_id,
        "is_check_finished": item.is_check_finished,
        "result_key": item.result.key if item.result else None,
        "result_sha256": item.result.sha256 if item.result else None,
        "posting_since": epoch_ms(item.posting_since) if item.posting_since else None,
        "github_review_id": item.github_review_id,
        "comment_ids": list(item.comment_ids),
        "is_recorded": item.is_recorded,
        "installation_id": item.installation_id,
        "updated_at": epoch_ms(now),
    }


def review_item(attributes: Mapping[str, Any]) -> ReviewItem:
    """Read a review from its item's attributes."""
    values = unmarshal(attributes)

    def number(name: str) -> int | None:
        return int(values[name]) if values.get(name) is not None else None

    has_result = values.get("result_key") is not None
    return ReviewItem(
        key=ReviewKey(
            tenant=TenantId(values["tenant"]),
            repository_id=int(values["repository_id"]),
            number=int(values["number"]),
            head_sha=values["head_sha"],
            kind=values["kind"],
        ),
        state=ReviewState(values["state"]),
        attempts=int(values.get("attempts", 0)),
        reason=values.get("reason"),
        last_error=values.get("last_error"),
        check_run_id=number("check_run_id"),
        is_check_finished=bool(values.get("is_check_finished", False)),
        result=StoredObject(key=values["result_key"], sha256=values["result_sha256"]) if has_result else None,
        posting_since=moment_of(values["posting_since"]) if values.get("posting_since") is not None else None,
        github_review_id=number("github_review_id"),
        comment_ids=tuple(int(comment) for comment in values.get("comment_ids", ())),
        is_recorded=bool(values.get("is_recorded", False)),
        installation_id=int(values.get("installation_id", 0)),
        updated_at=moment_of(values["updated_at"]) if values.get("updated_at") is not None else None,
    )
