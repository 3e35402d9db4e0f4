"""What each function loads: modules counted by name, never by time."""

import ast
import functools
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "core" / "python"
WEBHOOK = """
import sys
sys.path.insert(0, {folder!r})
import handler
from codereview import bootstrap
try:
    handler.handle({{}}, None)
except Exception:  # there is no deployment here: all that is wanted is what was loaded on the way
    pass
from codereview.adapters.aws import json_protocol
import http.client, ssl
"""


def modules_loaded_by(program: str) -> set[str]:
    """Run a program under `-X importtime` and list what it imports; site-packages can be reached, so it would show."""
    report = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program],
        env={"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    lines = [line.rpartition("|")[2].strip() for line in report.splitlines() if line.startswith("import time:")]
    return set(lines) - {"imported package"}


def third_party(modules: set[str]) -> set[str]:
    """Name the packages that are neither Python's nor ours; what `.pth` files of this environment load is neither."""
    mine = {"codereview", "handler", "functions"}
    return {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - mine - at_start()


@functools.cache
def at_start() -> set[str]:
    """List the packages that this environment loads by itself."""
    return {name.partition(".")[0] for name in modules_loaded_by("pass")}


def test_the_webhook_loads_nothing_third_party() -> None:
    modules = modules_loaded_by(WEBHOOK.format(folder=str(ROOT / "functions" / "webhook")))
    assert "codereview.adapters.aws.lean_queue" in modules
    assert "codereview.use_cases.accept_webhook" in modules
    assert third_party(modules) == set()


def test_the_webhook_loads_none_of_the_other_functions_parts() -> None:
    modules = modules_loaded_by(WEBHOOK.format(folder=str(ROOT / "functions" / "webhook")))
    assert modules.isdisjoint(
        {"codereview.ports", "codereview.agents", "codereview.use_cases.review_pull_request", "logging", "random"}
    )


def test_importing_the_handler_needs_no_environment_and_builds_nothing() -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT / 'functions' / 'webhook')!r}); import handler"
    modules = modules_loaded_by(program)
    assert "codereview.settings" not in modules
    assert "ssl" not in modules


def imports_of(builder: str) -> list[str]:
    """List the import statements of a builder in `bootstrap`, and of the functions of `bootstrap` that it calls."""
    tree = ast.parse((PACKAGE / "codereview" / "bootstrap.py").read_text())
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting, seen, statements = [builder], set[str](), list[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for node in ast.walk(functions[name]):
            match node:
                case ast.ImportFrom() | ast.Import():
                    statements.append(ast.unparse(node))
                case ast.Call(func=ast.Name(id=called)) if called in functions.keys() - seen:
                    waiting.append(called)
    return statements


def test_the_reviewer_never_loads_the_database() -> None:
    start = f"import sys; sys.path.insert(0, {str(ROOT / 'functions' / 'reviewer')!r}); import handler"
    modules = modules_loaded_by("\n".join([start, *imports_of("reviewer")]))
    assert {"boto3", "codereview.use_cases.review_pull_request", "codereview.adapters.github.app"} <= modules
    assert {name.partition(".")[0] for name in modules}.isdisjoint({"sqlalchemy", "psycopg", "alembic"})


def test_the_api_never_loads_the_database_nor_the_reviewers_work() -> None:
    start = f"import sys; sys.path.insert(0, {str(ROOT / 'functions' / 'api')!r}); import handler"
    modules = modules_loaded_by("\n".join([start, *imports_of("api")]))
    assert {"boto3", "codereview.entrypoints.api.app", "codereview.adapters.github.identity"} <= modules
    assert {name.partition(".")[0] for name in modules}.isdisjoint({"sqlalchemy", "psycopg", "alembic", "ruff"})
    assert "codereview.use_cases.review_pull_request" not in modules


def test_a_third_party_import_would_be_seen() -> None:
    assert third_party(modules_loaded_by("import httpx")) >= {"httpx", "idna"}
    assert Path(sysconfig.get_path("purelib"), "httpx").exists()


# --- the order of the webhook's work ---------------------------------------------------------------------------------


def calls_in(path: str) -> list[tuple[int, str]]:
    """List (line, name) of all calls in a module of the package."""
    tree = ast.parse((PACKAGE / "codereview" / path).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted((call.lineno, ast.unparse(call.func)) for call in calls)


def test_the_payload_is_read_in_one_place_after_the_signature() -> None:
    assert "json.loads" not in str(calls_in("entrypoints/http.py") + calls_in("domain/webhook.py"))
    names = [name for _, name in calls_in("use_cases/accept_webhook.py")]
    assert names.index("self._is_signed") < names.index("interpret") < names.index("self.queue.send")
    assert [name for _, name in calls_in("domain/webhook.py")].count("parse_object") == 1


@pytest.mark.parametrize("path", ["domain/signature.py", "use_cases/accept_webhook.py"])
def test_signatures_are_compared_in_constant_time_only(path: str) -> None:
    tree = ast.parse((PACKAGE / "codereview" / path).read_text())
    comparisons = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    is_equality = [
        any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in each.ops) for each in comparisons
    ]
    suspicious = [each for each, equality in zip(comparisons, is_equality, strict=True) if equality]
    assert [ast.unparse(each) for each in suspicious] in ([], ["verdict.envelope.action == 'synchronize'"])
    if path.startswith("domain"):
        assert any(name == "hmac.compare_digest" for _, name in calls_in(path))
