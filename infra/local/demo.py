"""`make demo`: the system comes up, a pull request is opened, its review is shown; then everything stays up."""

import argparse
import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlsplit

import psycopg

from local.checkout import LOCAL, ROOT, child_environment
from local.hub import Hub
from local.stack import LocalStack

_SAMPLE = ROOT / "infra" / "local" / "sample"
_LONGEST_WAIT_SECONDS = 300
_LONGEST_RECORD_SECONDS = 60
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Sample", "GIT_AUTHOR_EMAIL": "sample@example.com", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Sample", "GIT_COMMITTER_EMAIL": "sample@example.com",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
}  # fmt: skip


def main() -> None:
    """Run the demo until a signal, or once."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--repo", type=Path, help="a local clone (default: a small sample service)")
    parser.add_argument("--base", default="main", help="what the change is compared with")
    parser.add_argument("--head", default="change", help="the change")
    parser.add_argument("--once", action="store_true", help="end after the review")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _demonstrate(arguments.repo, arguments.base, arguments.head, is_once=arguments.once)
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print()


def _demonstrate(repo: Path | None, base: str, head: str, *, is_once: bool) -> None:
    started = time.monotonic()
    print("Bringing up the system on this machine")
    with LocalStack(report=step) as stack:
        clone = repo.resolve() if repo else sample_repository()
        review_id = open_and_show(stack.hub, clone, base=base, head=head)
        show_record(stack.database.superuser_dsn, review_id)
        print(f"\nAddresses\n  webhook    {stack.api_url}/webhooks/github\n  GitHub API {stack.hub.url}")
        print(f"  AWS        {stack.aws.endpoint_url}\n  Postgres   {stack.database.superuser_dsn}")
        print(f"Ready after {time.monotonic() - started:.0f} s. Open another one from this folder in another terminal:")
        print("  .venv/bin/codereview local open-pr --repo DIR --base REF --head REF")
        if not is_once:
            print("Press Ctrl-C to stop", flush=True)
            threading.Event().wait()


def step(name: str, seconds: float) -> None:
    """Print a step of the way up, with its seconds."""
    print(f"  {seconds:6.1f} s  {name}", flush=True)


def sample_repository() -> Path:
    """Return the sample service as a git repository with its change on a branch; always the same commits.

    It is made once for each state of its sources, and never touched again: other stacks of this checkout may read it.
    """
    home = LOCAL / "cache" / "samples" / _digest(_SAMPLE)
    folder = home / "sample"
    if folder.is_dir():
        return folder
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(dir=home.parent))
    _make_sample(draft / "sample")
    try:
        draft.rename(home)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(draft)  # somebody else was quicker
    return folder


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    whole = b"".join(f"{path.relative_to(folder)}\n".encode() + path.read_bytes() for path in files)
    return hashlib.sha256(whole).hexdigest()[:16]


def _make_sample(folder: Path) -> None:
    shutil.copytree(_SAMPLE / "base", folder, ignore=shutil.ignore_patterns("__pycache__"))
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    _commit(folder, "Add the orders service")
    _git(folder, "checkout", "--quiet", "-b", "change")
    shutil.copytree(_SAMPLE / "change", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    _commit(folder, "Report by customer and by mail")


def _commit(folder: Path, subject: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", subject)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env=child_environment(_IDENTITY))


def open_and_show(hub: Hub, clone: Path, *, base: str, head: str, title: str | None = None) -> str:
    """Open a pull request on a clone, wait for its review and print it; returns the review's id."""
    name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in clone.name) or "repository"
    repository = hub.add_repository(clone, owner="acme", name=name.removesuffix(".git"))
    pull = open_and_wait(hub, repository, base=base, head=head, title=title)
    show(pull, clone)
    return str(pull["check_runs"][-1]["external_id"])


