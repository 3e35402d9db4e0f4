"""Pull requests, their files and their commits in GitHub's JSON."""

from urllib.parse import quote

from local.github import shapes
from local.github.git import ChangedFile, shown
from local.github.state import Account, Json, Pull, Repository, World


def pull_page(repository: Repository, pull: Pull) -> str:
    """Return the page of a pull request."""
    return f"{shapes.WEB}/{repository.full_name}/pull/{pull.number}"


def pull_simple(world: World, repository: Repository, pull: Pull) -> Json:
    """Return a pull request as a row of a list."""
    url, page = shapes.repository_url(world, repository), pull_page(repository, pull)
    links = _links(url, page, pull)
    return {
        "url": links["self"],
        "id": pull.id,
        "node_id": shapes.node_id("PR", pull.id),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": links["issue"],
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "body": pull.body,
        # An account that was deleted is null here, though GitHub's own description does not say so for lists.
        "user": shapes.optional_user(world, pull.user),
        "labels": [],
        "milestone": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "created_at": shapes.stamp(pull.created_at),
        "updated_at": shapes.stamp(pull.updated_at),
        "closed_at": shapes.optional_stamp(pull.closed_at),
        "merged_at": shapes.optional_stamp(pull.merged_at),
        "merge_commit_sha": None,
        "head": _end(world, repository, pull.head_owner, pull.head_ref, pull.head_sha, is_fork=pull.is_fork),
        "base": _end(world, repository, repository.owner, pull.base_ref, pull.base_sha, is_fork=False),
        "_links": {name: {"href": target} for name, target in links.items()},
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "active_lock_reason": None,
        "draft": pull.is_draft,
    }


def pull_full(world: World, repository: Repository, pull: Pull) -> Json:
    """Return a pull request as its own endpoint and webhooks have it."""
    files = repository.git.changed_files(pull.base_sha, pull.head_sha)
    return pull_simple(world, repository, pull) | {
        "merged": pull.merged_at is not None,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "comments": sum(comment.number == pull.number for comment in repository.comments.values()),
        "review_comments": sum(comment.number == pull.number for comment in repository.review_comments.values()),
        "maintainer_can_modify": False,
        "commits": len(repository.git.commits(pull.base_sha, pull.head_sha)),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def issue(world: World, repository: Repository, pull: Pull) -> Json:
    """Return a pull request as the issue that it also is, for payloads about comments."""
    url, page = f"{shapes.repository_url(world, repository)}/issues/{pull.number}", pull_page(repository, pull)
    links = {"url": f"{page}", "diff_url": f"{page}.diff", "patch_url": f"{page}.patch"}
    return {
        "url": url,
        "repository_url": shapes.repository_url(world, repository),
        **{name: f"{url}/{name.removesuffix('_url')}" for name in ("comments_url", "events_url")},
        "labels_url": f"{url}/labels{{/name}}",
        "html_url": page,
        "id": pull.id,
        "node_id": shapes.node_id("PR", pull.id),
        "number": pull.number,
        "title": pull.title,
        "user": shapes.optional_user(world, pull.user),
        "body": pull.body,
        "state": pull.state,
        "locked": False,
        "labels": [],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "active_lock_reason": None,
        "comments": sum(comment.number == pull.number for comment in repository.comments.values()),
        "created_at": shapes.stamp(pull.created_at),
        "updated_at": shapes.stamp(pull.updated_at),
        "closed_at": shapes.optional_stamp(pull.closed_at),
        "author_association": "CONTRIBUTOR",
        "draft": pull.is_draft,
        "state_reason": None,
        "performed_via_github_app": None,
        "reactions": {
            "url": f"{url}/reactions",
            "total_count": 0,
            "+1": 0,
            "-1": 0,
            "laugh": 0,
            "hooray": 0,
            "confused": 0,
            "heart": 0,
            "rocket": 0,
            "eyes": 0,
        },
        "timeline_url": f"{url}/timeline",
        "pull_request": {**links, "url": f"{shapes.repository_url(world, repository)}/pulls/{pull.number}"}
        | {"html_url": page, "merged_at": shapes.optional_stamp(pull.merged_at)},
    }


def _links(url: str, page: str, pull: Pull) -> dict[str, str]:
    return {
        "self": f"{url}/pulls/{pull.number}",
        "html": page,
        "issue": f"{url}/issues/{pull.number}",
        "comments": f"{url}/issues/{pull.number}/comments",
        "review_comments": f"{url}/pulls/{pull.number}/comments",
        "review_comment": f"{url}/pulls/comments{{/number}}",
        "commits": f"{url}/pulls/{pull.number}/commits",
        "statuses": f"{url}/statuses/{pull.head_sha}",
    }


def _end(world: World, repository: Repository, owner: Account | None, ref: str, sha: str, *, is_fork: bool) -> Json:
    """Return the head or the base; a deleted fork leaves neither repository nor user."""
    document: Json = {"label": f"{owner.login if owner else 'unknown repository'}:{ref}", "ref": ref, "sha": sha}
    if owner is None:
        return document | {"user": None, "repo": None}
    shown_repository = shapes.repository(world, repository)
    if is_fork:
        full_name = f"{owner.login}/{repository.name}"
        shown_repository |= {
            "id": repository.id + 500_000_000,
            "fork": True,
            "owner": shapes.user(world, owner),
            "full_name": full_name,
            "html_url": f"{shapes.WEB}/{full_name}",
            "url": f"{world.base_url}/repos/{full_name}",
        }
    return document | {"user": shapes.user(world, owner), "repo": shown_repository}


def file_row(world: World, repository: Repository, head: str, file: ChangedFile) -> Json:
    """Return one row of the files of a change."""
    page, path = f"{shapes.WEB}/{repository.full_name}", quote(file.path)
    row: Json = {
        "sha": file.sha,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{page}/blob/{head}/{path}",
        "raw_url": f"{page}/raw/{head}/{path}",
        "contents_url": f"{shapes.repository_url(world, repository)}/contents/{path}?ref={head}",
    }
    if file.patch is not None:
        row["patch"] = shown(file.patch)
    if file.old_path is not None:
        row["previous_filename"] = file.old_path
    return row


def commit(world: World, repository: Repository, sha: str) -> Json:
    """Return a commit, without its files."""
    found = repository.git.commit(sha)
    url, page = shapes.repository_url(world, repository), f"{shapes.WEB}/{repository.full_name}"
    people = {
        role: {"name": person[0], "email": person[1], "date": person[2]}
        for role, person in (("author", found.author), ("committer", found.committer))
    }
    return {
        "sha": found.sha,
        "node_id": shapes.node_id("C", found.sha),
        "url": f"{url}/commits/{sha}",
        "html_url": f"{page}/commit/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
        "commit": {
            **people,
            "message": found.message,
            "tree": {"sha": found.tree, "url": f"{url}/git/trees/{found.tree}"},
            "url": f"{url}/git/commits/{sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        # An e-mail address that belongs to no account.
        "author": None,
        "committer": None,
        "parents": [
            {"sha": parent, "url": f"{url}/commits/{parent}", "html_url": f"{page}/commit/{parent}"}
            for parent in found.parents
        ],
    }
