"""The description of all of /v1, made from the tables of routes; `make openapi` writes it to docs/openapi.json.

Two functions serve it, `api` and `reports`; for whoever calls it is one API.

https://spec.openapis.org/oas/v3.1.0
"""

import json
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from codereview.entrypoints.api.fields import KEY_ID, NUMBER, UUID_TEXT
from codereview.entrypoints.api.problems import PROBLEM_TYPE, ProblemShown
from codereview.entrypoints.api.routing import Route, Who
from codereview.entrypoints.api.table import ROUTES
from codereview.entrypoints.reports.routes import ROUTES as RECORD

EVERY_ROUTE: Final = (*ROUTES, *RECORD)
_REF: Final = "#/components/schemas/{model}"
_MOST_KEY_CHARACTERS: Final = 255
_PARAMETERS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "tenant": (
        "The tenant's id, `<GitHub host>:<account number>`",
        {"type": "string", "pattern": r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?:[1-9][0-9]{0,18}$"},
    ),
    "key": ("The key's id, which is no secret", {"type": "string", "pattern": KEY_ID}),
    "user": ("GitHub's number for the person", {"type": "string", "pattern": NUMBER}),
    "review": ("The review's id", {"type": "string", "pattern": UUID_TEXT}),
    "notice": ("The notice's id", {"type": "string", "pattern": UUID_TEXT}),
    "job": ("The id of what was started", {"type": "string", "pattern": UUID_TEXT}),
    "queue": ("Which queue", {"type": "string", "enum": ["reviews", "records"]}),
}
_DESCRIPTION: Final = """\
The control plane, and the record below `record`. Sign in with `Authorization: Bearer`, a key (`acr_…`) or a session
(`acs_…`). Problems are those of RFC 9457; every answer has its request's id. Lists come in pages: `next` is the next
page's `cursor`. A POST with an `Idempotency-Key` is done once, however often it is sent. `429` says in `Retry-After`
when to come back.
"""

type _Schemas = Mapping[tuple[type[BaseModel], str], Mapping[str, Any]]


def document(routes: Sequence[Route] = EVERY_ROUTE) -> dict[str, Any]:
    """Describe the routes."""
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ProblemShown, "serialization")]
    for route in routes:
        wanted += [(route.answer, "serialization")] if route.answer else []
        wanted += [(route.body, "validation")] if route.body else []
        wanted.append((route.query, "validation"))
    made, definitions = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    schemas: _Schemas = {
        (model, mode): schema for (model, mode), schema in made.items() if issubclass(model, BaseModel)
    }
    paths = dict[str, dict[str, Any]]()
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, definitions["$defs"])
    queries = {route.query.__name__ for route in routes}
    shown = {name: schema for name, schema in definitions["$defs"].items() if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {"title": "AI Code Review", "version": "1", "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": shown,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "A key or a session"}},
            "responses": {"Problem": _problem()},
        },
        "security": [{"bearer": []}],
    }


def _operation(route: Route, schemas: _Schemas, definitions: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.operation.partition(".")[0]],
        "x-access": route.access.value,
        "parameters": [*_in_path(route), *_in_query(route, definitions), *_in_headers(route)],
        "responses": _responses(route, schemas),
    }
    if route.access is Who.ANYBODY:
        operation["security"] = []
    if route.body is not None:
        content = {"application/json": {"schema": dict(schemas[route.body, "validation"])}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name][0],
            "schema": dict(_PARAMETERS[name][1]),
        }
        for name in route.parameters
    ]


def _in_query(route: Route, definitions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Spell the query's model out as parameters; nothing of it is ever null in a query."""
    parameters, query = [], definitions[route.query.__name__]
    for name, schema in query.get("properties", {}).items():
        plain = next((each for each in schema.get("anyOf", []) if each.get("type") != "null"), schema)
        shown = {key: value for key, value in plain.items() if key not in ("title", "default")}
        is_required = name in query.get("required", ())
        parameters.append({"name": name, "in": "query", "required": is_required, "schema": shown})
    return parameters


def _in_headers(route: Route) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if route.is_conditional:
        schema = {"type": "string", "pattern": r'^"(0|[1-9][0-9]{0,9})"$'}
        said = "The ETag of the version that the change is made over"
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": route.needs_version,
                "description": said,
                "schema": schema,
            }
        )
    if route.method == "POST" and route.access is not Who.ANYBODY:
        schema = {"type": "string", "pattern": f"^[!-~]{{1,{_MOST_KEY_CHARACTERS}}}$"}
        said = "The caller's own name for this request: sent again, it is not done again"
        parameters.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "description": said, "schema": schema}
        )
    return parameters


def _responses(route: Route, schemas: _Schemas) -> dict[str, Any]:
    done: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        done["content"] = {"application/json": {"schema": dict(schemas[route.answer, "serialization"])}}
        if route.page is not None:
            done["content"]["text/html"] = {"schema": {"type": "string"}}
    if route.has_version:
        done["headers"] = {"ETag": {"description": "The version", "schema": {"type": "string"}}}
    problem = {"$ref": "#/components/responses/Problem"}
    return {str(route.status): done, **{str(status): problem for status in _refusals(route)}, "default": problem}


def _refusals(route: Route) -> list[int]:
    """List the refusals to expect; `default` stands for what may always happen, such as 413 and 503."""
    statuses = {400, 404, 429}
    if route.access is not Who.ANYBODY:
        statuses |= {401, 403}
    if route.is_change:
        statuses.add(409)
    if route.body is not None:
        statuses.add(415)
    if route.is_conditional:
        statuses.add(412)
    if route.needs_version:
        statuses.add(428)
    if route.method == "POST":
        statuses.add(422)
    return sorted(statuses)


def _problem() -> dict[str, Any]:
    return {
        "description": "What is wrong, as RFC 9457 says it",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": _REF.format(model=ProblemShown.__name__)}}},
    }


def text() -> str:
    """Return the description as it stands in docs/openapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
