"""Holds every request, answer and webhook against GitHub's own description of them."""

import json
import re
from typing import TYPE_CHECKING, Any, Self

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from local.github import openapi
from local.github.dispatch import operations
from local.github.routing import Answer, Request, Route
from local.github.state import Json

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

# The events that the stand-in can send, by their names in GitHub's description.
WEBHOOKS = (
    *(f"pull-request-{action}" for action in ("opened", "closed", "reopened", "synchronize", "edited")),
    *("pull-request-converted-to-draft", "pull-request-ready-for-review"),
    *("issue-comment-created", "check-run-rerequested", "repository-renamed", "repository-transferred"),
    *(f"installation-{action}" for action in ("created", "deleted", "suspend", "unsuspend")),
    *("installation-repositories-added", "installation-repositories-removed"),
)
# Places where GitHub's description is wrong about GitHub: who is asked, where in the document, and what really comes.
_KNOWN_WRONG = (
    (re.compile(r"pulls?[/-]|commit|webhook"), re.compile(r".*\.head\.(repo|user)"), "null when the fork was deleted"),
    (re.compile(r"apps/list-installations"), re.compile(r"\$\[\d+\]\.account"), "a user, not also an enterprise"),
)
_SHOWN_PROBLEMS = 5
_FIRST_ERROR = 400
_FORMATS = FormatChecker(formats=())
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@_FORMATS.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or _DATE_TIME.fullmatch(value) is not None


@_FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[a-z]+://[^\s{}]+", value) is not None


class OpenApiJudge:
    """Names what does not fit; one sentence a problem."""

    def __init__(self, description: Json) -> None:
        """Judge by a description as `openapi.fetch` returns it."""
        self._operations: Json = description["operations"]
        self._webhooks: Json = description["webhooks"]
        resources = (
            (f"urn:github:{name}", DRAFT202012.create_resource(schema))
            for name, schema in description["schemas"].items()
        )
        self._registry: Registry[Any] = Registry().with_resources(resources).crawl()
        self._validators: dict[str, Validator] = {}

    @classmethod
    def load(cls) -> Self:
        """Fetch the description of all operations of the stand-in, and of its webhooks."""
        return cls(openapi.fetch(operations(), WEBHOOKS))

    def request(self, route: Route, request: Request) -> list[str]:
        """Return what is wrong with a request, unknown parameters and fields included: GitHub would ignore them."""
        known, where = self._operations[route.operation], f"request {route.operation}"
        problems = [f"{where}: no such parameter: {name}" for name in request.query if name not in known["query"]]
        for name, schema in known["query"].items():
            if name in request.query:
                value = _typed(request.query[name], schema)
                problems += self._check(f"{where} ?{name}", schema, value, key=f"{route.operation}?{name}")
        if not request.body:
            return problems
        if known["body"] is None:
            return [*problems, f"{where}: has no body"]
        try:
            body = json.loads(request.body)
        except ValueError:
            return [*problems, f"{where}: not JSON"]
        problems += self._check(where, known["body"], body, key=f"{route.operation}>")
        return problems + [f"{where}: no such field: {name}" for name in _unknown(known["body"], body)]

    def answer(self, route: Route, answer: Answer) -> list[str]:
        """Return what is wrong with an answer."""
        if answer.text is not None:
            return []
        where, answers = f"answer {route.operation} {answer.status}", self._operations[route.operation]["answers"]
        schema = answers.get(str(answer.status))
        if schema is None and answer.status < 300:  # noqa: PLR2004 - the class of success
            is_listed = str(answer.status) in answers and answer.document is None
            return [] if is_listed else [f"{where}: GitHub has no such answer"]
        schema = schema or {"$ref": "urn:github:basic-error"}
        document = json.loads(answer.body() or b"null")
        return self._check(where, schema, document, key=f"{route.operation}<{answer.status}")

    def webhook(self, event: str, payload: Json) -> list[str]:
        """Return what is wrong with a payload; events that the stand-in cannot make itself are not judged."""
        name = f"{event}-{payload.get('action', '')}".replace("_", "-")
        if name not in self._webhooks:
            return []
        return self._check(f"webhook {name}", self._webhooks[name], payload, key=name)

    def _check(self, where: str, schema: Json, value: Any, *, key: str) -> list[str]:
        validator = self._validators.get(key)
        if validator is None:
            validator = Draft202012Validator(schema, registry=self._registry, format_checker=_FORMATS)
            self._validators[key] = validator
        found = [error for error in validator.iter_errors(value) if not _is_known(where, error)][:_SHOWN_PROBLEMS]
        return [f"{where}: {error.json_path} {_reason(error)}" for error in found]


def _is_known(where: str, error: Any) -> bool:
    return any(
        asked.search(where) and place.fullmatch(error.json_path) and not (error.instance and "head" in place.pattern)
        for asked, place, _ in _KNOWN_WRONG
    )


def _reason(error: Any) -> str:
    """Return the innermost reason, since "is not valid under any of the given schemas" helps nobody."""
    deepest = error
    while deepest.context:
        deepest = max(deepest.context, key=lambda one: len(one.absolute_path))
    place = deepest.json_path if deepest is not error else ""
    return f"{place} {deepest.message[:300]}".strip()


def _typed(value: str, schema: Json) -> Any:
    """Return a query parameter as the type that it has to be."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if schema.get("type") == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _unknown(schema: Json, body: Any) -> list[str]:
    if not isinstance(body, dict) or "properties" not in schema:
        return []
    names = [name for name in body if name not in schema["properties"]]
    for name, part in schema["properties"].items():
        inner = part.get("items", part)
        values = body.get(name) if isinstance(body.get(name), list) else [body.get(name)]
        names += [f"{name}.{deeper}" for value in values or () for deeper in _unknown(inner, value)]
    return names
