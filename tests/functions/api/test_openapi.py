"""The published description is the table of routes."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from codereview.entrypoints.api.openapi import EVERY_ROUTE, document, text
from codereview.entrypoints.api.routing import Who
from codereview.entrypoints.api.table import ROUTES
from codereview.entrypoints.reports.routes import ROUTES as RECORD

ROOT = Path(__file__).parents[3]
DOCUMENT = document()


def test_the_file_in_docs_is_what_the_routes_say() -> None:
    assert (ROOT / "docs/openapi.json").read_text() == text(), "run `make openapi`"


def test_both_functions_are_described() -> None:
    served = {path for path in DOCUMENT["paths"] if path.startswith("/v1/tenants/{tenant}/record/")}
    assert served == {route.path for route in RECORD}
    assert DOCUMENT["paths"].keys() - served == {route.path for route in ROUTES}


def test_docs_api_names_every_operation() -> None:
    page = (ROOT / "docs/api.md").read_text()
    assert [route.operation for route in EVERY_ROUTE if f"`{route.operation}`" not in page] == []


def test_every_route_is_described_with_who_may_use_it() -> None:
    described = {
        (verb.upper(), path): operation
        for path, verbs in DOCUMENT["paths"].items()
        for verb, operation in verbs.items()
    }
    assert described.keys() == {(route.method, route.path) for route in EVERY_ROUTE}
    for route in EVERY_ROUTE:
        operation = described[route.method, route.path]
        assert operation["operationId"] == route.operation
        assert operation["x-access"] == route.access.value
        assert (operation.get("security") == []) == (route.access is Who.ANYBODY)
        assert operation["summary"].endswith(".") is False


def objects(schema: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(schema, dict):
        found += [schema] if schema.get("type") == "object" else []
        schema = list(schema.values())
    if isinstance(schema, list):
        found += [each for part in schema for each in objects(part)]
    return found


def test_b65_no_object_takes_or_shows_a_field_that_is_not_named() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for each in objects(schema):
            is_map = "properties" not in each
            assert each.get("additionalProperties") is False or is_map, name


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_reference_leads_somewhere() -> None:
    for part in text().split('"$ref": "')[1:]:
        place: Any = DOCUMENT
        for step in part.partition('"')[0].removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_the_description_is_json_without_surprises() -> None:
    assert json.loads(text()) == DOCUMENT


# What pydantic has no word of JSON Schema for, it writes as its own: then the bound is none for whoever reads it.
KNOWN_WORDS = Draft202012Validator.VALIDATORS.keys() | {"title", "description", "default"}


def words(schema: Any) -> set[str]:
    """Collect the keywords of a schema and of those in it."""
    if isinstance(schema, list):
        return {word for each in schema for word in words(each)}
    if not isinstance(schema, dict):
        return set()
    named = [*schema.get("properties", {}).values(), *schema.get("patternProperties", {}).values()]
    inner = [*named, *schema.get("anyOf", []), schema.get("items"), schema.get("additionalProperties")]
    return schema.keys() | words(inner)


def test_every_bound_is_one_that_json_schema_knows() -> None:
    schemas = list(DOCUMENT["components"]["schemas"].values())
    operations = [operation for verbs in DOCUMENT["paths"].values() for operation in verbs.values()]
    schemas += [parameter["schema"] for operation in operations for parameter in operation["parameters"]]
    assert words(schemas) <= KNOWN_WORDS
