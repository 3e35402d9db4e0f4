"""Between the control table's attributes and our values."""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from codereview.domain.envelope_codec import decode, encode
from codereview.domain.record import Votes
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.ports import Past, PullRequestKey, ReviewItem, StoredObject

SHARDS = 4

# Stands behind the tenant of held messages, which so sort right behind the tenant's reviews. An earlier release takes
# it for a part of the tenant's name, under which it finds, sends and drops the entry all the same.
HELD_LANE = "+held"

# Pages show the last 30 days. What has ended is known for longer, or an open pull request would be reviewed again then.
_KEPT = timedelta(days=400)

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


def review_owner(tenant: TenantId) -> str:
    """Name the list of a tenant's reviews."""
    return f"reviews#{tenant}"


def epoch_ms(moment: datetime) -> int:
    """Return a moment as it is stored: milliseconds since 1970, UTC."""
    return int(moment.timestamp() * 1000)


def moment_of(milliseconds: Any) -> datetime:
    """Read a stored moment."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)


def held_pk(held_id: UUID, *, has_begun: bool = False) -> str:
    """Name the item of a message that is held back, by whether its review has begun."""
    return f"held#begun#{held_id}" if has_begun else f"held#{held_id}"


def is_held_pk(pk: str) -> bool:
    """Tell messages that are held back from reviews."""
    return pk.startswith("held#")


def has_begun_pk(pk: str) -> bool:
    """Tell such messages whose reviews have begun from the others."""
    return pk.startswith("held#begun#")


def due_attributes(due_at: datetime | None, *, pk: str, tenant: str) -> dict[str, str]:
    """Spell out the attributes that put an item into the index of waiting work; none without a due time.

    The tenant stands before the time: who reads the index, which holds keys only, sees whose turn it is, and can pass
    over the rest of a tenant that has thousands. Its held messages stand together behind its reviews, for the same;
    only those whose reviews have begun stand among the reviews.
    """
    if due_at is None:
        return {}
    lane = HELD_LANE if is_held_pk(pk) and not has_begun_pk(pk) else ""
    return {"due_shard": shard_of(pk), "due_at": f"{tenant}{lane}#{due_text(due_at)}"}


def read_due(text: str) -> tuple[str, datetime]:
    """Read tenant and time of an entry; earlier releases wrote the time first, and no host has the time's capital T."""
    first, _, second = text.partition("#")
    tenant, moment = (second, first) if "T" in first else (first.removesuffix(HELD_LANE), second)
    return tenant, datetime.fromisoformat(moment)


def due_spellings(due_at: datetime, *, tenant: str) -> tuple[str, str, str]:
    """Return every text by which an entry may stand in the index: as now with its lane, without one, the time first."""
    moment = due_text(due_at)
    return f"{tenant}{HELD_LANE}#{moment}", f"{tenant}#{moment}", f"{moment}#{tenant}"


def shard_of(pk: str) -> str:
    """Spread entries over a fixed number of index partitions, each of which takes about 1,000 writes a second."""
    return f"work#{zlib.crc32(pk.encode()) % SHARDS}"


def due_text(moment: datetime) -> str:
    """Write a moment so that texts sort as moments do: UTC, always milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def due_moment(values: Mapping[str, Any]) -> datetime | None:
    """Read back when an item is due."""
    text = values.get("due_at")
    return read_due(text)[1] if text else None


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
        "refusals": item.refusals or None,
        "is_refused": item.is_refused or None,
        "github_review_id": item.github_review_id,
        "comment_ids": list(item.comment_ids),
        "votes": [f"{each.fingerprint} {each.up} {each.down}" for each in item.votes] or None,
        "is_recorded": item.is_recorded,
        "installation_id": item.installation_id,
        "updated_at": epoch_ms(now),
        "envelope": encode(item.envelope) if item.envelope else None,
        "waiting_since": epoch_ms(item.waiting_since) if item.waiting_since else None,
        "strikes": item.strikes,
        "is_bypassed": item.is_bypassed or None,
        "past": [f"{epoch_ms(each.at)} {each.state} {each.reason or ''}" for each in item.remembering(now=now).past],
        "owner": review_owner(item.key.tenant),
        "sort": due_text(now),
        "expires_at": int((now + _KEPT).timestamp()) if item.due_at is None else None,
        **due_attributes(item.due_at, pk=review_pk(item.key.review_id), tenant=item.key.tenant),
    }


def _past(text: str) -> Past:
    at, state, reason = text.split(" ", 2)
    return Past(at=moment_of(at), state=ReviewState(state), reason=reason or None)


def _votes(text: str) -> Votes:
    fingerprint, up, down = text.rsplit(" ", 2)
    return Votes(fingerprint=fingerprint, up=int(up), down=int(down))


def review_item(attributes: Mapping[str, Any]) -> ReviewItem:
    """Read a review from its item's attributes."""
    values = unmarshal(attributes)

    def number(name: str) -> int | None:
        return int(values[name]) if values.get(name) is not None else None

    def moment(name: str) -> datetime | None:
        return moment_of(values[name]) if values.get(name) is not None else None

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
        posting_since=moment("posting_since"),
        refusals=number("refusals") or 0,
        is_refused=bool(values.get("is_refused", False)),
        github_review_id=number("github_review_id"),
        comment_ids=tuple(int(comment) for comment in values.get("comment_ids", ())),
        votes=tuple(_votes(text) for text in values.get("votes") or ()),
        is_recorded=bool(values.get("is_recorded", False)),
        installation_id=int(values.get("installation_id", 0)),
        updated_at=moment("updated_at"),
        envelope=decode(values["envelope"]) if values.get("envelope") else None,
        due_at=due_moment(values),
        waiting_since=moment("waiting_since"),
        strikes=int(values.get("strikes", 0)),
        is_bypassed=bool(values.get("is_bypassed", False)),
        past=tuple(_past(text) for text in values.get("past", ())),
    )
