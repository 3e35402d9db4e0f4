"""Gap: Python functions run on the emulator's own interpreter, which lends them its installed packages.

A function that forgot a dependency would work here and fail on AWS. With this extension they run the way
`provided` runtimes already do, as a process that speaks the Runtime API: the process is the real
`awslambdaric` of an environment that holds nothing else, and sees the function's code, its own layers and
no variable that AWS would not set.
"""

import hashlib
import io
import os
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]

from local.emulator.memory import limited

_SET_BY_AWS = frozenset(
    {
        *("AWS_LAMBDA_RUNTIME_API", "AWS_DEFAULT_REGION", "AWS_REGION"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_TASK_ROOT", "_HANDLER"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        "AWS_ENDPOINT_URL",  # the one name that AWS would not set: it leads the SDK back to the emulator
    }
)
_BOOTSTRAP = "bootstrap"
_LEAST_MEMORY = 128


def install(function_python: Path, layer_folder: Path) -> None:
    """Run every `python3.*` function with `function_python`; keep unpacked layers in `layer_folder`.

    `layer_folder` may outlive the emulator: it is keyed by content, and holds the compiled modules that make
    the next cold start quick.
    """
    layers = _Layers(layer_folder)
    launcher = _write_launcher(Path(tempfile.gettempdir()), function_python)
    class_for, code_folder = lambda_runtime._worker_class_for, lambda_svc._provided_runtime_code_dir
    environment_for, execute_warm = lambda_svc._provided_worker_env, lambda_svc._execute_function_warm

    def code_folder_with_bootstrap(code_zip: bytes) -> str:
        folder: str = code_folder(code_zip)
        bootstrap = Path(folder, _BOOTSTRAP)
        with lambda_svc._provided_code_lock:  # two first invocations may come at once
            if not bootstrap.exists():
                bootstrap.symlink_to(launcher)
        return folder

    def environment(config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
        given: dict[str, str] = environment_for(config, code_dir, port)
        return _function_environment(config, given, layers) if _is_python(config) else given

    def execute(func: dict[str, Any], event: Any, request_id: str) -> Any:
        if _is_python(func.get("config") or func):
            return lambda_svc._execute_function_provided_warm(func, event, request_id)
        return execute_warm(func, event, request_id)

    lambda_svc._provided_runtime_code_dir = code_folder_with_bootstrap
    lambda_svc._provided_worker_env = environment
    lambda_svc._execute_function_warm = execute
    lambda_runtime._worker_class_for = lambda config: _PythonWorker if _is_python(config) else class_for(config)


class _PythonWorker(lambda_runtime.ProvidedWorker):  # type: ignore[misc]
    """An execution environment whose Runtime API answers without the 40 ms of a delayed acknowledgement."""

    def _build_handler_class(self, generation: int, pending: Any) -> Any:
        handler = super()._build_handler_class(generation, pending)
        handler.disable_nagle_algorithm = True
        return handler

    def invoke(self, *values: Any, **named: Any) -> Any:
        with limited(self._running, int(self.config.get("MemorySize") or _LEAST_MEMORY)):
            return super().invoke(*values, **named)

    def _running(self) -> int | None:
        process = self._proc
        return process.pid if process is not None and process.poll() is None else None


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def _write_launcher(folder: Path, function_python: Path) -> Path:
    launcher = folder / "awslambdaric"
    launcher.write_text(f'#!/bin/sh\nexec "{function_python}" -s -m awslambdaric "$_HANDLER"\n')
    launcher.chmod(0o755)
    return launcher


def _function_environment(config: dict[str, Any], given: dict[str, str], layers: "_Layers") -> dict[str, str]:
    """Return what the function's process may see: AWS's own names, the template's, the layers' paths."""
    own = (config.get("Environment") or {}).get("Variables") or {}
    logging = config.get("LoggingConfig") or {}
    # AWS unpacks all layers over one another into /opt, so the last one wins: it comes first on the paths.
    opt = list(reversed([layers.folder(layer) for layer in config.get("Layers") or []]))
    environment = {name: value for name, value in given.items() if name in _SET_BY_AWS or name in own}
    if not environment.get("AWS_SESSION_TOKEN"):
        environment.pop("AWS_SESSION_TOKEN", None)
    python_path = [given["LAMBDA_TASK_ROOT"], *(str(folder / "python") for folder in opt)]
    return environment | {
        "PATH": os.pathsep.join([*(str(folder / "bin") for folder in opt), "/usr/local/bin", "/usr/bin", "/bin"]),
        "PYTHONPATH": os.pathsep.join(python_path),
        "LD_LIBRARY_PATH": os.pathsep.join(str(folder / "lib") for folder in opt),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": str(_scratch(config["FunctionName"])),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}",
        "AWS_LAMBDA_LOG_FORMAT": "JSON" if logging.get("LogFormat") == "JSON" else "Text",
        "AWS_LAMBDA_LOG_LEVEL": logging.get("ApplicationLogLevel") or "INFO",
    }


def _scratch(function_name: str) -> Path:
    """Return what stands for the function's own /tmp; it goes with the emulator's temporary folder."""
    folder = Path(tempfile.gettempdir(), "scratch", function_name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class _Layers:
    """Unpacked layers, each in a folder named by the checksum of its archive."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def folder(self, attachment: Any) -> Path:
        """Return the folder that stands for `/opt` of one layer."""
        archive: bytes | None = lambda_svc._resolve_layer_zip(attachment)
        if archive is None:
            raise RuntimeError(f"no content for the layer {attachment}")
        folder = self._folder / hashlib.sha256(archive).hexdigest()[:32]
        with self._lock:
            if not folder.is_dir():
                self._unpack(archive, folder)
        return folder

    def _unpack(self, archive: bytes, folder: Path) -> None:
        # Another emulator may unpack the same layer into the same place: the rename decides, and either is good.
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        draft.mkdir(parents=True)
        with zipfile.ZipFile(io.BytesIO(archive)) as content:
            for member in content.infolist():
                unpacked = Path(content.extract(member, draft))
                if mode := member.external_attr >> 16 & 0o777:
                    unpacked.chmod(mode)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
