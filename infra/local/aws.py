"""The emulated AWS account: its process, its address, and clients that speak to it."""

import functools
import threading
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import URLError

import boto3
from botocore.config import Config

from local.checkout import LOCAL, ROOT, child_environment
from local.environments import ensure_environment
from local.processes import LOOPBACK, Processes, wait_until

ACCOUNT_ID = "111122223333"  # the account of AWS's own examples
REGION = "us-east-1"
_SECRET = "test"  # noqa: S105 -- of any key; the emulator looks at none
PERMISSIONS_LOG = "permissions.jsonl"  # what roles asked for, where they are enforced
_LAYER_CACHE = LOCAL / "cache" / "layers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """A running emulator."""

    endpoint_url: str

    @property
    def environment(self) -> dict[str, str]:
        """Return what makes any AWS SDK, and `sam`, speak to this account as its root user.

        A key id of twelve digits is the root user of that account, also where roles are enforced.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            # The machine's own configuration and its metadata service stay out of it.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """Return the boto3 client of the root user, which all threads share."""
        return _shared(self, service)

    def new_client(self, service: str, config: Config | None = None) -> Any:
        """Return a client of one's own, to watch what it sends."""
        make: Any = _session().client  # its type knows one overload a service, and no service that is a variable
        with _MAKING:
            return make(service, endpoint_url=self.endpoint_url, config=config)


@functools.cache
def _shared(aws: Aws, service: str) -> Any:
    return aws.new_client(service)


# Clients may be shared by threads; a session, while it makes one, may not.
_MAKING = threading.Lock()


@functools.cache
def _session() -> boto3.Session:
    """Open one session for all clients: each would read the SDK's descriptions of AWS anew, for half a second."""
    return boto3.Session(aws_access_key_id=ACCOUNT_ID, aws_secret_access_key=_SECRET, region_name=REGION)


def start(
    processes: Processes, *, folder: Path, port: int, enforce_iam: bool = False, without: tuple[str, ...] = ()
) -> Aws:
    """Start the emulator with its files in `folder`; return when it answers.

    With `enforce_iam` each function may do only what its role in the template allows. `without` leaves out
    extensions, for the tests that show what they are for.
    """
    emulator, runtime = ensure_environment("emulator"), ensure_environment("runtime")
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    aws = Aws(endpoint_url=f"http://{LOOPBACK}:{port}")
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true" if enforce_iam else "false",
        "TMPDIR": str(temporary),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "PYTHONPATH": str(ROOT / "infra"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    log = folder / "emulator.log"
    left_out = [argument for name in without for argument in ("--without", name)]
    child = processes.start(
        [
            emulator / "python",
            "-m",
            "local.emulator",
            runtime / "python",
            _LAYER_CACHE,
            folder / PERMISSIONS_LOG,
            *left_out,
        ],
        environment=child_environment(settings | aws.environment, home=folder),
        folder=folder,
        log=log,
    )
    wait_until(lambda: _is_ready(aws.endpoint_url), child=child, name="the emulator", log=log)
    return aws


def _is_ready(endpoint_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False
