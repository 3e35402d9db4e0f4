"""Where things lie in this checkout, and what a child process may inherit from the developer's shell."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
TOOLS = ROOT / ".tools"
"""Virtual environments of tools that must not share one with the product."""

LOCAL = ROOT / ".local"
"""Everything that a running stack writes; `down` leaves only the caches of it."""

STATE_FILE = LOCAL / "state.json"

_INHERITED = frozenset(
    {
        *("PATH", "LANG", "LC_ALL", "TZ", "TERM", "COLUMNS"),
        # A registry's mirror and a proxy are the machine's business; without them nothing can be installed.
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_CONFIG_FILE"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    }
)


def child_environment(additions: Mapping[str, str], *, home: Path | None = None) -> dict[str, str]:
    """Return an environment for a child process: few inherited names, and `additions` over them.

    AWS credentials and endpoints of the developer's shell are not among the inherited ones: nothing here
    can reach a real account by accident. Without `home`, the child shares the developer's caches.
    """
    inherited = os.environ  # noqa: TID251 - a tool that starts processes hands on PATH and proxies
    base = {name: value for name, value in inherited.items() if name in _INHERITED}
    base["HOME"] = str(home or Path.home())
    return {**base, **additions}


def require_checkout() -> None:
    """Raise `SystemExit` with one sentence when this code does not run from a checkout of the project."""
    if not (ROOT / "template.yaml").is_file():
        sys.exit(f"error: no template.yaml in {ROOT}: run this in a checkout of the project")
