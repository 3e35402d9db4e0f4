"""GraphQL: held to GitHub's own schema, and read by our own adapter."""

from functools import cache
from pathlib import Path
from typing import Any

import graphql
import httpx
import pytest

from local.checkout import ROOT as CHECKOUT
from local.github import StandIn, graphql_api
from tests.infra.github_stand_in.world import git

WHOLE = CHECKOUT / "tests/node_modules/@octokit/graphql-schema/schema.graphql"
FILE = """query($owner: String!, $name: String!, $expression: String!) { repository(owner: $owner, name: $name) {
    object(expression: $expression) { __typename oid ... on Blob { byteSize isBinary isTruncated text } } } }"""


def ask(github: httpx.Client, expression: str, name: str = "shop") -> dict[str, Any]:
    variables = {"owner": "acme", "name": name, "expression": expression}
    document: dict[str, Any] = github.post("/graphql", json={"query": FILE, "variables": variables}).json()
    return document


def found(github: httpx.Client, expression: str) -> dict[str, Any]:
    document: dict[str, Any] = ask(github, expression)["data"]["repository"]["object"]
    return document


@cache
def whole() -> graphql.GraphQLSchema:
    return graphql.build_schema(WHOLE.read_text(encoding="utf-8"), assume_valid=True)


def fields_of(kind: object) -> dict[str, graphql.GraphQLField]:
    return kind.fields if isinstance(kind, graphql.GraphQLObjectType | graphql.GraphQLInterfaceType) else {}


def fields() -> list[tuple[str, str]]:
    types = [one for one in graphql_api.SCHEMA.type_map.values() if not one.name.startswith("__")]
    return [(one.name, name) for one in types for name in fields_of(one)]


@pytest.mark.parametrize(("kind", "name"), fields())
def test_every_field_is_one_of_githubs(kind: str, name: str) -> None:
    ours, theirs = graphql_api.SCHEMA.type_map[kind], whole().type_map[kind]
    assert isinstance(theirs, type(ours))
    our, their = fields_of(ours)[name], fields_of(theirs)[name]
    assert str(our.type) == str(their.type)
    assert {key: str(value.type) for key, value in our.args.items()}.items() <= {
        key: str(value.type) for key, value in their.args.items()
    }.items()


def test_a_file_comes_as_text_with_its_hash(github: httpx.Client, clone: Path) -> None:
    oid = git(clone, "rev-parse", "feature:new.py")
    expected = {"__typename": "Blob", "oid": oid, "byteSize": 18, "isBinary": False, "isTruncated": False}
    assert found(github, "feature:new.py") == expected | {"text": "print(1)\nprint(2)\n"}


def test_a_binary_file_has_no_text(github: httpx.Client) -> None:
    assert (found(github, "main:logo.bin")["isBinary"], found(github, "main:logo.bin")["text"]) == (True, None)


def test_a_folder_is_a_tree_and_what_is_missing_null(github: httpx.Client) -> None:
    assert found(github, "main:src")["__typename"] == "Tree"
    assert found(github, "main:missing") is None


def test_a_repository_out_of_reach_is_not_found(github: httpx.Client) -> None:
    document = ask(github, "main:app.py", name="other")
    assert document["errors"][0]["type"] == "NOT_FOUND"
    assert document["data"] == {"repository": None}


def test_a_wrong_query_is_a_violation(github: httpx.Client, stand_in: StandIn) -> None:
    assert "errors" in github.post("/graphql", json={"query": "{ nothing }"}).json()
    assert any("nothing" in violation for violation in stand_in.violations)


def test_nobody_asks_without_a_token(stand_in: StandIn) -> None:
    answer = httpx.post(f"{stand_in.url}/graphql", json={"query": FILE}, headers={"User-Agent": "x"})
    assert answer.status_code == 401
