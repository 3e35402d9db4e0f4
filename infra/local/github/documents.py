"""GitHub's JSON documents, complete by its own OpenAPI description."""

import base64
from datetime import datetime
from typing import Any

from local.github.git import ChangedFile
from local.github.world import Account, CheckRun, Comment, Pull, Repo, Review, World

Document = dict[str, Any]

_USER_LINKS = (
    "events", "followers", "following", "gists", "organizations", "received_events", "repos", "starred",
    "subscriptions",
)  # fmt: skip
_REPOSITORY_LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
    "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip


def moment(value: datetime) -> str:
    """Write a moment as GitHub does."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    """Make an opaque global id."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def user(world: World, account: Account) -> Document:
    """`simple-user`."""
    api = f"{world.url}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("User", account.id),
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{world.url}/{account.login}",
        "type": account.type,
        "site_admin": False,
        **{f"{name}_url": f"{api}/{name}" for name in _USER_LINKS},
    }


def repository(world: World, repo: Repo) -> Document:
    """`repository`."""
    api = repository_url(world, repo)
    created = moment(world.now())
    return {
        "id": repo.id,
        "node_id": node_id("Repository", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "owner": user(world, repo.owner),
        "private": False,
        "html_url": f"{world.url}/{repo.full_name}",
        "description": None,
        "fork": False,
        "url": api,
        **{f"{name}_url": f"{api}/{name}" for name in _REPOSITORY_LINKS},
        "clone_url": f"{world.url}/{repo.full_name}.git",
        "git_url": f"git:{world.url}/{repo.full_name}.git",
        "ssh_url": f"git@localhost:{repo.full_name}.git",
        "svn_url": f"{world.url}/{repo.full_name}",
        "default_branch": "main",
        **dict.fromkeys(("forks", "forks_count", "open_issues", "open_issues_count", "size"), 0),
        **dict.fromkeys(("stargazers_count", "watchers", "watchers_count"), 0),
        **dict.fromkeys(("has_downloads", "has_issues", "has_projects", "has_wiki"), True),
        **dict.fromkeys(("has_pages", "archived", "disabled"), False),
        **dict.fromkeys(("homepage", "language", "mirror_url", "license")),
        **dict.fromkeys(("pushed_at", "created_at", "updated_at"), created),
    }


def repository_url(world: World, repo: Repo) -> str:
    """Return the repository's API address."""
    return f"{world.url}/repos/{repo.full_name}"


def pull_request(world: World, repo: Repo, pull: Pull, *, is_full: bool = True) -> Document:
    """`pull-request`, or `pull-request-simple` as lists have it."""
    api = f"{repository_url(world, repo)}/pulls/{pull.number}"
    issue = f"{repository_url(world, repo)}/issues/{pull.number}"
    html = f"{world.url}/{repo.full_name}/pull/{pull.number}"
    links = {
        "self": api, "html": html, "issue": issue, "comments": f"{issue}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": f"{repository_url(world, repo)}/pulls/comments{{/number}}",
        "commits": f"{api}/commits", "statuses": f"{repository_url(world, repo)}/statuses/{pull.head_sha}",
    }  # fmt: skip
    document: Document = {
        "url": api,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": user(world, pull.author),
        "body": pull.body,
        "labels": [],
        "created_at": moment(pull.created_at),
        "updated_at": moment(world.now()),
        "draft": pull.is_draft,
        "head": _end(world, repo, pull.head_ref, pull.head_sha),
        "base": _end(world, repo, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": address} for name, address in links.items()},
        "author_association": "CONTRIBUTOR",
        **dict.fromkeys(("milestone", "closed_at", "merged_at", "merge_commit_sha", "assignee", "auto_merge")),
    }
    return document | _totals(repo, pull) if is_full else document


def _totals(repo: Repo, pull: Pull) -> Document:
    files = repo.git.changed_files(pull.base_sha, pull.head_sha)
    return {
        "merged": False,
        "mergeable": True,
        "mergeable_state": "clean",
        "merged_by": None,
        "comments": len(pull.comments),
        "review_comments": sum(len(review.comments) for review in pull.reviews),
        "maintainer_can_modify": False,
        "commits": len(repo.git.commits(pull.base_sha, pull.head_sha)),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def _end(world: World, repo: Repo, ref: str, sha: str) -> Document:
    return {
        "label": f"{repo.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(world, repo.owner),
        "repo": repository(world, repo),
    }


def file(world: World, repo: Repo, changed: ChangedFile, head: str) -> Document:
    """`diff-entry`."""
    path = changed.path.encode("utf-8", "replace").decode()
    document: Document = {
        "sha": changed.sha,
        "filename": path,
        "status": changed.status,
        "additions": changed.additions,
        "deletions": changed.deletions,
        "changes": changed.additions + changed.deletions,
        "blob_url": f"{world.url}/{repo.full_name}/blob/{head}/{path}",
        "raw_url": f"{world.url}/{repo.full_name}/raw/{head}/{path}",
        "contents_url": f"{repository_url(world, repo)}/contents/{path}?ref={head}",
    }
    if changed.old_path is not None:
        document["previous_filename"] = changed.old_path.encode("utf-8", "replace").decode()
    if changed.patch is not None:
        document["patch"] = changed.patch.decode("utf-8", "replace")
    return document


def review(world: World, repo: Repo, pull: Pull, posted: Review) -> Document:
    """`pull-request-review`."""
    html = f"{world.url}/{repo.full_name}/pull/{pull.number}#pullrequestreview-{posted.id}"
    api = f"{repository_url(world, repo)}/pulls/{pull.number}"
    document: Document = {
        "id": posted.id,
        "node_id": node_id("PullRequestReview", posted.id),
        "user": user(world, posted.author),
        "body": posted.body,
        "state": posted.state,
        "html_url": html,
        "pull_request_url": api,
        "_links": {"html": {"href": html}, "pull_request": {"href": api}},
        "commit_id": posted.commit_id,
        "author_association": "NONE",
    }
    if posted.submitted_at is not None:
        document["submitted_at"] = moment(posted.submitted_at)
    return document


def review_comment(world: World, repo: Repo, pull: Pull, comment: Comment) -> Document:
    """`pull-request-review-comment`, which has all that `review-comment` needs."""
    api = f"{repository_url(world, repo)}/pulls/comments/{comment.id}"
    html = f"{world.url}/{repo.full_name}/pull/{pull.number}#discussion_r{comment.id}"
    pull_api = f"{repository_url(world, repo)}/pulls/{pull.number}"
    links = {"self": {"href": api}, "html": {"href": html}, "pull_request": {"href": pull_api}}
    document: Document = {
        "id": comment.id,
        "node_id": node_id("PullRequestReviewComment", comment.id),
        "url": api,
        "pull_request_review_id": comment.review_id,
        "diff_hunk": "@@",
        "path": comment.path,
        "position": 1,
        "original_position": 1,
        "commit_id": comment.commit_id,
        "original_commit_id": comment.commit_id,
        "user": user(world, comment.author),
        "body": comment.body,
        "created_at": moment(comment.created_at),
        "updated_at": moment(comment.created_at),
        "html_url": html,
        "pull_request_url": pull_api,
        "author_association": "NONE",
        "_links": links,
        "subject_type": "file" if comment.is_file_level else "line",
    }
    if comment.line is not None:
        document |= {"line": comment.line, "original_line": comment.line, "side": comment.side}
        start = {"start_line": comment.start_line, "original_start_line": comment.start_line}
        document |= {**start, "start_side": comment.side if comment.start_line is not None else None}
    return document


def issue_comment(world: World, repo: Repo, pull: Pull, comment: Comment) -> Document:
    """`issue-comment`."""
    api = f"{repository_url(world, repo)}/issues"
    return {
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "url": f"{api}/comments/{comment.id}",
        "html_url": f"{world.url}/{repo.full_name}/pull/{pull.number}#issuecomment-{comment.id}",
        "issue_url": f"{api}/{pull.number}",
        "body": comment.body,
        "user": user(world, comment.author),
        "created_at": moment(comment.created_at),
        "updated_at": moment(comment.created_at),
        "author_association": "NONE",
    }


def check_run(world: World, repo: Repo, run: CheckRun) -> Document:
    """`check-run`."""
    api = f"{repository_url(world, repo)}/check-runs/{run.id}"
    html = f"{world.url}/{repo.full_name}/runs/{run.id}"
    return {
        "id": run.id,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": api,
        "html_url": html,
        "details_url": html,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": moment(run.started_at) if run.started_at else None,
        "completed_at": moment(run.completed_at) if run.completed_at else None,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": None,
            "annotations_count": run.annotations,
            "annotations_url": f"{api}/annotations",
        },
        "name": run.name,
        "check_suite": {"id": run.id},
        "app": app(world),
        "pull_requests": [],
    }


def app(world: World) -> Document:
    """`integration`: the App itself."""
    created = moment(world.now())
    return {
        "id": world.app_id,
        "slug": world.app_slug,
        "node_id": node_id("App", world.app_id),
        "owner": user(world, world.account("acme")),
        "name": "AI Code Review",
        "description": None,
        "external_url": world.url,
        "html_url": f"{world.url}/apps/{world.app_slug}",
        "created_at": created,
        "updated_at": created,
        "permissions": {"metadata": "read", "contents": "read", "pull_requests": "write", "checks": "write"},
        "events": ["pull_request", "issue_comment", "check_run", "check_suite"],
    }
