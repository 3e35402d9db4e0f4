"""A repository with every kind of change, and the App as a client of the stand-in."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt

from local.github import StandIn

FULL_NAME = "acme/shop"
ROOT = f"/repos/{FULL_NAME}"
PULL = f"{ROOT}/pulls/1"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """GitHub's time, moved by hand."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, input=stdin).stdout.decode().strip()


def build_clone(folder: Path) -> Path:
    """Make `main` and `feature`: feature changes two places of app.py and does one of everything else."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "app.py").write_text("".join(f"line {number}\n" for number in range(1, 101)))
    (folder / "gone.py").write_text("gone = True\n")
    (folder / "old name.py").write_text("".join(f"keep {number}\n" for number in range(30)))
    (folder / "logo.bin").write_bytes(bytes(range(256)))
    (folder / "src").mkdir()
    (folder / "src" / "größe.txt").write_text("äöü\n", encoding="utf-8")
    (folder / "link").symlink_to("app.py")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=Begin")
    git(folder, "checkout", "--quiet", "-b", "feature")
    lines = (folder / "app.py").read_text().splitlines(keepends=True)
    lines[49:50] = ["changed\n", "added\n"]  # 50 → 50, 51
    del lines[80:82]  # 80 and 81 of the old file
    (folder / "app.py").write_text("".join(lines))
    (folder / "new.py").write_text("print(1)\nprint(2)\n")
    (folder / "gone.py").unlink()
    (folder / "logo.bin").write_bytes(bytes(reversed(range(256))))
    (folder / "old name.py").rename(folder / "new name.py")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Change everything\n\nWith a body.")
    git(folder, "checkout", "--quiet", "-b", "later")
    (folder / "new.py").write_text("print(1)\nprint(2)\nprint(3)\n")
    git(folder, "commit", "--quiet", "--all", "--message=Print more")
    git(folder, "checkout", "--quiet", "main")
    return folder


def app_jwt(stand_in: StandIn, *, key: str | None = None, **changes: Any) -> str:
    now = int(stand_in.world.now().timestamp())
    claims = {"iat": now - 60, "exp": now + 540, "iss": stand_in.app_id} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key or stand_in.private_key_pem, algorithm="RS256")


def client(stand_in: StandIn, credential: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {credential}", "Accept": "application/vnd.github+json"}
    return httpx.Client(base_url=stand_in.url, headers=headers)


def token(stand_in: StandIn, installation_id: int, **scope: Any) -> str:
    with client(stand_in, app_jwt(stand_in)) as app:
        answer = app.post(f"/app/installations/{installation_id}/access_tokens", json=scope)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


def messages(answer: httpx.Response) -> list[str]:
    """Return what a refusal says, in either of GitHub's two forms."""
    document = answer.json()
    return [
        error if isinstance(error, str) else error.get("message", error["code"]) for error in document.get("errors", ())
    ] or [document["message"]]
