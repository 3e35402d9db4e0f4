"""The published description is the table of routes."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from codereview.entrypoints.api.openapi import document, text
from codereview.entrypoints.api.routing import Who
from codereview.entrypoints.api.table import ROUTES

ROOT = Path(__file__).parents[3]
DOCUMENT = document()


def test_the_file_in_docs_is_what_the_routes_say() -> None:
    assert (ROOT / "docs/openapi.json").read_text() == text(), "run `make openapi`"


def test_docs_api_names_every_operation() -> None:
    page = (ROOT / "docs/api.md").read_text()
    assert [route.operation for route in ROUTES if f"`{route.operation}`" not in page] == []


def test_every_route_is_described_with_who_may_use_it() -> None:
    described = {
        (verb.upper(), path): operation
        for path, verbs in DOCUMENT["paths"].items()
        for verb, operation in verbs.items()
    }
    assert described.keys() == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
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
