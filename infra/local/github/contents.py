"""Files at a ref, blobs, commits and comparisons."""

import base64
from pathlib import PurePosixPath
from urllib.parse import quote

from local.github import pull_shapes, shapes
from local.github.git import Entry, shown
from local.github.routing import Answer, Call, Refusal, operation
from local.github.state import Json

READ = ("contents", "read")
# https://docs.github.com/en/rest/repos/contents#get-repository-content
_JSON_BYTES, _RAW_BYTES = 1_000_000, 100_000_000
_COMPARED_FILES = 300
_SUBMODULE, _LINK = "160000", "120000"


@operation("GET", "/repos/{owner}/{repo}/contents/{path}", "repos/get-content", READ)
def get_content(call: Call) -> Answer:
    """Return a file, as JSON or raw; a folder's listing; a link's or submodule's target."""
    repository, ref, path = call.repository, call.request.query.get("ref"), call.path["path"].strip("/")
    commit = repository.resolve(ref or repository.default_branch)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    entry = repository.git.entry(commit, path)
    if entry is None:
        raise Refusal(404, "Not Found")
    if entry.kind == "tree":
        rows = [_stub(call, row, str(PurePosixPath(path) / row.path), ref) for row in repository.git.listing(entry.sha)]
        return Answer(document=rows)
    if entry.size > _RAW_BYTES:
        problem = {"resource": "Blob", "field": "data", "code": "too_large"}
        raise Refusal(403, "This API returns blobs up to 100 MB in size.", [problem])
    content = (repository.git.blob(entry.sha) or b"") if entry.kind == "blob" else b""
    if call.accepts("raw"):
        return Answer(text=content, media_type="application/vnd.github.raw; charset=utf-8")
    return Answer(document=_stub(call, entry, path, ref) | _content(entry, content))


@operation("GET", "/repos/{owner}/{repo}/git/blobs/{file_sha}", "git/get-blob", READ)
def get_blob(call: Call) -> Answer:
    """Return a blob by its id."""
    sha = call.path["file_sha"]
    content = call.repository.git.blob(sha) if all(character in "0123456789abcdef" for character in sha) else None
    if content is None:
        raise Refusal(404, "Not Found")
    if call.accepts("raw"):
        return Answer(text=content, media_type="application/vnd.github.raw; charset=utf-8")
    document = {
        "sha": sha,
        "node_id": shapes.node_id("B", sha),
        "size": len(content),
        "url": f"{shapes.repository_url(call.world, call.repository)}/git/blobs/{sha}",
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }
    return Answer(document=document)


@operation("GET", "/repos/{owner}/{repo}/commits/{ref}", "repos/get-commit", READ)
def get_commit(call: Call) -> Answer:
    """Return a commit with the files of its change to its first parent."""
    repository, ref = call.repository, call.path["ref"]
    sha = repository.resolve(ref)
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {ref}")
    document = pull_shapes.commit(call.world, repository, sha)
    parents = document["parents"]
    files = repository.git.changed_files(parents[0]["sha"], sha) if parents else ()
    answer = call.page(files, lambda file: pull_shapes.file_row(call.world, repository, sha, file))
    additions, deletions = sum(file.additions for file in files), sum(file.deletions for file in files)
    document["stats"] = {"total": additions + deletions, "additions": additions, "deletions": deletions}
    document["files"] = answer.document
    answer.document = document
    return answer


@operation("GET", "/repos/{owner}/{repo}/compare/{basehead}", "repos/compare-commits-with-basehead", READ)
def compare(call: Call) -> Answer:
    """Compare two commits from where they parted, as a pull request does."""
    world, repository, (base_ref, dots, head_ref) = call.world, call.repository, call.path["basehead"].partition("...")
    base, head = repository.resolve(base_ref.split(":")[-1]), repository.resolve(head_ref.split(":")[-1])
    if not dots or base is None or head is None:
        raise Refusal(404, "Not Found")
    start = repository.git.merge_base(base, head)
    if start is None:
        raise Refusal(404, f"No common ancestor between {base_ref} and {head_ref}.")
    ahead, behind = repository.git.commits(base, head), repository.git.commits(head, base)
    answer = call.page(ahead, lambda sha: {"sha": sha})
    is_first = call.request.query.get("page", "1") == "1"
    files = repository.git.changed_files(base, head)[:_COMPARED_FILES] if is_first else ()
    page = f"{shapes.WEB}/{repository.full_name}/compare/{base_ref}...{head_ref}"
    answer.document = {
        "url": f"{shapes.repository_url(world, repository)}/compare/{base_ref}...{head_ref}",
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": pull_shapes.commit(world, repository, base),
        "merge_base_commit": pull_shapes.commit(world, repository, start),
        "status": _status(ahead=len(ahead), behind=len(behind)),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [pull_shapes.commit(world, repository, row["sha"]) for row in answer.document],
        "files": [pull_shapes.file_row(world, repository, head, file) for file in files],
    }
    return answer


def _status(*, ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def _stub(call: Call, entry: Entry, path: str, ref: str | None) -> Json:
    """Return what a file has in common with a row of a folder."""
    repository = call.repository
    url, at = shapes.repository_url(call.world, repository), ref or repository.default_branch
    kind = {"tree": "dir", "commit": "submodule"}.get(entry.kind, "symlink" if entry.mode == _LINK else "file")
    address = f"{url}/contents/{quote(path)}?ref={quote(at, safe='')}"
    page = f"{shapes.WEB}/{repository.full_name}/{'tree' if kind == 'dir' else 'blob'}/{at}/{quote(path)}"
    git_url = f"{url}/git/{'trees' if kind == 'dir' else 'blobs'}/{entry.sha}"
    raw = f"https://raw.githubusercontent.com/{repository.full_name}/{at}/{quote(path)}" if kind == "file" else None
    return {
        "name": PurePosixPath(path).name,
        "path": path,
        "sha": entry.sha,
        "size": entry.size,
        "type": kind,
        "url": address,
        "html_url": page,
        "git_url": git_url,
        "download_url": raw,
        "_links": {"self": address, "git": git_url, "html": page},
    }


def _content(entry: Entry, content: bytes) -> Json:
    if entry.mode == _SUBMODULE:
        return {"submodule_git_url": "https://github.com/example/submodule.git"}
    if entry.mode == _LINK:
        return {"target": shown(content)}
    if entry.size > _JSON_BYTES:
        return {"content": "", "encoding": "none"}
    return {"content": base64.encodebytes(content).decode(), "encoding": "base64"}
