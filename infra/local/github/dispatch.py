"""One request in, one answer out: the whole of GitHub without a socket."""

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from local.github import apps, checks, comments, contents, deliveries, gate, graphql_api, pulls, repositories, reviews
from local.github.faults import Fault
from local.github.routing import ROUTES, Answer, Call, Refusal, Request, Route, find
from local.github.state import Json, World

# Importing them registers their operations.
_MODULES = (apps, checks, comments, contents, deliveries, graphql_api, pulls, repositories, reviews)
_OK, _NOT_MODIFIED = 200, 304


def operations() -> list[tuple[str, str]]:
    """Return method and path template of all that is answered of REST; GraphQL has a description of its own."""
    return [(route.method, route.template) for route in ROUTES if route.operation != graphql_api.OPERATION]


class Judge(Protocol):
    """Says what is wrong with a request or an answer, by GitHub's own description."""

    def request(self, route: Route, request: Request) -> list[str]:
        """Return what is wrong with a request."""
        ...

    def answer(self, route: Route, answer: Answer) -> list[str]:
        """Return what is wrong with an answer."""
        ...

    def webhook(self, event: str, payload: Json) -> list[str]:
        """Return what is wrong with a webhook's payload."""
        ...


class Dispatcher:
    """Answers requests about a world, and writes down what it saw."""

    def __init__(self, world: World, judge: Judge | None) -> None:
        """Without a judge, nothing is validated."""
        self._world = world
        self._judge = judge

    def answer(self, request: Request) -> Answer:
        """Answer one request; a scripted fault of its operation may spoil it."""
        world = self._world
        request = gate.by_name(world, request)
        hit = find(request)
        if hit is None:
            if self._judge is not None:
                world.violations.append(f"request {request.method} {request.path}: the stand-in has no such operation")
            return self._finished(request, None, Refusal(404, "Not Found").answer())
        route, path = hit
        with self._in_flight(gate.holder(world, request)):
            return self._finished(request, route, self._answer(Call(world=world, request=request, path=path), route))

    @contextmanager
    def _in_flight(self, installation_id: int | None) -> Iterator[None]:
        """Count a request among those that are answered at once."""
        meter = self._world.meters[installation_id or 0]
        with self._world.lock:
            meter.running += 1
        try:
            yield
        finally:
            with self._world.lock:
                meter.running -= 1

    def _answer(self, call: Call, route: Route) -> Answer:
        fault = self._next_fault(route)
        if fault is None:
            return self._operate(route, call)
        if fault.delay:
            time.sleep(fault.delay)
        if fault.is_spoiling and not fault.is_done:
            return _spoiled(fault, call)
        if fault.keeps_body_only:
            call.request = _without_comments(call)
        answer = self._operate(route, call)
        if fault.linger:
            time.sleep(fault.linger)
        if fault.is_truncated:
            answer.is_truncated = True
            return answer
        return _spoiled(fault, call) if fault.is_spoiling else answer

    def _next_fault(self, route: Route) -> Fault | None:
        with self._world.lock:
            script: list[Fault] = self._world.faults[route.operation]
            return script.pop(0) if script else None

    def _operate(self, route: Route, call: Call) -> Answer:
        world, problems = self._world, list[str]()
        judge = self._judge if route.operation != graphql_api.OPERATION else None
        if judge is not None:
            problems += judge.request(route, call.request)
        with world.lock:
            try:
                gate.admit(call, route)
                quota = gate.charge(call, route)
                answer = route.handler(call)
                if _tag(call.request, answer):
                    quota = gate.give_back(world, call.token.installation_id if call.token else None, quota)
                answer.headers |= quota.headers()
            except Refusal as refusal:
                answer = refusal.answer()
            except Exception:  # noqa: BLE001 - a bug here must fail the test that met it, not only its client
                problems.append(f"{route.operation}: {traceback.format_exc()}")
                answer = Refusal(500, "Server Error").answer()
        if judge is not None:
            problems += judge.answer(route, answer)
        world.violations += problems
        return answer

    def _finished(self, request: Request, route: Route | None, answer: Answer) -> Answer:
        """Add the headers that every answer has, and write the request down."""
        world = self._world
        if answer.headers.get("ETag", "-") == request.headers.get("if-none-match") and answer.status == _OK:
            answer = Answer(status=_NOT_MODIFIED, headers=answer.headers)
        number = world.next_id()
        answer.headers |= {
            "X-GitHub-Request-Id": f"{number:04X}:STANDIN",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Api-Version-Selected": "2022-11-28",
        }
        with world.lock:
            world.requests.append(
                {
                    "operation": route.operation if route else None,
                    "method": request.method,
                    "path": request.path,
                    "query": request.query,
                    "status": None if answer.is_cut else answer.status,
                }
            )
        return answer


def _tag(request: Request, answer: Answer) -> bool:
    """Give an answer its tag; return whether the client has it already."""
    if request.method != "GET" or answer.status != _OK:
        return False
    answer.headers["ETag"] = gate.entity_tag(answer.body())
    return request.headers.get("if-none-match") == answer.headers["ETag"]


def _without_comments(call: Call) -> Request:
    """Return the request for a review, less its comments."""
    body = {name: value for name, value in call.json().items() if name != "comments"}
    return replace(call.request, body=json.dumps(body).encode())


def _spoiled(fault: Fault, call: Call) -> Answer:
    if fault.is_cut:
        return Answer(is_cut=True)
    headers = dict(fault.headers)
    if fault.reset_in is not None:
        reset = int(call.world.now().timestamp() + fault.reset_in)
        headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    return Refusal(fault.status or 500, fault.message, headers=headers).answer()
