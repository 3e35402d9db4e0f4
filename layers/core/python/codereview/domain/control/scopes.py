"""What a key or a person may do, as a closed set of words; there is no word for everything."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum

from codereview.errors import ForbiddenError


class Scope(StrEnum):
    """One permission inside one tenant."""

    REVIEWS_READ = "reviews:read"
    REVIEWS_WRITE = "reviews:write"  # run, cancel, rerun, pause, resume
    FINDINGS_READ = "findings:read"
    FLAGS_READ = "flags:read"
    FLAGS_WRITE = "flags:write"
    LIMITS_READ = "limits:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    QUEUES_READ = "queues:read"
    NOTICES_READ = "notices:read"
    AUDIT_READ = "audit:read"
    TENANTS_READ = "tenants:read"
    # The deployment's own: never part of a tenant's role, and no key of a tenant can be given them.
    TENANTS_WRITE = "tenants:write"
    LIMITS_WRITE = "limits:write"  # whoever runs the deployment pays its bill
    QUEUES_WRITE = "queues:write"
    NOTICES_WRITE = "notices:write"

    @property
    def is_operator_only(self) -> bool:
        """Whether it reaches past one tenant."""
        return self in _OPERATOR_ONLY


_OPERATOR_ONLY = frozenset({Scope.TENANTS_WRITE, Scope.LIMITS_WRITE, Scope.QUEUES_WRITE, Scope.NOTICES_WRITE})

READING = frozenset(scope for scope in Scope if scope.value.endswith(":read"))
EDITING = READING | {Scope.REVIEWS_WRITE, Scope.FLAGS_WRITE}
ADMINISTRATING = frozenset(Scope) - _OPERATOR_ONLY
OPERATING = frozenset(Scope)


def parse_scopes(words: Iterable[str]) -> frozenset[Scope] | None:
    """Read scopes by their exact words; None if one is unknown or there are none."""
    try:
        return frozenset(Scope(word) for word in words) or None
    except ValueError:
        return None


def require_subset(asked: AbstractSet[Scope], held: AbstractSet[Scope]) -> None:
    """Raise ForbiddenError if somebody would hand on more than they hold."""
    if not asked <= held:
        raise ForbiddenError("nobody can grant a permission that they do not have")
