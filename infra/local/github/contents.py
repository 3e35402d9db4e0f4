"""Files and commits of a repository."""

import base64

from local.github import documents
from local.github.documents import Document
from local.github.http import Answer, ApiError, Call, route
from local.github.world import Repo, World

_SUBMODULE = "160000"
_TREE = "040000"
# https://docs.github.com/en/rest/repos/contents: up to 1 MB in JSON, up to 100 MB raw.
_LARGEST_JSON, _LARGEST_RAW = 1_000_000, 100_000_000


@route("GET", "/repos/{owner}/{repo}/contents/{path}", needs="contents:read")
def get_content(call: Call) -> Answer:
    """A file at a ref, as JSON or raw; a folder is a list whatever was asked for."""
    repo, path = call.repo, call.parameters["path"]
    commit = repo.git.commit(call.query.get("ref", "HEAD"))
    found = repo.git.blob(commit, path) if commit else None
    if commit is None or found is None:
        raise ApiError(404, "Not Found")
    mode, sha, content = found
    if mode == _TREE:
        return Answer(body=[])
    if len(content) > _LARGEST_RAW:
        raise ApiError(403, "This API returns blobs up to 100 MB in size.")
    if call.wants_raw and mode != _SUBMODULE:
        return Answer(body=content, headers={"Content-Type": "application/vnd.github.raw+json; charset=utf-8"})
    return Answer(body=_file(call.world, repo, path, sha, content))


def _file(world: World, repo: Repo, path: str, sha: str, content: bytes) -> Document:
    api = f"{documents.repository_url(world, repo)}/contents/{path}"
    shown = content if len(content) <= _LARGEST_JSON else b""
    return {
        "type": "file",
        "encoding": "base64" if shown or not content else "none",
        "size": len(content),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": base64.encodebytes(shown).decode(),
        "sha": sha,
        "url": api,
        "git_url": f"{documents.repository_url(world, repo)}/git/blobs/{sha}",
        "html_url": f"{world.url}/{repo.full_name}/blob/HEAD/{path}",
        "download_url": f"{world.url}/{repo.full_name}/raw/HEAD/{path}",
        "_links": {"self": api, "git": api, "html": f"{world.url}/{repo.full_name}/blob/HEAD/{path}"},
    }


@route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}", needs="contents:read")
def get_blob(call: Call) -> Answer:
    """A blob by its id."""
    content = call.repo.git.object(call.parameters["sha"])
    if content is None:
        raise ApiError(404, "Not Found")
    sha = call.parameters["sha"]
    return Answer(
        body={
            "sha": sha,
            "node_id": documents.node_id("Blob", 1),
            "size": len(content),
            "url": f"{documents.repository_url(call.world, call.repo)}/git/blobs/{sha}",
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }
    )
