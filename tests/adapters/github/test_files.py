"""Files that GitHub sent no lines of: a few are looked at, the others stay named."""

import httpx

from codereview.domain.change import FileChange, FileStatus, Unreviewable
from tests.adapters.github.test_app import HEAD, PULL, PULL_DOCUMENT
from tests.adapters.github.world import World

FILES = "GET /repos/o/r/pulls/3/files"
CONTENT = {"content-type": "application/vnd.github.raw; charset=utf-8"}


def changed_files(world: World, *rows: dict[str, object]) -> tuple[FileChange, ...]:
    world.on(PULL, httpx.Response(200, json=PULL_DOCUMENT)).on(FILES, httpx.Response(200, json=list(rows)))
    repository = world.app().repository(5, 2)
    return repository.changed_files(repository.pull_request(3))


def bare(name: str, status: str = "modified") -> dict[str, object]:
    return {"filename": name, "status": status, "changes": 0}


def test_b35_looking_at_files_without_a_patch_costs_few_requests() -> None:
    world = World()
    names = [f"{number}.dat" for number in range(50)]
    files = changed_files(world, *map(bare, names))
    assert [file.path for file in files] == names
    assert {file.unreviewable for file in files} == {Unreviewable.NOT_SENT_BY_GITHUB}
    assert len([request for request in world.requests if "/contents/" in request.url.path]) <= 20


def test_b34_a_file_without_a_patch_is_named_for_what_it_is() -> None:
    world = World()
    for name, content in (("logo.png", b"\x89PNG\0"), ("run.sh", b"same"), ("empty", b"")):
        world.on(f"GET /repos/o/r/contents/{name}", httpx.Response(200, content=content, headers=CONTENT))
    files = changed_files(world, bare("logo.png"), bare("run.sh", "changed"), bare("empty", "added"))
    assert [file.unreviewable for file in files] == [
        Unreviewable.BINARY,
        Unreviewable.NO_CHANGED_LINES,
        Unreviewable.NO_CHANGED_LINES,
    ]


def test_b34_a_file_that_has_changed_is_not_said_to_be_the_same() -> None:
    world = World()
    old, new = (httpx.Response(200, content=content, headers=CONTENT) for content in (b"old", b"new"))
    world.on(
        "GET /repos/o/r/contents/a.py",
        lambda request: new if request.url.params["ref"] == HEAD else old,
    )
    (file,) = changed_files(world, bare("a.py", "changed"))
    assert (file.status, file.unreviewable) == (FileStatus.CHANGED, Unreviewable.NOT_SENT_BY_GITHUB)


def test_b34_a_submodule_is_known_by_its_one_line_and_code_is_not_taken_for_one() -> None:
    moved = f"@@ -1 +1 @@\n-Subproject commit {'1' * 40}\n+Subproject commit {'2' * 40}"
    longer = f"@@ -0,0 +1,2 @@\n+Subproject commit {'1' * 40}\n+import os"
    files = changed_files(World(), bare("lib") | {"patch": moved}, bare("a.py") | {"patch": longer})
    assert [file.unreviewable for file in files] == [Unreviewable.SUBMODULE, None]
