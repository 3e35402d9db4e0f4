"""The layers as they are built: complete for what we use of them, lean, and the same every time."""

import importlib.util
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from struct import unpack_from

import pytest

from local.build import architecture
from local.checkout import ROOT, child_environment
from local.environments import ensure_environment

LAYERS = ("core", "dependencies", "database", "analyzers")
THIRD_PARTY = LAYERS[1:]
OF_FUNCTION = {
    "webhook": ["core"],
    "reviewer": ["core", "dependencies"],
    "analyzer": ["core", "dependencies", "analyzers"],
    "recorder": ["core", "dependencies", "database"],
    "migrations": ["core", "dependencies", "database"],
}
MAX_UNPACKED = 250 * 1024 * 1024  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
OWN_SHARE = 0.75  # of the limit: room for growth
MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine of an ELF file
UNCHECKED_HASH = 0b01  # the flags of a compiled module, PEP 552


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layers")


def build(layer: str, target: Path, machine: str) -> Path:
    """Run a layer's makefile as `sam build` does: in a copy of its folder."""
    copy = target.with_name(f"{target.name}.source")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "node_modules")
    shutil.copytree(ROOT / "layers" / layer, copy, ignore=ignored)
    target.mkdir()
    done = subprocess.run(
        ["make", "--silent", f"build-{layer.title()}Layer"],
        cwd=copy,
        env=child_environment(
            {"ARTIFACTS_DIR": str(target), "ARCHITECTURE": machine, "UV": str(ROOT / ".venv" / "bin" / "uv")}
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def layers(scratch: Path) -> dict[str, Path]:
    """All layers for this machine."""
    return {layer: build(layer, scratch / layer, architecture()) for layer in LAYERS}


def run(layers: dict[str, Path], names: Sequence[str], code: str, *, folder: Path) -> str:
    """Run code in an interpreter that sees the named layers and nothing else."""
    paths = [str(layers[name] / "python") for name in reversed(names)]
    start = f"import sys; sys.path[:0] = {[*paths, str(folder)]!r}\n"
    done = subprocess.run(
        [ensure_environment("runtime") / "python", "-I", "-S", "-c", start + code],
        env={"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_DEFAULT_REGION": "us-east-1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- complete


@pytest.mark.parametrize("name", OF_FUNCTION)
def test_every_function_finds_what_it_imports_in_its_layers(layers: dict[str, Path], tmp_path: Path, name: str) -> None:
    shutil.copy(ROOT / "functions" / name / "handler.py", tmp_path)
    run(layers, OF_FUNCTION[name], "import handler; assert callable(handler.handle)", folder=tmp_path)


def test_every_service_that_the_package_calls_is_among_those_that_the_layer_keeps() -> None:
    called = {
        service
        for path in (ROOT / "layers/core/python/codereview").rglob("*.py")
        for service in re.findall(r"\bclient\(\s*\"([a-z0-9-]+)\"", path.read_text())
    }
    assert {"s3", "sqs", "dynamodb"} <= called
    by_operators = {"sts"}  # the command line's, which runs where the whole SDK is
    assert called - by_operators <= set(_kept_services())


def test_the_layer_has_those_services_and_they_work(layers: dict[str, Path], tmp_path: Path) -> None:
    data = layers["dependencies"] / "python" / "botocore" / "data"
    assert sorted(path.name for path in data.iterdir() if path.is_dir()) == sorted(_kept_services())
    code = f"""
import boto3, json
clients = {{name: boto3.client(name) for name in {_kept_services()!r}}}
print(json.dumps({{name: client.meta.endpoint_url for name, client in clients.items()}}))
"""
    addresses = json.loads(run(layers, ["dependencies"], code, folder=tmp_path))
    assert addresses["bedrock-runtime"] == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert set(addresses) == set(_kept_services())


def test_a_presigned_address_and_a_database_token_can_be_made(layers: dict[str, Path], tmp_path: Path) -> None:
    code = """
import boto3
print(boto3.client("rds").generate_db_auth_token("db.example", 5432, "codereview_writer", Region="us-east-1"))
print(boto3.client("s3").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"}))
"""
    token, address = run(layers, ["dependencies"], code, folder=tmp_path).splitlines()
    assert token.startswith("db.example:5432/?Action=connect&DBUser=codereview_writer")
    assert address.startswith("https://bucket.s3.amazonaws.com/key?")


def test_packages_know_their_versions(layers: dict[str, Path], tmp_path: Path) -> None:
    code = "from importlib.metadata import version; print(version({!r}))"
    for layer in THIRD_PARTY:
        for name, locked in _pins(ROOT / "layers" / layer / "requirements.txt").items():
            assert run(layers, [layer], code.format(name), folder=tmp_path).strip() == locked


def test_the_database_layer_knows_amazons_authorities(layers: dict[str, Path]) -> None:
    bundle = layers["database"] / "rds" / "global-bundle.pem"
    context = ssl.create_default_context(cafile=str(bundle))
    names = {dict(part[0] for part in each["subject"])["commonName"] for each in context.get_ca_certs()}  # type: ignore[misc]
    # The authority that the template's writer is issued by, in the first region.
    assert "Amazon RDS us-east-1 Root CA RSA2048 G1" in names


def test_the_ruff_binary_runs(layers: dict[str, Path]) -> None:
    done = subprocess.run([layers["analyzers"] / "python/bin/ruff", "--version"], capture_output=True, check=True)
    assert done.stdout.startswith(b"ruff ")


# --- lean


def test_the_command_line_is_not_part_of_the_layer(layers: dict[str, Path]) -> None:
    package = layers["core"] / "python" / "codereview"
    assert (package / "bootstrap" / "webhook.py").is_file()
    assert not (package / "cli").exists()
    assert not (package / "evaluation").exists()
    assert [path.name for path in (layers["core"] / "python").iterdir()] == ["codereview"]


def test_every_file_of_the_package_but_the_command_line_is_in_the_layer(layers: dict[str, Path]) -> None:
    source, built = ROOT / "layers/core/python/codereview", layers["core"] / "python" / "codereview"

    def files(folder: Path) -> set[Path]:
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path for path in found if not {"cli", "evaluation", "__pycache__"} & set(path.parts)}

    assert files(built) == files(source)


@pytest.mark.parametrize("name", OF_FUNCTION)
def test_a_functions_layers_stay_far_below_lambdas_limit(layers: dict[str, Path], name: str) -> None:
    files = (path for layer in OF_FUNCTION[name] for path in layers[layer].rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) < OWN_SHARE * MAX_UNPACKED


def test_no_layer_carries_tests_or_what_another_layer_has(layers: dict[str, Path]) -> None:
    seen: dict[str, str] = {}
    for layer in THIRD_PARTY:
        folder = layers[layer] / "python"
        assert not list(folder.rglob("tests"))
        for package in folder.glob("*.dist-info"):
            name = package.name.split("-")[0]
            assert name == "typing_extensions" or name not in seen, (name, layer, seen[name])
            seen[name] = layer


# --- the same every time, and on every machine


@pytest.mark.parametrize("layer", ["core", "dependencies", "database"])
def test_modules_are_compiled_for_a_folder_that_nobody_can_write_to(layers: dict[str, Path], layer: str) -> None:
    folder = layers[layer] / "python"
    modules = [path for path in folder.rglob("*.py") if "templates" not in path.parts]
    assert modules
    for module in modules:
        compiled = Path(importlib.util.cache_from_source(str(module)))
        if not compiled.is_file():
            pytest.fail(f"{module.relative_to(folder)} is not compiled")
        magic, flags = unpack_from("<4sI", compiled.read_bytes())
        assert (magic, flags) == (importlib.util.MAGIC_NUMBER, UNCHECKED_HASH)


@pytest.mark.parametrize("layer", ["core", "dependencies", "database"])
def test_another_build_of_the_same_sources_is_the_same_layer(
    layers: dict[str, Path], tmp_path: Path, layer: str
) -> None:
    again = build(layer, tmp_path / "a-longer-name-than-before", architecture())
    different = [str(path) for path, content in _content(again).items() if _content(layers[layer]).get(path) != content]
    assert different == []
    assert _content(again).keys() == _content(layers[layer]).keys()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("layer", THIRD_PARTY)
def test_binaries_are_those_of_the_architecture(tmp_path: Path, layer: str, machine: str) -> None:
    folder = build(layer, tmp_path / "built", machine)
    heads = [path.read_bytes()[:20] for path in folder.rglob("*") if path.is_file()]
    machines = {unpack_from("<H", head, 18)[0] for head in heads if head.startswith(b"\x7fELF")}
    assert machines == {MACHINES[machine]}


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    for layer in THIRD_PARTY:
        with pytest.raises(AssertionError, match="neither arm64 nor x86_64"):
            build(layer, tmp_path / layer, "mips")


@pytest.mark.parametrize("layer", THIRD_PARTY)
def test_a_layer_has_the_versions_that_the_tests_run_with(layer: str) -> None:
    tested = _pins(ROOT / "requirements" / "dev.txt")
    pins = _pins(ROOT / "layers" / layer / "requirements.txt")
    assert pins
    assert {name: tested.get(name) for name in pins} == pins


def test_no_lock_names_a_registry() -> None:
    locks = [*(ROOT / "requirements").glob("*.txt"), *(ROOT / "layers").glob("*/requirements.txt")]
    locks += [ROOT / "layers/database/package-lock.json"]
    for lock in locks:
        assert "://" not in lock.read_text(), lock.name


def _kept_services() -> list[str]:
    lines = (ROOT / "layers/dependencies/aws-services.txt").read_text().splitlines()
    return [line.split("#")[0].strip() for line in lines]


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)", lock.read_text(), re.MULTILINE))


@cache
def _content(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