def open_and_wait(hub: Hub, repository: int, *, base: str, head: str, title: str | None = None) -> dict[str, Any]:
    """Open a pull request on the stand-in; return what stands on it once its check run has ended."""
    started = time.monotonic()
    pull = hub.open_pull(repository, base=base, head=head, title=title or f"{head} into {base}")
    delivery = pull["deliveries"][-1]
    step(f"pull request #{pull['number']} opened, webhook answered {delivery['status']}", time.monotonic() - started)
    if delivery["status"] // 100 != 2:  # noqa: PLR2004 -- the class of success
        raise RuntimeError(f"the webhook answered {delivery['status']}")
    while time.monotonic() - started < _LONGEST_WAIT_SECONDS:
        pull = hub.pull(repository, pull["number"])
        if pull["check_runs"] and all(run["status"] == "completed" for run in pull["check_runs"]):
            step("reviewed", time.monotonic() - started)
            return pull
        time.sleep(0.1)
    raise RuntimeError(f"no review after {_LONGEST_WAIT_SECONDS} s")


def show(pull: dict[str, Any], clone: Path) -> None:
    """Print the review as GitHub would show it."""
    print(f"\n{pull['html_url']}  {pull['base_sha'][:12]}..{pull['head_sha'][:12]}")
    for run in pull["check_runs"]:
        print(f"check run {run['name']}: {run['conclusion']}, {run['title']}")
    for review in pull["reviews"]:
        print(f"\n{review['author']} reviewed {review['commit_id'][:12]}\n")
        print(_indented(_visible(review["body"])))
        for comment in review["comments"]:
            start = f"{comment['start_line']}-" if comment["start_line"] else ""
            print(f"\n  {comment['path']}:{start}{comment['line']} ({comment['side']})")
            print(f"  > {_line(clone, pull, comment)}")
            print(_indented(_visible(comment["body"]), "    "))


def _line(clone: Path, pull: dict[str, Any], comment: dict[str, Any]) -> str:
    """Return the line of code that a comment stands on."""
    commit = pull["head_sha"] if comment["side"] == "RIGHT" else pull["base_sha"]
    command = ["git", "-C", str(clone), "cat-file", "blob", f"{commit}:{comment['path']}"]
    content = subprocess.run(command, capture_output=True, check=False).stdout.decode("utf-8", "replace").split("\n")
    return content[comment["line"] - 1].strip() if comment["line"] and comment["line"] <= len(content) else ""


def _visible(markdown: str) -> str:
    """Leave out what GitHub does not show: comments, and the tags of small print."""
    lines = [line for line in markdown.split("\n") if not line.startswith("<!--")]
    return "\n".join(lines).replace("<sub>", "").replace("</sub>", "").strip()


def _indented(text: str, indent: str = "  ") -> str:
    return "\n".join(f"{indent}{line}".rstrip() for line in text.split("\n"))


def show_record(dsn: str, review_id: str) -> None:
    """Print the rows that the recorder wrote, once they are there."""
    rows = wait_for_record(dsn, review_id)
    with psycopg.connect(dsn, autocommit=True) as connection:
        review = connection.execute(
            "SELECT tenant_id, number, state, files_reviewed, files_total FROM reviews WHERE review_id = %s",
            [review_id],
        ).fetchone()
    print(f"\nRows in Postgres ({urlsplit(dsn).path.lstrip('/')})")
    if review is not None:
        tenant, number, state, reviewed, total = review
        print(f"  reviews    {tenant} #{number} {state}, {reviewed} of {total} files, {review_id}")
    for agent, severity, path, line, placement, title in rows:
        print(f"  findings   {severity:<8} {agent:<11} {path}:{line or '-'} ({placement}) {title}")


def wait_for_record(dsn: str, review_id: str) -> list[tuple[Any, ...]]:
    """Return agent, severity, path, line, placement and title of a review's findings, as soon as it is recorded."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(_LONGEST_RECORD_SECONDS * 10):
            if connection.execute("SELECT FROM reviews WHERE review_id = %s", [review_id]).fetchone() is not None:
                return connection.execute(
                    "SELECT agent, severity, path, line, placement, title FROM findings"
                    " WHERE review_id = %s ORDER BY ordinal",
                    [review_id],
                ).fetchall()
            time.sleep(0.1)
    raise RuntimeError("the recorder wrote no rows")


if __name__ == "__main__":
    main()
