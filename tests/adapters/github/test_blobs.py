"""Many files in one request: exact, or left to the way that is."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.github.test_repository import repository
from tests.adapters.github.world import World

GRAPHQL = "POST /graphql"
REF = "a" * 40


def oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def shown(content: bytes) -> dict[str, Any]:
    """What GraphQL says of a blob: text, whatever it takes to make it one."""
    return {"__typename": "Blob", "oid": oid(content), "isTruncated": False, "text": content.decode(errors="replace")}


def graphql(files: Mapping[str, bytes], **changes: dict[str, Any] | None) -> Callable[[httpx.Request], httpx.Response]:
    """Answer as GitHub does, but with `changes` for the files of these aliases."""

    def answer(request: httpx.Request) -> httpx.Response:
        variables = json.loads(request.content)["variables"]
        objects: dict[str, Any] = {}
        for name in (name for name in variables if name.startswith("e")):
            commit, _, path = variables[name].partition(":")
            assert commit == REF
            objects[f"f{name[1:]}"] = shown(files[path]) if path in files else None
        return httpx.Response(200, json={"data": {"repository": objects | changes}})

    return answer


def with_raw(world: World, files: Mapping[str, bytes]) -> World:
    for path, content in files.items():
        raw = httpx.Response(
            200, content=content, headers={"content-type": "application/vnd.github.raw; charset=utf-8"}
        )
        world.on(f"GET /repos/o/r/contents/{path}", raw)
    return world


def reads(world: World) -> list[str]:
    return [request.url.path for request in world.requests if "/contents/" in request.url.path]


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=40), max_size=5))
def test_files_are_read_exact_to_the_byte_whatever_they_hold(files: dict[str, bytes]) -> None:
    world = with_raw(World().on(GRAPHQL, graphql(files)), files)
    paths = [*files, "Missing"]
    assert dict(repository(world).contents(paths, REF)) == {**files, "Missing": None}


def test_text_takes_one_request_a_hundred_files() -> None:
    files = {f"src/{number}.py": f"größe = {number}\n".encode() for number in range(250)}
    world = World().on(GRAPHQL, graphql(files))
    assert repository(world).contents(list(files), REF) == files
    assert (len(world.asked(GRAPHQL)), reads(world)) == (3, [])


def test_no_files_take_no_request() -> None:
    world = World()
    assert repository(world).contents([], REF) == {}
    assert not world.asked(GRAPHQL)


@pytest.mark.parametrize(
    "change",
    [
        {"__typename": "Blob", "oid": oid(b"x = 1\n"), "isTruncated": True, "text": "x = 1\n"},
        {"__typename": "Blob", "oid": oid(b"x = 1\n"), "isTruncated": False, "text": None},
        {"__typename": "Blob", "oid": oid(b"x = 1\n"), "isTruncated": False, "text": "x = 2\n"},
        {"__typename": "Blob", "oid": "short", "isTruncated": False, "text": "x = 1\n"},
    ],
    ids=["truncated", "binary", "changed on the way", "another hash"],
)
def test_what_does_not_come_whole_is_read_by_itself(change: dict[str, Any]) -> None:
    files = {"a.py": b"x = 1\n", "b.py": b"y = 1\n"}
    world = with_raw(World().on(GRAPHQL, graphql(files, f0=change)), files)
    assert repository(world).contents(["a.py", "b.py"], REF) == files
    assert reads(world) == ["/repos/o/r/contents/a.py"]


def test_folders_and_submodules_have_no_content() -> None:
    tree = {"__typename": "Tree", "oid": oid(b"")}
    world = World().on(GRAPHQL, graphql({}, f0=tree))
    assert repository(world).contents(["docs"], REF) == {"docs": None}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>"),
        httpx.Response(404, json={"message": "Not Found"}),
        httpx.Response(403, json={"message": "secondary rate limit"}, headers={"retry-after": "60"}),
        httpx.Response(200, text="<html>a proxy"),
        httpx.Response(200, json={"data": None, "errors": [{"type": "RATE_LIMITED"}]}),
        httpx.Response(200, json={"data": {"repository": {"f0": None}}, "errors": [{"type": "INTERNAL"}]}),
        httpx.Response(200, json={"data": {"repository": None}}),
        httpx.Response(200, json={"data": {"repository": {}}}),
    ],
    ids=["502", "404", "limited", "proxy", "quota", "error of a file", "no repository", "no files"],
)
def test_nothing_depends_on_graphql(answer: httpx.Response) -> None:
    files = {f"{number}.py": b"x\n" for number in range(150)}
    world = with_raw(World().on(GRAPHQL, answer), files)
    assert repository(world).contents(list(files), REF) == files
    assert len(world.asked(GRAPHQL)) <= 2


def test_after_a_refusal_graphql_is_left_alone() -> None:
    files = {f"{number}.py": b"x\n" for number in range(150)}
    world = with_raw(World().on(GRAPHQL, httpx.Response(502)), files)
    repository(world).contents(list(files), REF)
    assert len(world.asked(GRAPHQL)) == 1


@pytest.mark.parametrize("path", ['a") { x } f9: object(expression: "b', "$e0", "a:b", "}\n#"])
def test_b37_odd_paths_never_become_part_of_the_query(path: str) -> None:
    world = World().on(GRAPHQL, graphql({path: b"x\n"}))
    assert repository(world).contents([path], REF) == {path: b"x\n"}
    (asked,) = world.asked(GRAPHQL)
    assert path == "$e0" or path not in json.loads(asked.content)["query"]


@pytest.mark.parametrize(
    ("api_url", "graphql_url"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.acme.ghe.com/", "https://api.acme.ghe.com/graphql"),
        ("https://github.acme.example/api/v3", "https://github.acme.example/api/graphql"),
    ],
)
def test_graphql_lies_where_github_has_it(api_url: str, graphql_url: str) -> None:
    world = World()
    world.app(api_url=api_url).repository(5, 2).contents(["a"], REF)
    assert graphql_url in {str(request.url) for request in world.requests}
