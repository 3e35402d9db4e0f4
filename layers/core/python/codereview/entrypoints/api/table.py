"""All routes: the one source of routing, rights, OpenAPI and the matrix of rights in the tests."""

from codereview.entrypoints.api.routes import (
    exports,
    flags,
    keys,
    limits,
    notices,
    pauses,
    people,
    queues,
    reviews,
    sign_in,
    status,
    tenants,
)

ROUTES = (
    *status.ROUTES,
    *sign_in.ROUTES,
    *tenants.ROUTES,
    *keys.ROUTES,
    *people.ROUTES,
    *flags.ROUTES,
    *limits.ROUTES,
    *pauses.ROUTES,
    *reviews.ROUTES,
    *exports.ROUTES,
    *queues.ROUTES,
    *notices.ROUTES,
)
