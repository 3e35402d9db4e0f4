"""Roles of people on the control table, with a count of each tenant's admins that never falls to none.

Each membership is two items: the role in the tenant's list, and a pointer in the person's. The count is a third, which
every gain and loss of an admin changes in the same transaction: of two admins who leave at once, one cannot.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from codereview.adapters.dynamodb.control.documents import Documents, Place, Stored, page_of_keys
from codereview.adapters.dynamodb.control.transactions import Part
from codereview.adapters.dynamodb.items import marshal
from codereview.control_ports import Page
from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.people import Membership, PersonId, Role
from codereview.domain.review import TenantId
from codereview.errors import ConflictError, StaleVersionError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_POINTER = "place#"


class DynamoPeople:
    """The `person#`, `place#` and `admins#` items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Work on `table`."""
        self._client = client
        self._table = table
        self._documents = Documents(client, table, Membership)

    def load(self, tenant: TenantId, person: PersonId) -> Membership | None:
        """Read a person's role in a tenant."""
        stored = self._documents.load(_pk(tenant, person))
        return _membership(stored) if stored else None

    def page(self, tenant: TenantId, *, limit: int, after: str | None = None) -> Page[Membership]:
        """List a tenant's people."""
        found, following = self._documents.page(f"people#{tenant}", limit=limit, after=after)
        return Page(items=tuple(_membership(stored) for stored in found), next=following)

    def tenants_of(self, person: PersonId, *, limit: int, after: str | None = None) -> Page[Membership]:
        """List a person's roles by following the pointers."""
        pointers, following = page_of_keys(self._client, self._table, f"places#{person}", limit=limit, after=after)
        pks = [pointer.removeprefix(_POINTER) for pointer in pointers]
        found = self._documents.load_all(pks)
        return Page(items=tuple(_membership(found[pk]) for pk in pks if pk in found), next=following)

    def save(self, membership: Membership, *, audit: AuditEntry) -> Membership:
        """Write the role, the pointer, and the count where it changes."""
        pk = _pk(membership.tenant, membership.person)
        before = self._current(pk, membership.version)
        place = Place(pk=pk, owner=f"people#{membership.tenant}", sort=f"{membership.person.user_id:020}")
        pointer = {"pk": _POINTER + pk, "owner": f"places#{membership.person}", "sort": membership.tenant}
        put = {"Put": {"TableName": self._table, "Item": marshal(pointer)}}
        others: list[Part] = [(put, _stale()), *self._count(before, membership)]
        version = self._documents.save(place, membership, version=membership.version, audit=audit, others=others)
        return replace(membership, version=version)

    def remove(self, membership: Membership, *, audit: AuditEntry) -> None:
        """Delete the role and the pointer, and count."""
        pk = _pk(membership.tenant, membership.person)
        before = self._current(pk, membership.version)
        delete = {"Delete": {"TableName": self._table, "Key": marshal({"pk": _POINTER + pk})}}
        others: list[Part] = [(delete, _stale()), *self._count(before, None)]
        self._documents.remove(pk, version=membership.version, audit=audit, others=others)

    def _current(self, pk: str, version: int) -> Membership | None:
        """Read what is about to be replaced; what the count changes by depends on it."""
        stored = self._documents.load(pk)
        if (stored.version if stored else 0) != version:
            raise _stale()
        return stored.value if stored else None

    def _count(self, before: Membership | None, after: Membership | None) -> Sequence[Part]:
        """Spell out the change of the count; what an older generation of the tenant had is counted no more."""
        parts = list[Part]()
        was, becomes = _counts(before), _counts(after)
        is_carried_over = before is not None and after is not None and before.generation != after.generation
        if was is not None and was != becomes and not is_carried_over:
            parts.append((self._counted(was, -1), ConflictError("a tenant keeps at least one admin")))
        if becomes is not None and was != becomes:
            parts.append((self._counted(becomes, 1), _stale()))
        return parts

    def _counted(self, pk: str, change: int) -> dict[str, Any]:
        loses = {"ConditionExpression": "admins > :one"} if change < 0 else {}
        values = {":change": change} | ({":one": 1} if loses else {})
        return {
            "Update": {
                "TableName": self._table,
                "Key": marshal({"pk": pk}),
                "UpdateExpression": "ADD admins :change",
                "ExpressionAttributeValues": marshal(values),
                **loses,
            }
        }


def _counts(membership: Membership | None) -> str | None:
    """Name the count that the membership is part of, if it is an admin's."""
    if membership is None or membership.role is not Role.ADMIN:
        return None
    return f"admins#{membership.tenant}#{membership.generation}"


def _pk(tenant: TenantId, person: PersonId) -> str:
    return f"person#{tenant}#{person}"


def _membership(stored: Stored[Membership]) -> Membership:
    return replace(stored.value, version=stored.version)


def _stale() -> StaleVersionError:
    return StaleVersionError("it was changed since it was read")
