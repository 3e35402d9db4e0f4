"""Requests to the control plane, from API Gateway's event to its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from codereview.domain.control.audit import Request
from codereview.domain.control.callers import Caller, KeyCaller
from codereview.domain.metrics import Metric, embedded
from codereview.domain.raising import raised_at
from codereview.entrypoints.api.doors import Doors, actor_of, limit_headers
from codereview.entrypoints.api.fields import Page
from codereview.entrypoints.api.once import DerivedIds, Named, Once, named
from codereview.entrypoints.api.problems import PROBLEM_TYPE, Problem, broken, not_found, problem_of
from codereview.entrypoints.api.requests import Incoming, incoming
from codereview.entrypoints.api.responses import Response, response
from codereview.entrypoints.api.routing import Answer, Call, Found, PageWanted, Route, Who, find
from codereview.entrypoints.api.services import Edge, Services
from codereview.entrypoints.api.status_page import PAGE_HEADERS, prefers_html
from codereview.errors import CodeReviewError, ForbiddenError, RetryableError
from codereview.ports import Ids

_UNKNOWN_REQUEST = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiApp[S: Edge = Services]:
    """Everything that the api function holds between two requests; nothing in it is a request's."""

    services: S
    doors: Doors
    once: Once
    ids: Ids
    routes: Sequence[Route]
    logger: Logger

    def handle(self, event: Mapping[str, Any]) -> Response:
        """Answer one event; whatever happens, the caller hears what it may know, and the log the rest."""
        request, operation = None, None
        try:
            request = incoming(event)
            found = self._find(request)
            operation = found.route.operation
            answer = self._serve(request, found)
        except Problem as problem:
            answer = _problem(problem, request)
        except Exception as error:
            # The last line of defence: no text of the error reaches the caller.
            self.logger.exception(
                "Unforeseen",
                operation=operation,
                request_id=request.id if request else None,
                raised_at=raised_at(error),
            )
            answer = _problem(broken(), request)
        self.logger.info(
            "Request",
            operation=operation,
            method=request.method if request and operation else None,
            status=answer["statusCode"],
            request_id=request.id if request else None,
            **self._failed(answer),
        )
        return answer

    def _failed(self, answer: Response) -> dict[str, Any]:
        """Count an answer that says that we failed: to Lambda it is an answer like any other."""
        has_failed = answer["statusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR
        return embedded({Metric.ANSWERS_FAILED: 1} if has_failed else {}, at=self.services.clock.now())

    def _find(self, request: Incoming) -> Found:
        found = find(self.routes, request.method, request.path)
        if isinstance(found, Found):
            return found
        if not found:
            raise not_found()
        raise Problem(
            status=HTTPStatus.METHOD_NOT_ALLOWED,
            code="method-not-allowed",
            detail="this method is not served here",
            headers={"allow": ", ".join(found)},
        )

    def _serve(self, request: Incoming, found: Found) -> Response:
        now = self.services.clock.now()
        headers, caller = dict[str, str](), None
        try:
            caller = self.doors.caller(found.route, request, now)
            if caller is not None:
                headers = self._counted(request, found.route, caller, now)
            elif found.route.is_change:
                self.doors.limit_sign_in(request, now)
            answer = self._answer(request, found, caller, now)
        except Problem as problem:
            problem.headers = headers | dict(problem.headers)
            if problem.status is HTTPStatus.TOO_MANY_REQUESTS:
                self._refused(request, caller, now)
            raise
        except CodeReviewError as error:
            said = self._said(error, request, found.route)
            said.headers = headers | dict(said.headers)
            raise said from error
        # A repeated request hears the old answer under its own id.
        return answer | {"headers": answer["headers"] | headers | {"x-request-id": request.id}}

    def _counted(self, request: Incoming, route: Route, caller: Caller, now: datetime) -> dict[str, str]:
        """Take the request from the caller's buckets, and note that its key was used.

        Where the table cannot be written, changes have to wait, and people can still look.
        """
        headers = dict[str, str]()
        try:
            headers = limit_headers(self.doors.limit(caller, now))
            self.doors.touch(caller, now)
        except RetryableError as error:
            if route.is_change:
                raise
            self.logger.warning("Not counted", operation=route.operation, reason=str(error), request_id=request.id)
        return headers

    def _refused(self, request: Incoming, caller: Caller | None, now: datetime) -> None:
        """Count a refusal for one of our limits; whose it was stands beside it."""
        self.logger.info(
            "Limited",
            request_id=request.id,
            actor=actor_of(caller, request.address).id,
            tenant=str(caller.key.tenant) if isinstance(caller, KeyCaller) else None,
            **embedded({Metric.LIMIT_REFUSALS: 1}, at=now),
        )

    def _said(self, error: CodeReviewError, request: Incoming, route: Route) -> Problem:
        has_version = route.is_conditional and "if-match" in request.headers
        said = problem_of(error, has_version=has_version)
        if said.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.logger.warning("Not answered", operation=route.operation, reason=str(error), request_id=request.id)
        return said

    def _answer(self, request: Incoming, found: Found, caller: Caller | None, now: datetime) -> Response:
        """Let the caller in, read what is asked, and do it: once, if it has a name."""
        route, actor = found.route, actor_of(caller, request.address)
        asked = Request(actor=actor, id=request.id, at=now)
        bound, scopes = self.doors.admit(route, found.path, caller, asked)
        name = self._name(request, route, actor.id) if caller is not None else None
        page = request.parameters(route.query)
        call = Call(
            request=replace(asked, id=name.request_id) if name else asked,
            caller=caller,
            bound=bound,
            scopes=scopes,
            path=found.path,
            query=page,
            body=request.body(route.body),
            version=_version(request, route),
            page=PageWanted(limit=0, after=None),
            ids=DerivedIds(name.request_id) if name else self.ids,
        )
        if isinstance(page, Page):
            bounds = _bounds(call, route)
            after = self.services.cursors.read(page.cursor, bound=bounds) if page.cursor else None
            call = replace(call, page=PageWanted(limit=page.limit, after=after))
        if name is None:
            return self._run(route, call, request)
        return self.once(name, lambda: self._run(route, call, request), now=now)

    def _name(self, request: Incoming, route: Route, caller: str) -> Named | None:
        key = request.idempotency_key
        if key is None or route.method != "POST":
            return None
        return named(caller, key, request.path, request.query, request.headers.get("if-match", ""), request.raw_body())

    def _run(self, route: Route, call: Call, request: Incoming) -> Response:
        try:
            answer = route.run(self.services, call)
        except ForbiddenError:
            self.doors.audit_refusal(route, call.path, call.caller, call.bound, call.request)
            raise
        return self._written(route, call, answer, request)

    def _written(self, route: Route, call: Call, answer: Answer, request: Incoming) -> Response:
        content = answer.content
        if content is not None and route.has_pages and (following := getattr(content, "next", None)) is not None:
            cursor = self.services.cursors.write(following, bound=_bounds(call, route))
            content = content.model_copy(update={"next": cursor})
        headers = {"location": answer.location} if answer.location else {}
        if answer.version is not None:
            headers["etag"] = f'"{answer.version}"'
        if route.page is not None:
            headers["vary"] = "accept"
            if prefers_html(request.headers.get("accept")):
                html = "text/html; charset=utf-8"
                headers |= PAGE_HEADERS
                return response(route.status, route.page(content), kind=html, request_id=request.id, headers=headers)
        body = content.model_dump_json() if content is not None else None
        return response(route.status, body, kind="application/json", request_id=request.id, headers=headers)


def _version(request: Incoming, route: Route) -> int | None:
    version = request.version if route.is_conditional else None
    if version is None and route.needs_version:
        raise Problem(
            status=HTTPStatus.PRECONDITION_REQUIRED,
            code="version-required",
            detail="If-Match must name the version that the change is made over, by its ETag",
        )
    return version


def _bounds(call: Call, route: Route) -> str:
    """Name the list that a cursor belongs to: its route, its tenant, its filters, and whose it is if it is nobody's."""
    filters = call.query.model_dump_json(exclude={"limit", "cursor"})
    whose = call.request.actor.id if route.access is Who.SIGNED_IN else ""
    return "\n".join((route.operation, call.bound.id if call.bound else "", whose, filters))


def _problem(problem: Problem, request: Incoming | None) -> Response:
    request_id = request.id if request else _UNKNOWN_REQUEST
    return response(
        problem.status.value,
        problem.shown(request_id),
        kind=PROBLEM_TYPE,
        request_id=request_id,
        headers=problem.headers,
    )
