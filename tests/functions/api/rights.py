"""Who may do what: written by hand, and read by a person. A new route fails until it stands here.

`scope` is what a key needs; the roles are who of a tenant's people may. An operator may do everything. Nobody of
another tenant ever may do anything. All of /v1 stands here, whichever function serves it.
"""

from typing import NamedTuple

VIEWER, EDITOR, ADMIN = "viewer", "editor", "admin"
ALL = frozenset({VIEWER, EDITOR, ADMIN})
EDITORS = frozenset({EDITOR, ADMIN})
ADMINS = frozenset({ADMIN})
NOBODY = frozenset[str]()


class Right(NamedTuple):
    """What one operation asks for."""

    scope: str | None
    roles: frozenset[str]


ANYBODY = {"status.show", "sign_in.begin", "sign_in.complete"}
SIGNED_IN = {"me.show", "tenants.list"}
PEOPLE = {"session.end"}
OPERATORS = {
    "tenants.bind",
    "deployment_flags.show",
    "deployment_flags.change",
    "deployment_limits.show",
    "deployment_limits.change",
    "queues.list",
    "dead_letters.list",
    "redrive.list",
    "redrive.start",
    "redrive.cancel",
    "notices.list",
    "notices.create",
    "notices.show",
    "notices.change",
    "notices.remove",
}
IN_TENANT = {
    "tenants.show": Right("tenants:read", ALL),
    "tenants.renew": Right(None, NOBODY),
    "tenants.block": Right(None, NOBODY),
    "tenants.unblock": Right(None, NOBODY),
    "keys.list": Right("keys:read", ALL),
    "keys.show": Right("keys:read", ALL),
    "keys.create": Right("keys:write", ADMINS),
    "keys.revoke": Right("keys:write", ADMINS),
    "keys.rotate": Right("keys:write", ADMINS),
    "people.list": Right("people:read", ALL),
    "people.show": Right("people:read", ALL),
    "people.set_role": Right("people:write", ADMINS),
    "people.remove": Right("people:write", ADMINS),
    "flags.show": Right("flags:read", ALL),
    "flags.change": Right("flags:write", EDITORS),
    "limits.show": Right("limits:read", ALL),
    "limits.change": Right(None, NOBODY),
    "pauses.list": Right("reviews:read", ALL),
    "pauses.pause": Right("reviews:write", EDITORS),
    "pauses.resume": Right("reviews:write", EDITORS),
    "reviews.list": Right("reviews:read", ALL),
    "reviews.show": Right("reviews:read", ALL),
    "reviews.run": Right("reviews:write", EDITORS),
    "reviews.cancel": Right("reviews:write", EDITORS),
    "reviews.rerun": Right("reviews:write", EDITORS),
    "reviews.rerun_bypassed": Right("reviews:write", EDITORS),
    "exports.list": Right("findings:read", ALL),
    "exports.start": Right("findings:read", ALL),
    "exports.show": Right("findings:read", ALL),
    "queues.show_waiting": Right("queues:read", ALL),
    "notices.show_current": Right("notices:read", ALL),
    # Of the reports function.
    "record.findings": Right("findings:read", ALL),
    "record.life": Right("findings:read", ALL),
    "record.reviews": Right("reviews:read", ALL),
    "record.audit": Right("audit:read", ALL),
    "record.usage": Right("reviews:read", ALL),
    "record.precision": Right("findings:read", ALL),
}
